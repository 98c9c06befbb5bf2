//! What must hold of any input, as functions that panic where it does not.
//!
//! The fuzz targets (`fuzz/`) look for inputs that break them; the tests below feed them what a
//! generator makes, on any compiler.

use futures::{FutureExt, stream};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, HeaderName};
use http::{HeaderValue, Response, StatusCode};
use opendal_core::raw::normalize_path;
use opendal_core::{Buffer, ErrorKind, HttpBody};

use crate::error::Error;
use crate::exact::{disguise, has_reserved, reveal};
use crate::fetch::parts_of;
use crate::options::{COMMON, OptionKind, OptionSpec, Options, option};
use crate::partial;
use crate::span::{Plan, Span, content_range};
use crate::store::Store;

/// A table with every kind of option, and names beside aliases.
const SPECS: &[OptionSpec] = &[
    option("access_key_id", &["key"], OptionKind::Text, "", ""),
    option("secret_access_key", &["secret"], OptionKind::Secret, "", ""),
    option("endpoint", &["client.url"], OptionKind::Text, "", ""),
    option("anonymous", &["anon"], OptionKind::Flag, "", ""),
];

/// A name of the table of [`options`], or any other.
#[must_use]
pub fn option_name(number: u8, other: &str) -> &str {
    let known = SPECS.iter().chain(COMMON);
    let mut names = known.flat_map(|s| std::iter::once(&s.name).chain(s.aliases));
    names.nth(number.into()).map_or(other, |name| name)
}

/// Options are taken with values that can be used, or refused without a word of a secret.
pub fn options(pairs: &[(&str, &str)]) {
    let parsed = match Options::parse("test", SPECS, false, pairs.iter().copied()) {
        Ok(parsed) => parsed,
        Err(err) => {
            let secret = |name: &str| matches!(name, "secret" | "secret_access_key");
            for (name, value) in pairs.iter().filter(|(name, _)| secret(name)) {
                // Shorter ones are words of the message by chance.
                let is_told = value.len() > 40 && err.to_string().contains(value);
                assert!(!is_told, "the value of {name} is in an error");
            }
            return;
        }
    };
    for (name, value) in pairs {
        let specs = SPECS.iter().chain(COMMON);
        let spec = specs
            .into_iter()
            .find(|s| s.name == *name || s.aliases.contains(name))
            .expect("unknown names are refused");
        assert_eq!(parsed.text(spec.name), Some(*value), "{name}");
        match spec.kind {
            OptionKind::Count | OptionKind::Bytes => {
                // Room to multiply: parts at once, twice a part.
                let number = parsed.count_or(spec.name, 0);
                assert!(number.checked_mul(1 << 20).is_some(), "{name}={value}");
            }
            OptionKind::Seconds => assert!(!parsed.seconds_or(spec.name, 1.0).is_zero()),
            OptionKind::Flag => drop(parsed.flag(spec.name)),
            OptionKind::Text | OptionKind::Secret | OptionKind::Endpoint => {}
        }
    }
    let shown = format!("{parsed:?}");
    assert!(
        !pairs
            .iter()
            .any(|(_, value)| value.len() > 40 && shown.contains(value))
    );
}

/// A disguise passes through an operator unchanged and comes off again.
pub fn keys(key: &str) {
    if has_reserved(key) {
        return;
    }
    for key in [key.to_owned(), format!("{key}/")] {
        let hidden = disguise(&key);
        assert_eq!(reveal(&hidden), key);
        if !key.is_empty() {
            assert_eq!(normalize_path(&hidden), hidden, "{key:?}");
            assert_eq!(hidden.ends_with('/'), key.ends_with('/'), "{key:?}");
        }
    }
}

