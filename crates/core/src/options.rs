//! Options: names, aliases, types, and the one place where a user's options are checked.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::error::{Error, Kind, Result};

/// Type of an option's value; values arrive as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionKind {
    /// Any text.
    Text,
    /// `http://host` or `https://host`, with a port and a path if need be; or `host` alone.
    Endpoint,
    /// Text that is never shown.
    Secret,
    /// `true` or `false`.
    Flag,
    /// A whole number from 0 to [`MAX_COUNT`].
    Count,
    /// Seconds, fractions allowed.
    Seconds,
    /// A size in bytes from 1 to [`MAX_BYTES`].
    Bytes,
}

/// The largest count: more tasks or requests at once serve nobody, and numbers that cannot be
/// multiplied are found here and not in the middle of a transfer.
pub const MAX_COUNT: usize = 65_535;
/// The largest size: that of the largest part of S3, 5 GiB.
pub const MAX_BYTES: usize = 5 << 30;

/// One option of a service.
#[derive(Clone, Copy, Debug)]
pub struct OptionSpec {
    /// The canonical name: OpenDAL's where OpenDAL has one.
    pub name: &'static str,
    /// Other accepted spellings; `a.b` is key `b` of the nested option `a`.
    pub aliases: &'static [&'static str],
    /// Type of the value.
    pub kind: OptionKind,
    /// The default in words; empty when there is none.
    pub default: &'static str,
    /// One sentence for the documentation.
    pub doc: &'static str,
}

/// Shorthand that keeps the tables of the service crates one line an option.
#[must_use]
pub const fn option(
    name: &'static str,
    aliases: &'static [&'static str],
    kind: OptionKind,
    default: &'static str,
    doc: &'static str,
) -> OptionSpec {
    OptionSpec {
        name,
        aliases,
        kind,
        default,
        doc,
    }
}

/// Options that every service takes. The defaults' reasons are in docs/reference/defaults.md.
pub const COMMON: &[OptionSpec] = &[
    option(
        "root",
        &[],
        OptionKind::Text,
        "",
        "Directory or key prefix under which all paths lie.",
    ),
    option(
        "connect_timeout",
        &["config_kwargs.connect_timeout"],
        OptionKind::Seconds,
        "5",
        "Seconds to wait for a connection.",
    ),
    option(
        "request_timeout",
        &["timeout", "read_timeout", "config_kwargs.read_timeout"],
        OptionKind::Seconds,
        "10",
        "Seconds to wait for the head of an answer, on top of the time the body needs at 256 KiB/s; and for each next piece of its body.",
    ),
    option(
        "max_retries",
        &["retries", "config_kwargs.retries.max_attempts"],
        OptionKind::Count,
        "9",
        "How often a request that failed for a passing reason is tried again, from 0.1 s on, doubling, jittered.",
    ),
    option(
        "retry_timeout",
        &[],
        OptionKind::Seconds,
        "60",
        "Seconds for all attempts of one request together.",
    ),
    option(
        "max_connections",
        &[],
        OptionKind::Count,
        "64",
        "Downloads under way at once in this process, and as many other requests; further ones wait.",
    ),
    option(
        "max_concurrency",
        &["config_kwargs.max_pool_connections"],
        OptionKind::Count,
        "32",
        "Requests under way at once in one bulk call.",
    ),
    option(
        "part_size",
        &["chunk_size", "upload_part_size"],
        OptionKind::Bytes,
        "8388608",
        "Bytes of one part of an upload or of one range of a parallel read.",
    ),
    option(
        "part_concurrency",
        &[],
        OptionKind::Count,
        "4",
        "Parts of one object under way at once.",
    ),
    option(
        "verify",
        &["client_kwargs.verify"],
        OptionKind::Text,
        "true",
        "Check TLS certificates; a path names a bundle of certificate authorities.",
    ),
];

/// Checked options, by canonical name.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Options {
    values: BTreeMap<&'static str, String>,
    /// For services without a table: handed to OpenDAL as they are.
    extra: BTreeMap<String, String>,
}

