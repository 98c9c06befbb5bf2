//! What a page that lists a directory names.

use opendal_core::raw::percent_decode_path;

/// The keys of what lies directly below the directory whose page this is, in the page's order:
/// `dir/name`, and `dir/name/` for directories.
///
/// Links count, not what they look like: nginx, Apache, Caddy, Python and object stores all
/// write links. Those that lead up, away, or to the same page in another order do not count.
///
/// `url` is the page's own URL, with a slash at its end; `dir` its key.
pub(crate) fn entries(page: &str, url: &str, dir: &str) -> Vec<String> {
    let (origin, path) = split(url);
    let mut out: Vec<String> = Vec::new();
    for link in links(page) {
        let link = link.split(['?', '#']).next().unwrap_or_default();
        let rest = if let Some(at) = link.find("://") {
            let is_scheme = link[..at].chars().all(|c| c.is_ascii_alphanumeric());
            let (other, rest) = split(link);
            match rest.strip_prefix(path) {
                Some(rest) if is_scheme && other.eq_ignore_ascii_case(origin) => rest,
                _ => continue,
            }
        } else if link.starts_with("//") {
            continue;
        } else if link.starts_with('/') {
            match link.strip_prefix(path) {
                Some(rest) => rest,
                None => continue,
            }
        } else {
            link.strip_prefix("./").unwrap_or(link)
        };
        let name = rest.strip_suffix('/').unwrap_or(rest);
        // A colon before any slash makes a scheme of what is before it: `mailto:`.
        let has_scheme = rest == link && name.contains(':');
        if name.is_empty() || name.contains('/') || has_scheme {
            continue;
        }
        let name = percent_decode_path(rest);
        let bare = name.strip_suffix('/').unwrap_or(&name);
        if bare == "." || bare == ".." || bare.contains('/') {
            continue;
        }
        let key = format!("{dir}{name}");
        if !out.contains(&key) {
            out.push(key);
        }
    }
    out
}

/// `scheme://host` and the path of a URL without a query.
fn split(url: &str) -> (&str, &str) {
    let start = url.find("://").map_or(0, |at| at + 3);
    match url[start..].find('/') {
        Some(at) => url.split_at(start + at),
        None => (url, "/"),
    }
}

/// The targets of the page's anchors, in order.
fn links(page: &str) -> Vec<String> {
    let lower = page.to_ascii_lowercase();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(found) = lower[at..].find("<a") {
        at += found + 2;
        if !lower[at..].starts_with(|c: char| c.is_ascii_whitespace()) {
            continue;
        }
        let end = lower[at..].find('>').map_or(lower.len(), |n| at + n);
        if let Some(target) = attribute(&page[at..end], &lower[at..end], "href") {
            out.push(unescape(target));
        }
        at = end;
    }
    out
}

/// The value of an attribute of a tag.
fn attribute<'a>(tag: &'a str, lower: &str, name: &str) -> Option<&'a str> {
    let mut from = 0;
    loop {
        let start = from + lower[from..].find(name)?;
        from = start + name.len();
        let is_whole = lower[..start].ends_with(|c: char| c.is_ascii_whitespace());
        let rest = tag[from..].trim_start();
        let Some(value) = rest.strip_prefix('=').filter(|_| is_whole) else {
            continue;
        };
        let value = value.trim_start();
        return match value.chars().next()? {
            quote @ ('"' | '\'') => value[1..].split(quote).next(),
            _ => value.split(|c: char| c.is_ascii_whitespace()).next(),
        };
    }
}

/// Text without HTML's escapes, as far as pages of directories have them.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = rest
            .find(';')
            .and_then(|end| Some((character(&rest[1..end])?, end)));
        match known {
            Some((c, end)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        _ => {}
    }
    let number = name.strip_prefix('#')?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_below_the_page_are_entries_and_no_others() {
        let page = r##"<html><body><a href="../">../</a>
            <a href="?C=N;O=D">Name</a> <A HREF='sub/'>sub/</A>
            <a class="x" href="a%20b%3F.txt">a b?</a> <a href=plain.bin>plain</a>
            <a href="R&amp;D%20&#39;1&#39;.txt">R&amp;D</a> <a href="./dot">dot</a>
            <a href="/data/rooted">rooted</a> <a href="/elsewhere">no</a>
            <a href="http://h:1/data/full">full</a> <a href="http://other/data/no">no</a>
            <a href="mailto:x@y">mail</a> <a href="//h/data/no">no</a> <a href="#top">top</a>
            <a href="deep/er">no</a> <a href="sub/">again</a> <abbr href="no">no</abbr>
            <a data-href="no" name="x">no</a> <a href="%2e%2e/">up</a> <a href="x%2Fy">no</a>"##;
        assert_eq!(
            entries(page, "http://h:1/data/", "d/"),
            [
                "d/sub/",
                "d/a b?.txt",
                "d/plain.bin",
                "d/R&D '1'.txt",
                "d/dot",
                "d/rooted",
                "d/full",
            ]
        );
    }

    #[test]
    fn a_page_that_is_cut_off_or_odd_is_read_as_far_as_it_goes() {
        assert_eq!(entries("<a href=\"x", "http://h/", ""), ["x"]);
        assert_eq!(entries("<a href", "http://h/", ""), [""; 0]);
        // What names no character stays as it is; then the rest is a fragment.
        assert_eq!(
            entries("<a href=\"&#x110000;&bad;\">", "http://h/", ""),
            ["&"]
        );
    }
}