/// A path leads to one place whose name is the path again, or nowhere.
pub fn paths(store: &Store, path: &str) {
    let Ok(place) = store.place("test", path) else {
        return;
    };
    assert_eq!(place.path, path);
    let bare = path.strip_prefix('/').unwrap_or(path);
    let given = if store.is_absolute() { bare } else { path };
    if store.has_containers() {
        let (container, key) = given.split_once('/').unwrap_or((given, ""));
        assert_eq!(place.prefix, format!("{container}/"));
        assert_eq!(place.key, key);
    } else {
        assert_eq!(place.key, given);
    }
    let name = place.name_of(&place.key);
    if !place.key.is_empty() && !place.key.ends_with('/') {
        let again = store.place("test", &name).expect("names are paths");
        assert_eq!((again.key, again.prefix), (place.key, place.prefix));
    }
}

/// A slice is what it is in Python, whether the size is known before or after the request.
pub fn spans(start: Option<i64>, end: Option<i64>, size: u64) {
    // Sizes are signed numbers everywhere.
    let size = size.min(i64::MAX.unsigned_abs());
    let span = Span { start, end };
    let whole = i128::from(size);
    let limit = |v: Option<i64>, default: i128| {
        let v = v.map_or(default, i128::from);
        if v < 0 {
            (v + whole).max(0)
        } else {
            v.min(whole)
        }
    };
    let (first, last) = (limit(start, 0), limit(end, whole));
    let wanted = first..last.max(first);
    let within = span.within(size);
    assert_eq!(
        i128::from(within.start)..i128::from(within.end),
        wanted,
        "{span:?} of {size}"
    );
    match span.plan() {
        Plan::Empty => assert!(wanted.is_empty(), "{span:?} of {size}"),
        Plan::NeedsSize => {}
        Plan::Range(range) => match content_range(range, size) {
            Ok(found) if !wanted.is_empty() => assert_eq!(found, within, "{span:?} of {size}"),
            Ok(found) => assert!(found.is_empty(), "{span:?} of {size}"),
            Err(_) => assert!(wanted.is_empty(), "{span:?} of {size}"),
        },
    }
}

/// Parts are a span, cut into pieces that are no larger than asked for.
pub fn parts(start: u64, len: u16, part: u8) {
    let span = start..start.saturating_add(len.into());
    let mut at = span.start;
    for range in parts_of(span.clone(), part.into()) {
        assert_eq!(range.start, at);
        assert!(range.start < range.end && range.end - range.start <= u64::from(part.max(1)));
        at = range.end;
    }
    assert_eq!(at, span.end);
}

/// What a server of any kind answers to a request for a range.
#[derive(Debug)]
pub struct Answer<'a> {
    /// Value of the `Range` header of the request.
    pub range: &'a [u8],
    /// Status of the answer.
    pub status: u16,
    /// Its `Content-Range`, if any.
    pub content_range: Option<&'a [u8]>,
    /// Its `Content-Length`, which need not be true; without, the true one.
    pub content_length: Option<&'a [u8]>,
    /// Whether the content is encoded.
    pub is_encoded: bool,
    /// Its body.
    pub body: &'a [u8],
    /// In pieces of so many bytes.
    pub step: u8,
}

