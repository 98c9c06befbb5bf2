//! When a failure is passing, and how long it is worth trying again.
//!
//! One rule for everything that goes over the network: at most `max_retries` more attempts,
//! waits that double and are jittered, and `retry_timeout` for all of them together. Only what
//! may pass is tried again: no connection, no answer, a broken answer, and the statuses and
//! codes below. Requests are retried in the HTTP transport (`http`), streams of bytes where
//! they broke off (`fetch`), services without HTTP by OpenDAL's layer ([`Policy::layer`]).

use std::time::{Duration, Instant};

use http::{HeaderMap, StatusCode};
use opendal_core::Buffer;
use opendal_layer_retry::RetryLayer;

use crate::options::Options;

const FIRST_WAIT: Duration = Duration::from_millis(100);
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Codes of S3 whose status alone would not tell that another attempt may succeed: what was sent
/// arrived damaged or not at all, or something else was going on with the same key.
const PASSING_CODES: [&str; 9] = [
    "BadDigest",
    "ConditionalRequestConflict",
    "InternalError",
    "OperationAborted",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "XAmzContentChecksumMismatch",
    "XAmzContentSHA256Mismatch",
];

/// How often and how long to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Policy {
    retries: usize,
    budget: Duration,
}

impl Policy {
    /// For what fails for good.
    pub(crate) const NEVER: Policy = Policy {
        retries: 0,
        budget: Duration::ZERO,
    };

    pub(crate) fn of(options: &Options) -> Self {
        Policy {
            retries: options.count_or("max_retries", 9),
            budget: options.seconds_or("retry_timeout", 60.0),
        }
    }

    /// The same without another attempt, and with an early end.
    pub(crate) fn once(self) -> Self {
        Policy {
            retries: 0,
            budget: self.budget.min(Duration::from_secs(5)),
        }
    }

    /// Time for all attempts together.
    pub(crate) fn budget(self) -> Duration {
        self.budget
    }

    /// Count the attempts of one request.
    pub(crate) fn attempts(self) -> Attempts {
        Attempts {
            policy: self,
            failed: 0,
            until: Instant::now() + self.budget,
        }
    }

    /// The same for services whose requests do not pass through our transport, and for the
    /// failures that a service reports with status 200.
    pub(crate) fn layer(self) -> RetryLayer {
        // The layer knows no deadline: as many retries as surely end within the budget.
        let mut total = Duration::ZERO;
        let times = (0..self.retries)
            .take_while(|n| {
                // Its jitter adds up to the wait itself.
                total += 2 * wait(*n);
                total <= self.budget
            })
            .count();
        RetryLayer::new()
            .with_jitter()
            .with_factor(2.0)
            .with_min_delay(FIRST_WAIT)
            .with_max_delay(LONGEST_WAIT)
            .with_max_times(times)
    }
}

/// The wait after `failed` + 1 failures, before it is jittered.
fn wait(failed: usize) -> Duration {
    let doubled = 1_u32 << failed.min(16);
    FIRST_WAIT.saturating_mul(doubled).min(LONGEST_WAIT)
}

/// The attempts of one request, or of one stream since it last moved.
#[derive(Debug)]
pub(crate) struct Attempts {
    policy: Policy,
    failed: usize,
    until: Instant,
}

impl Attempts {
    /// How long to wait before the next attempt; nothing when that was the last one. `told` is
    /// what the service asked for.
    pub(crate) fn again(&mut self, told: Option<Duration>) -> Option<Duration> {
        if self.failed >= self.policy.retries {
            return None;
        }
        // Between a half and the whole: many clients that failed at once do not come back at once.
        let wait = wait(self.failed).mul_f64(0.5 + 0.5 * fraction());
        self.failed += 1;
        // A service that wants more time than there is may be back sooner than it says.
        let told = told.filter(|told| *told < self.left());
        let wait = wait.max(told.unwrap_or_default());
        (wait < self.left()).then_some(wait)
    }

    /// Ask until there is an answer, or a failure that does not pass in time.
    pub(crate) async fn make<T, F>(&mut self, ask: impl Fn() -> F) -> opendal_core::Result<T>
    where
        F: Future<Output = opendal_core::Result<T>>,
    {
        loop {
            match ask().await {
                Err(e) if e.is_temporary() => match self.again(None) {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => return Err(e),
                },
                other => return other,
            }
        }
    }

    /// What is left of the time.
    pub(crate) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// There was progress at that moment: what failed since begins a new row.
    pub(crate) fn restart(&mut self, moved: Instant) {
        self.failed = 0;
        self.until = moved + self.policy.budget;
    }
}