impl Options {
    /// Check a user's pairs against the tables.
    ///
    /// # Errors
    /// `ConfigInvalid` for an unknown name (it names the nearest), a value of the wrong type,
    /// or one option given twice with different values.
    pub fn parse<'a>(
        service: &str,
        specs: &'static [OptionSpec],
        is_open: bool,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self> {
        let mut out = Options::default();
        for (given, value) in pairs {
            let found = specs
                .iter()
                .chain(COMMON)
                .find(|s| s.name == given || s.aliases.contains(&given));
            let Some(spec) = found else {
                if is_open {
                    out.extra.insert(given.to_owned(), value.to_owned());
                    continue;
                }
                return Err(unknown(service, given, specs));
            };
            check(spec, given, value)?;
            let old = out.values.insert(spec.name, value.to_owned());
            if old.is_some_and(|old| old != value) {
                return Err(Error::new(
                    Kind::ConfigInvalid,
                    format!(
                        "option {:?} of {service} is given twice with different values (as {given:?})",
                        spec.name
                    ),
                ));
            }
        }
        Ok(out)
    }

    /// These options with some changed.
    ///
    /// # Errors
    /// As [`Options::parse`].
    pub fn changed<'a>(
        &self,
        service: &str,
        specs: &'static [OptionSpec],
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self> {
        let changes = Options::parse(service, specs, false, pairs)?;
        let mut out = self.clone();
        out.values.extend(changes.values);
        Ok(out)
    }

    /// The text of an option.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The text of an option, or the default.
    #[must_use]
    pub fn text_or<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.text(name).unwrap_or(default)
    }

    /// A flag; false when it is not given.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.text(name).and_then(parse_flag).unwrap_or(false)
    }

    /// A number, or the default.
    #[must_use]
    pub fn count_or(&self, name: &str, default: usize) -> usize {
        self.text(name)
            .and_then(|v| v.parse().ok())
            .unwrap_or(default)
    }

    /// Seconds, or the default.
    #[must_use]
    pub fn seconds_or(&self, name: &str, default: f64) -> Duration {
        let seconds = self.text(name).and_then(|v| v.parse().ok());
        Duration::from_secs_f64(seconds.unwrap_or(default))
    }

    /// What OpenDAL's own configuration should get: every given option but the common ones.
    pub fn pairs(&self) -> impl Iterator<Item = (String, String)> + '_ {
        self.values
            .iter()
            .filter(|(name, _)| **name == "root" || !COMMON.iter().any(|c| c.name == **name))
            .map(|(k, v)| ((*k).to_owned(), v.clone()))
            .chain(self.extra.iter().map(|(k, v)| (k.clone(), v.clone())))
    }
}

/// Names only: a Debug print of options must be safe to log.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.values.keys())
            .entries(self.extra.keys())
            .finish()
    }
}

/// `true`/`false` as Python, shells and configuration files spell them.
#[must_use]
pub fn parse_flag(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" | "" => Some(false),
        _ => None,
    }
}

/// The nearest of `names` to `given`.
pub fn nearest<'a>(given: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(given, name), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

fn unknown(service: &str, given: &str, specs: &'static [OptionSpec]) -> Error {
    let names = specs
        .iter()
        .chain(COMMON)
        .flat_map(|s| std::iter::once(s.name).chain(s.aliases.iter().copied()));
    let hint = match nearest(given, names) {
        Some(name) => format!("; did you mean {name:?}?"),
        None => String::new(),
    };
    Error::new(
        Kind::ConfigInvalid,
        format!("unknown option {given:?} for {service}{hint}"),
    )
}

/// Whether requests can go there: a URL of HTTP, or a host that lacks only the scheme.
fn is_endpoint(value: &str) -> bool {
    let url = match value.contains("://") {
        true => reqwest::Url::parse(value),
        false => reqwest::Url::parse(&format!("http://{value}")),
    };
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control();
    url.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        && value.chars().all(is_plain)
}