/// What is cut out of an answer is what its own headers say.
pub fn ranges(answer: &Answer<'_>) {
    let Ok(range) = HeaderValue::from_bytes(answer.range) else {
        return;
    };
    let Ok(status) = StatusCode::from_u16(answer.status) else {
        return;
    };
    let length = answer.body.len().to_string();
    let encoding = answer.is_encoded.then_some(&b"gzip"[..]);
    let mut response = Response::builder().status(status);
    let headers: [(HeaderName, Option<&[u8]>); 3] = [
        (CONTENT_RANGE, answer.content_range),
        (
            CONTENT_LENGTH,
            Some(answer.content_length.unwrap_or(length.as_bytes())),
        ),
        (CONTENT_ENCODING, encoding),
    ];
    for (name, value) in headers {
        if let Some(value) = value {
            response = response.header(name, value);
        }
    }
    let pieces: Vec<_> = answer
        .body
        .chunks(usize::from(answer.step).max(1))
        .map(|piece| Ok(Buffer::from(piece.to_vec())))
        .collect();
    let Ok(response) = response.body(HttpBody::new(stream::iter(pieces), None)) else {
        return;
    };
    let told = response.headers().get(CONTENT_LENGTH).cloned();
    let (head, mut body) = partial::cut(Some(&range), response).into_parts();
    let bytes = body.to_buffer().now_or_never().expect("no server is asked");
    let was_cut = status == StatusCode::OK && head.status != StatusCode::OK;
    if status == StatusCode::PARTIAL_CONTENT && head.status == StatusCode::RANGE_NOT_SATISFIABLE {
        // A part that ends before it begins is none.
        return;
    }
    if !was_cut {
        assert_eq!(head.status, status);
        assert_eq!(bytes.expect("nothing failed").to_vec(), answer.body);
        return;
    }
    if head.status == StatusCode::RANGE_NOT_SATISFIABLE {
        assert!(bytes.expect("nothing failed").is_empty());
        return;
    }
    assert_eq!(head.status, StatusCode::PARTIAL_CONTENT);
    let text = |name| {
        head.headers
            .get(name)
            .and_then(|v| HeaderValue::to_str(v).ok())
    };
    let said = text(CONTENT_RANGE).expect("a part says which");
    let (span, total) = said
        .strip_prefix("bytes ")
        .and_then(|v| v.split_once('/'))
        .expect("a range");
    let (first, last) = span.split_once('-').expect("two ends");
    let (first, last): (usize, usize) = (
        first.parse().expect("a number"),
        last.parse().expect("a number"),
    );
    let told = told.as_ref().and_then(|v| v.to_str().ok()?.parse().ok());
    assert_eq!(total.parse::<u64>().ok(), told);
    assert_eq!(
        text(CONTENT_LENGTH),
        Some((last + 1 - first).to_string().as_str())
    );
    match bytes {
        Ok(bytes) => assert_eq!(bytes.to_vec(), answer.body[first..=last]),
        // The whole is shorter than its head said.
        Err(_) => assert!(answer.body.len() <= last),
    }
}

