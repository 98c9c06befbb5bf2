//! What OpenDAL's errors mean in the house's terms.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use opendal_core::ErrorKind;

use crate::error::{Error, Kind, first_line, io_text};

/// Marks an error of OpenDAL as a time-out: its kinds have none.
#[derive(Debug)]
struct TimedOut(Duration);

/// OpenDAL's error for a wait that took too long.
pub(crate) fn timed_out(patience: Duration) -> opendal_core::Error {
    opendal_core::Error::new(ErrorKind::Unexpected, "").set_source(TimedOut(patience))
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer within {:.1} s", self.0.as_secs_f64())
    }
}

impl StdError for TimedOut {}

impl Error {
    /// From an error of OpenDAL. Headers, URLs and Debug dumps of its text stay behind;
    /// the service's own code and message come along.
    #[must_use]
    pub fn from_opendal(err: &opendal_core::Error) -> Self {
        let text = err.message();
        let source = err.source();
        if let Some(own) = source.and_then(|e| e.downcast_ref::<Error>()) {
            return own.clone();
        }
        if let Some(io) = source.and_then(|e| e.downcast_ref::<std::io::Error>()) {
            return Error::from_io(io);
        }
        let code = field(text, "code");
        let kind = match err.kind() {
            ErrorKind::NotFound => Kind::NotFound,
            ErrorKind::AlreadyExists => Kind::AlreadyExists,
            ErrorKind::PermissionDenied => Kind::PermissionDenied,
            ErrorKind::IsADirectory => Kind::IsADirectory,
            ErrorKind::NotADirectory => Kind::NotADirectory,
            ErrorKind::Unsupported => Kind::Unsupported,
            ErrorKind::ConditionNotMatch => Kind::Changed,
            ErrorKind::RateLimited => Kind::RateLimited,
            // OpenDAL blames the configuration for a bucket that is not there.
            ErrorKind::ConfigInvalid if code.as_deref() == Some("NoSuchBucket") => Kind::NotFound,
            ErrorKind::ConfigInvalid => Kind::ConfigInvalid,
            _ if source.is_some_and(is_timeout) => Kind::Timeout,
            // A service other than S3 found no credentials.
            _ if source.is_some_and(|e| e.is::<reqsign_core::Error>()) => Kind::PermissionDenied,
            _ if code.as_deref() == Some("NoSuchBucket") => Kind::NotFound,
            // The service refuses the key itself.
            _ if matches!(
                code.as_deref(),
                Some("XMinioInvalidObjectName" | "KeyTooLongError" | "InvalidBucketName")
            ) =>
            {
                Kind::ConfigInvalid
            }
            _ => Kind::Unexpected,
        };
        let hint = code.as_deref().and_then(hint);
        let mut detail = match (code, field(text, "message")) {
            (Some(code), Some(message)) if !message.is_empty() => format!("{code}: {message}"),
            (Some(code), _) if !code.is_empty() => code,
            // Answers to HEAD have nothing but a status.
            _ => match (first_line(text), status_of(err)) {
                (line, Some(status)) if line.is_empty() || line.contains("S3Error") => {
                    format!("HTTP status {status}")
                }
                (line, _) => line,
            },
        };
        if let Some(hint) = hint {
            detail = format!("{detail}; {hint}");
        }
        if let Some(source) = source {
            let cause = root_cause(source);
            if !cause.is_empty() && !detail.contains(&cause) {
                detail = if detail.is_empty() {
                    cause
                } else {
                    format!("{detail}: {cause}")
                };
            }
        }
        Error::new(kind, detail).with_endpoint(endpoint_of(err))
    }
}

/// Whether a wait for the network ended an operation.
pub(crate) fn is_timeout(source: &(dyn StdError + 'static)) -> bool {
    source.is::<TimedOut>()
        || source
            .downcast_ref::<reqwest::Error>()
            .is_some_and(reqwest::Error::is_timeout)
}

/// `scheme://host:port` of the request that caused an error, if one did.
pub(crate) fn endpoint_of(err: &opendal_core::Error) -> Option<String> {
    // The context of OpenDAL's error is only in its text; only our own entry is taken out.
    let text = err.to_string();
    let rest = &text[text.find("endpoint: ")? + "endpoint: ".len()..];
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | '}'))?;
    // A message may say the word too.
    rest[..end].contains("://").then(|| rest[..end].to_owned())
}

/// The status of the answer that an error is about, if it is about one.
fn status_of(err: &opendal_core::Error) -> Option<u16> {
    let text = err.to_string();
    let rest = &text[text.find("status: ")? + "status: ".len()..];
    rest.get(..3)?.parse().ok()
}

/// What a user can do about a code of S3 that does not say it.
fn hint(code: &str) -> Option<&'static str> {
    match code {
        "RequestTimeTooSkewed" => Some("is the clock of this machine right?"),
        "InvalidAccessKeyId" => Some("is the access key one of this endpoint?"),
        "SignatureDoesNotMatch" => Some("are the secret key and the region right?"),
        "ExpiredToken" => Some("the temporary credentials have to be renewed"),
        _ => None,
    }
}

/// The value of `name: "..."` in the Debug text of a service's XML or JSON error.
fn field(text: &str, name: &str) -> Option<String> {
    let start = text.find(&format!("{name}: \""))? + name.len() + 3;
    let mut value = String::new();
    let mut chars = text[start..].chars();
    while let Some(c) = chars.next() {
        let c = match c {
            '"' => return Some(value),
            '\\' => match chars.next()? {
                'n' | 'r' | 't' => ' ',
                c => c,
            },
            c => c,
        };
        value.push(if c.is_control() { ' ' } else { c });
    }
    None
}

fn root_cause(err: &(dyn StdError + 'static)) -> String {
    let mut at = err;
    while let Some(next) = at.source() {
        at = next;
    }
    match at.downcast_ref::<std::io::Error>() {
        Some(io) => io_text(io),
        None => first_line(&at.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_code_and_message_are_taken_out_of_a_debug_dump() {
        let raw = opendal_core::Error::new(
            ErrorKind::ConfigInvalid,
            "S3Error { code: \"NoSuchBucket\", message: \"gone\", resource: \"/b?X-Amz-Signature=1\" }",
        );
        let err = Error::from_opendal(&raw);
        assert_eq!(err.kind(), Kind::NotFound);
        assert_eq!(err.to_string(), "not found (NoSuchBucket: gone)");
    }

    #[test]
    fn a_message_of_many_lines_becomes_one() {
        for message in [
            "code: \"Slow\", message: \"one\\ntwo\"",
            "code: \"Slow\", message: \"one\ntwo\"",
            "code: \"Slow\", message: \"one\\\ntwo\"",
        ] {
            let err =
                Error::from_opendal(&opendal_core::Error::new(ErrorKind::Unexpected, message));
            assert_eq!(err.to_string(), "failed (Slow: one two)");
        }
    }

    #[test]
    fn query_of_a_url_stays_out() {
        let raw = opendal_core::Error::new(ErrorKind::Unexpected, "GET http://h/k?sig=secret");
        assert!(!Error::from_opendal(&raw).to_string().contains("secret"));
    }
}