fn check(spec: &OptionSpec, given: &str, value: &str) -> Result<()> {
    let (is_valid, wanted) = match spec.kind {
        OptionKind::Text | OptionKind::Secret => (true, ""),
        OptionKind::Endpoint => (is_endpoint(value), "a URL such as http://127.0.0.1:9000"),
        OptionKind::Flag => (parse_flag(value).is_some(), "true or false"),
        OptionKind::Count => (
            value.parse::<usize>().is_ok_and(|n| n <= MAX_COUNT),
            "a whole number from 0 to 65535",
        ),
        OptionKind::Seconds => (
            value.parse::<f64>().is_ok_and(|s| (1e-9..1e6).contains(&s)),
            "seconds, greater than 0 and less than 1000000",
        ),
        OptionKind::Bytes => (
            value
                .parse::<usize>()
                .is_ok_and(|b| b > 0 && b <= MAX_BYTES),
            "a number of bytes from 1 to 5368709120 (5 GiB)",
        ),
    };
    if is_valid {
        return Ok(());
    }
    Err(Error::new(
        Kind::ConfigInvalid,
        format!("option {given:?} takes {wanted}, not {value:?}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_somewhere_requests_can_go() {
        for good in [
            "http://h",
            "https://h:9000/x",
            "localhost:9000",
            "http://[::1]:80",
            "h",
        ] {
            assert!(is_endpoint(good), "{good}");
        }
        let bad = [
            "",
            " ",
            "http://",
            "http://[::1",
            "http://h:99999",
            "http://h:port",
            "http://a b",
            "ftp://h",
            "file:///x",
            "\0",
        ];
        for bad in bad {
            assert!(!is_endpoint(bad), "{bad}");
        }
    }

    const SPECS: &[OptionSpec] = &[
        option("access_key_id", &["key"], OptionKind::Text, "", ""),
        option("secret_access_key", &["secret"], OptionKind::Secret, "", ""),
        option("allow", &[], OptionKind::Flag, "", ""),
    ];

    #[test]
    fn alias_and_name_are_one_option() {
        let o = Options::parse("s3", SPECS, false, [("key", "k")]).unwrap();
        assert_eq!(o.text("access_key_id"), Some("k"));
        let twice = [("key", "k"), ("access_key_id", "other")];
        assert!(Options::parse("s3", SPECS, false, twice).is_err());
    }

    #[test]
    fn unknown_option_names_the_nearest() {
        let err = Options::parse("s3", SPECS, false, [("secrt", "x")]).unwrap_err();
        assert_eq!(err.kind(), Kind::ConfigInvalid);
        assert!(err.to_string().contains("\"secret\""), "{err}");
        assert!(!err.to_string().contains('x'), "{err}");
    }

    #[test]
    fn wrong_type_is_refused() {
        assert!(Options::parse("s3", SPECS, false, [("allow", "perhaps")]).is_err());
        assert!(Options::parse("s3", SPECS, false, [("connect_timeout", "-1")]).is_err());
    }

    #[test]
    fn numbers_that_cannot_be_reckoned_with_are_refused() {
        for (name, value) in [
            ("part_size", "9223372036854775808"),
            ("part_size", "5368709121"),
            ("part_concurrency", "65536"),
            // Less than a nanosecond would be no time at all.
            ("connect_timeout", "1e-10"),
        ] {
            let err = Options::parse("s3", SPECS, false, [(name, value)]).unwrap_err();
            assert_eq!(err.kind(), Kind::ConfigInvalid, "{name}={value}");
        }
        let largest = [("part_size", "5368709120"), ("part_concurrency", "65535")];
        assert!(Options::parse("s3", SPECS, false, largest).is_ok());
    }

    #[test]
    fn debug_shows_names_only() {
        let o = Options::parse("s3", SPECS, false, [("secret", "hush")]).unwrap();
        assert_eq!(format!("{o:?}"), "{\"secret_access_key\"}");
    }
}