/// Whatever a service says is one line of text.
pub fn errors(message: &str) {
    for kind in [ErrorKind::Unexpected, ErrorKind::ConfigInvalid] {
        let err = opendal_core::Error::new(kind, message);
        let text = Error::from_opendal(&err)
            .at("test", "key", "s3")
            .to_string();
        assert!(!text.contains(['\n', '\r']), "{text:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{Service, register};

    /// Numbers that are the same in every run (xorshift), and what can be made of them.
    struct Draw(u64);

    impl Draw {
        fn number(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }

        fn below(&mut self, limit: u64) -> u64 {
            self.number() % limit
        }

        fn one<T: Copy>(&mut self, of: &[T]) -> T {
            of[usize::try_from(self.below(of.len() as u64)).unwrap()]
        }

        /// Words of `of` in a row.
        fn text(&mut self, of: &[&str]) -> String {
            (0..self.below(6)).map(|_| self.one(of)).collect()
        }

        /// Small ones, and those at the edges.
        fn signed(&mut self) -> Option<i64> {
            let edges = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
            match self.below(4) {
                0 => None,
                1 => Some(self.one(&edges)),
                _ => Some(i64::try_from(self.below(40)).unwrap() - 20),
            }
        }
    }

    fn each(check: impl Fn(&mut Draw)) {
        let mut draw = Draw(0x9E37_79B9_7F4A_7C15);
        for _ in 0..20_000 {
            check(&mut draw);
        }
    }

    #[test]
    fn any_key_passes_through_an_operator() {
        let words = [
            "/", "//", " ", "a", ".", "..", "\u{3000}", "\n", "\u{e9}", "%2F", "\u{feff}",
        ];
        each(|draw| keys(&draw.text(&words)));
    }

    #[test]
    fn any_slice_is_that_of_python() {
        each(|draw| {
            let size = match draw.below(4) {
                0 => draw.one(&[0, 1, u64::MAX, i64::MAX.unsigned_abs()]),
                _ => draw.below(20),
            };
            spans(draw.signed(), draw.signed(), size);
        });
    }

    #[test]
    fn any_span_is_cut_into_parts() {
        each(|draw| {
            let near_the_end = u64::MAX - draw.below(70_000);
            let start = draw.one(&[0, near_the_end, i64::MAX.unsigned_abs()]);
            let (len, part) = (draw.below(1 << 16), draw.below(1 << 8));
            parts(
                start,
                u16::try_from(len).unwrap(),
                u8::try_from(part).unwrap(),
            );
        });
    }

    #[test]
    fn any_answer_is_cut_to_what_it_says() {
        let words = [
            "bytes=",
            "bytes ",
            "-",
            "/",
            "*",
            ",",
            "0",
            "3",
            "7",
            "99",
            "18446744073709551615",
        ];
        each(|draw| {
            let one_in_two =
                |draw: &mut Draw, words| Some(draw.text(words)).filter(|t| t.len() % 2 == 0);
            let range = match draw.below(2) {
                0 => format!("bytes={}-{}", draw.below(12), draw.below(14)),
                _ => draw.text(&words),
            };
            let (said, length) = (
                one_in_two(draw, &words),
                one_in_two(draw, &["0", "3", "7", "x"]),
            );
            ranges(&Answer {
                range: range.as_bytes(),
                status: draw.one(&[200, 200, 206, 404, 416]),
                content_range: said.as_deref().map(str::as_bytes),
                content_length: length.as_deref().map(str::as_bytes),
                is_encoded: draw.below(8) == 0,
                body: &b"0123456789"[..usize::try_from(draw.below(11)).unwrap()],
                step: u8::try_from(draw.below(5)).unwrap(),
            });
        });
    }

    #[test]
    fn any_options_are_taken_or_refused() {
        let values = [
            "true",
            "0",
            "1",
            "-1",
            "1e5",
            "1e-400",
            "nan",
            "inf",
            "18446744073709551615",
            "s",
            " ",
        ];
        each(|draw| {
            let given: Vec<(u8, String)> = (0..draw.below(4))
                .map(|_| (u8::try_from(draw.below(30)).unwrap(), draw.text(&values)))
                .collect();
            let named = given
                .iter()
                .map(|(name, value)| (option_name(*name, "any"), value.as_str()));
            options(&named.collect::<Vec<_>>());
        });
    }

    fn stores() -> [Store; 3] {
        let build = |_: &Options, _: Option<&str>| {
            let memory = opendal_core::services::Memory::default();
            opendal_core::Operator::new(memory).map_err(|e| Error::from_opendal(&e))
        };
        let plain = Service::new("plain", "", &[], build);
        register(plain);
        register(Service {
            scheme: "absolute",
            is_absolute: true,
            ..plain
        });
        register(Service {
            scheme: "buckets",
            container: Some("bucket"),
            ..plain
        });
        ["plain", "absolute", "buckets"].map(|scheme| Store::new(scheme, []).unwrap())
    }

    #[test]
    fn any_path_leads_to_the_place_it_names() {
        let stores = stores();
        let words = [
            "/",
            "a",
            " ",
            ".",
            "..",
            "\0",
            "\u{10FFFF}",
            "b c",
            "\u{e9}",
        ];
        each(|draw| {
            let path = draw.text(&words);
            for store in &stores {
                paths(store, &path);
            }
        });
    }

    #[test]
    fn any_message_of_a_service_is_one_line() {
        let words = [
            "code: \"",
            "message: \"",
            "\"",
            "\\",
            "\n",
            "\r",
            "?",
            "endpoint: ",
            "text",
        ];
        each(|draw| errors(&draw.text(&words)));
    }
}
