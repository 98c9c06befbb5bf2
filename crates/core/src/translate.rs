//! What OpenDAL's errors mean in the house's terms.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use opendal_core::ErrorKind;

use crate::error::{Error, Kind, first_line, io_text};

/// Marks an error of OpenDAL as a time-out: its kinds have none.
#[derive(Debug)]
pub(crate) struct TimedOut(pub(crate) Duration);

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
            _ if is_unsigned(err) => Kind::PermissionDenied,
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
        let mut detail = match (code, field(text, "message")) {
            (Some(code), Some(message)) if !message.is_empty() => format!("{code}: {message}"),
            (Some(code), _) => code,
            _ => first_line(text),
        };
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

/// Whether a request was not sent for want of a signature.
pub(crate) fn is_unsigned(err: &opendal_core::Error) -> bool {
    err.source().is_some_and(|e| e.is::<reqsign_core::Error>())
}

/// `scheme://host:port` of the request that caused an error, if one did.
pub(crate) fn endpoint_of(err: &opendal_core::Error) -> Option<String> {
    // The context of OpenDAL's error is only in its text; only our own entry is taken out.
    let text = err.to_string();
    let rest = &text[text.find("endpoint: ")? + "endpoint: ".len()..];
    let end = rest.find([',', ' ', '}'])?;
    Some(rest[..end].to_owned())
}

/// The value of `name: "..."` in the Debug text of a service's XML or JSON error.
fn field(text: &str, name: &str) -> Option<String> {
    let start = text.find(&format!("{name}: \""))? + name.len() + 3;
    let mut value = String::new();
    let mut chars = text[start..].chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Some(value),
            '\\' => value.push(chars.next()?),
            _ => value.push(c),
        }
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
    fn query_of_a_url_stays_out() {
        let raw = opendal_core::Error::new(ErrorKind::Unexpected, "GET http://h/k?sig=secret");
        assert!(!Error::from_opendal(&raw).to_string().contains("secret"));
    }
}