/// A number in `0..1` that differs between threads and moments; nothing depends on its quality.
fn fraction() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    f64::from((RandomState::new().hash_one(0) >> 33) as u32) / f64::from(1_u32 << 31)
}

/// Whether another attempt may get a better answer than this status with this body.
pub(crate) fn is_passing(status: StatusCode, body: &str) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
        || code_of(body).is_some_and(|code| PASSING_CODES.contains(&code.as_str()))
}

/// Whether a body is an error of S3, whatever the status says.
#[must_use]
pub fn is_error_document(body: &Buffer) -> bool {
    // Errors are short; what is longer is content.
    if body.len() > 16 * 1024 {
        return false;
    }
    let text = body.to_bytes();
    let text = text.trim_ascii_start();
    let root = match text.starts_with(b"<?xml") {
        true => text.splitn(2, |b| *b == b'>').nth(1).unwrap_or_default(),
        false => text,
    };
    root.trim_ascii_start().starts_with(b"<Error>")
}

/// What a service wants waited for, if it says so in seconds.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let told = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    told.trim().parse().ok().map(Duration::from_secs)
}

/// The code in the body of an error, XML or JSON.
pub(crate) fn code_of(body: &str) -> Option<String> {
    element(body, "Code").or_else(|| member(body, "code"))
}

/// The message in the body of an error, XML or JSON.
pub(crate) fn message_of(body: &str) -> Option<String> {
    element(body, "Message").or_else(|| member(body, "message"))
}

fn element(body: &str, name: &str) -> Option<String> {
    let start = body.find(&format!("<{name}>"))? + name.len() + 2;
    let end = body[start..].find("</")? + start;
    Some(body[start..end].to_owned())
}

fn member(body: &str, name: &str) -> Option<String> {
    let rest = &body[body.find(&format!("\"{name}\""))? + name.len() + 2..];
    let rest = rest.trim_start().strip_prefix(':')?.trim_start();
    match rest.strip_prefix('"') {
        Some(text) => Some(text[..text.find('"')?].to_owned()),
        None => Some(rest[..rest.find([',', '}', '\n'])?].trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(retries: usize, budget: f64) -> Policy {
        Policy {
            retries,
            budget: Duration::from_secs_f64(budget),
        }
    }

    #[test]
    fn waits_double_up_to_a_bound_and_outlive_a_short_outage() {
        let mut attempts = policy(9, 60.0).attempts();
        let waits: Vec<Duration> = std::iter::from_fn(|| attempts.again(None)).collect();
        assert_eq!(waits.len(), 9);
        for (n, waited) in waits.iter().enumerate() {
            assert!(
                *waited <= wait(n) && *waited >= wait(n) / 2,
                "{n}: {waited:?}"
            );
        }
        assert!(waits.iter().sum::<Duration>() > Duration::from_secs(10));
    }

    #[test]
    fn no_wait_goes_beyond_the_budget() {
        let mut attempts = policy(100, 1.0).attempts();
        let told = Duration::from_millis(500);
        assert_eq!(attempts.again(Some(told)), Some(told));
        assert!(
            attempts
                .again(Some(Duration::from_secs(2)))
                .is_some_and(|w| w < told)
        );
        assert_eq!(policy(0, 1.0).attempts().again(None), None);
    }

    #[test]
    fn codes_and_messages_are_found_in_xml_and_json() {
        let xml = "<?xml?><Error><Code>SlowDown</Code><Message>less</Message></Error>";
        assert_eq!(code_of(xml).as_deref(), Some("SlowDown"));
        assert_eq!(message_of(xml).as_deref(), Some("less"));
        let json = r#"{"error": {"code": 503, "message": "later"}}"#;
        assert_eq!(code_of(json).as_deref(), Some("503"));
        assert_eq!(message_of(json).as_deref(), Some("later"));
        assert_eq!(code_of("nothing"), None);
    }

    #[test]
    fn what_may_pass_is_told_by_the_status_or_the_code() {
        let is_passing =
            |status: u16, body: &str| is_passing(StatusCode::from_u16(status).unwrap(), body);
        assert!(is_passing(503, "") && is_passing(429, "") && is_passing(408, ""));
        assert!(is_passing(400, "<Code>BadDigest</Code>"));
        assert!(!is_passing(403, "<Code>AccessDenied</Code>") && !is_passing(501, ""));
    }

    #[test]
    fn an_error_document_is_one_whose_root_is_an_error() {
        let is_error = |text: &str| is_error_document(&Buffer::from(text.to_owned()));
        assert!(is_error("<Error><Code>x</Code></Error>"));
        assert!(is_error("<?xml version=\"1.0\"?>\n <Error>"));
        assert!(!is_error("<?xml version=\"1.0\"?><DeleteResult><Error>"));
        assert!(!is_error(""));
    }
}
