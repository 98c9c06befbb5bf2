//! Checksums that come with an answer, and whether the bytes fit.
//!
//! Services send them with whole objects only, and S3 only those of the whole content: an
//! object uploaded in parts has a checksum of its parts' checksums, which says nothing here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crc_fast::{CrcAlgorithm, Digest as Crc};
use http::{HeaderMap, Request, Response, StatusCode};
use md5::Md5;
use opendal_core::{Buffer, HttpBody, HttpTransport, HttpTransporter};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::error::{Error, Kind, Result};
use crate::target::Sink;

/// What the bytes of an object have to add up to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Checksum {
    algorithm: Algorithm,
    /// As the service writes it: base64 of the value, most significant byte first.
    value: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Algorithm {
    Crc(CrcAlgorithm),
    Sha256,
    Sha1,
    Md5,
}

/// In the order in which they are looked for: the cheapest first.
const HEADERS: [(&str, Algorithm); 6] = [
    (
        "x-amz-checksum-crc32c",
        Algorithm::Crc(CrcAlgorithm::Crc32Iscsi),
    ),
    (
        "x-amz-checksum-crc64nvme",
        Algorithm::Crc(CrcAlgorithm::Crc64Nvme),
    ),
    (
        "x-amz-checksum-crc32",
        Algorithm::Crc(CrcAlgorithm::Crc32IsoHdlc),
    ),
    ("x-amz-checksum-sha256", Algorithm::Sha256),
    ("x-amz-checksum-sha1", Algorithm::Sha1),
    ("content-md5", Algorithm::Md5),
];

impl Checksum {
    /// The checksum of the whole content that an answer carries, if it carries one.
    fn told(status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        // With a part of the content some services send the checksum of the whole.
        if status != StatusCode::OK || headers.contains_key(http::header::CONTENT_ENCODING) {
            return None;
        }
        let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        let of_google = text("x-goog-hash").and_then(|all| {
            let mut all = all.split(',').map(str::trim);
            all.find_map(|one| one.strip_prefix("crc32c="))
        });
        let is_of_parts =
            |value: &&str| value.contains('-') || text("x-amz-checksum-type") == Some("COMPOSITE");
        HEADERS
            .iter()
            .find_map(|(name, algorithm)| {
                let value = text(name).filter(|v| !is_of_parts(v))?;
                Some((*algorithm, value))
            })
            .or_else(|| Some((Algorithm::Crc(CrcAlgorithm::Crc32Iscsi), of_google?)))
            .map(|(algorithm, value)| Checksum {
                algorithm,
                value: value.to_owned(),
            })
    }

    /// Begin to add up.
    pub(crate) fn sum(&self) -> Sum {
        match self.algorithm {
            Algorithm::Crc(algorithm) => Sum::Crc(algorithm, Crc::new(algorithm)),
            Algorithm::Sha256 => Sum::Sha256(Sha256::new()),
            Algorithm::Sha1 => Sum::Sha1(Sha1::new()),
            Algorithm::Md5 => Sum::Md5(Md5::new()),
        }
    }

    /// Whether sums of parts can be put together.
    pub(crate) fn can_combine(&self) -> bool {
        matches!(self.algorithm, Algorithm::Crc(_))
    }

    /// Compare.
    ///
    /// # Errors
    /// `Unexpected` when the bytes are not those that were stored.
    pub(crate) fn check(&self, sum: Sum) -> Result<()> {
        if sum.value() == self.value {
            return Ok(());
        }
        Err(Error::new(
            Kind::Unexpected,
            "the bytes received do not fit the checksum stored with the object",
        ))
    }
}

/// Bytes added up so far.
#[derive(Clone, Debug)]
pub(crate) enum Sum {
    Crc(CrcAlgorithm, Crc),
    Sha256(Sha256),
    Sha1(Sha1),
    Md5(Md5),
}

impl Sum {
    pub(crate) fn add(&mut self, bytes: &Buffer) {
        for bytes in bytes.clone() {
            match self {
                Sum::Crc(_, sum) => sum.update(&bytes),
                Sum::Sha256(sum) => sum.update(&bytes),
                Sum::Sha1(sum) => sum.update(&bytes),
                Sum::Md5(sum) => sum.update(&bytes),
            }
        }
    }

    fn value(self) -> String {
        match self {
            Sum::Crc(CrcAlgorithm::Crc64Nvme, sum) => base64(&sum.finalize().to_be_bytes()),
            Sum::Crc(_, sum) => base64(&sum.finalize().to_be_bytes()[4..]),
            Sum::Sha256(sum) => base64(&sum.finalize()),
            Sum::Sha1(sum) => base64(&sum.finalize()),
            Sum::Md5(sum) => base64(&sum.finalize()),
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// The sums of the parts of an object, each by where it begins.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    empty: Sum,
    done: Arc<Mutex<BTreeMap<u64, Sum>>>,
}

impl Parts {
    pub(crate) fn of(checksum: &Checksum) -> Self {
        Parts {
            empty: checksum.sum(),
            done: Arc::default(),
        }
    }

    /// A sink that adds up what passes it on its way to `inner`.
    pub(crate) fn summed<S: Sink>(&self, start: u64, inner: S) -> Summed<S> {
        Summed {
            inner,
            start,
            sum: self.empty.clone(),
            done: Arc::clone(&self.done),
        }
    }

    /// The sum of all parts.
    pub(crate) fn whole(self) -> Sum {
        let mut whole = self.empty;
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        for part in done.values() {
            if let (Sum::Crc(_, whole), Sum::Crc(_, part)) = (&mut whole, part) {
                whole.combine(part);
            }
        }
        whole
    }
}

/// See [`Parts::summed`].
pub(crate) struct Summed<S> {
    inner: S,
    start: u64,
    sum: Sum,
    done: Arc<Mutex<BTreeMap<u64, Sum>>>,
}

impl<S: Sink> Sink for Summed<S> {
    fn put(&mut self, piece: Buffer) -> Result<()> {
        self.sum.add(&piece);
        self.inner.put(piece)
    }

    fn end(&mut self) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.insert(self.start, self.sum.clone());
    }
}

/// A transport that keeps the checksum of the one answer it is used for.
struct Witness {
    inner: HttpTransporter,
    seen: Seen,
}

/// What a [`Witness`] saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(Arc<Mutex<Option<Checksum>>>);

impl Seen {
    pub(crate) fn take(&self) -> Option<Checksum> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The way `inner` with a [`Witness`] on it.
pub(crate) fn watched(inner: HttpTransporter) -> (HttpTransporter, Seen) {
    let seen = Seen::default();
    let witness = Witness {
        inner,
        seen: seen.clone(),
    };
    (HttpTransporter::new(witness), seen)
}

impl HttpTransport for Witness {
    async fn fetch(&self, req: Request<Buffer>) -> opendal_core::Result<Response<HttpBody>> {
        let answer = self.inner.fetch(req).await?;
        let told = Checksum::told(answer.status(), answer.headers());
        *self.seen.0.lock().unwrap_or_else(PoisonError::into_inner) = told;
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pairs: &[(&str, &str)]) -> Option<Checksum> {
        let headers = pairs
            .iter()
            .map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap()));
        Checksum::told(StatusCode::OK, &HeaderMap::from_iter(headers))
    }

    fn fits(name: &str, value: &str) -> bool {
        let checksum = told(&[(name, value)]).unwrap();
        let mut sum = checksum.sum();
        sum.add(&Buffer::from("12345"));
        sum.add(&Buffer::from("6789"));
        checksum.check(sum).is_ok()
    }

    #[test]
    fn the_check_values_of_all_algorithms_fit() {
        // The published check values: of "123456789".
        assert!(fits(
            "x-amz-checksum-crc32c",
            &base64(&0xe306_9283_u32.to_be_bytes())
        ));
        assert!(fits(
            "x-amz-checksum-crc32",
            &base64(&0xcbf4_3926_u32.to_be_bytes())
        ));
        let nvme = 0xae8b_1486_0a79_9888_u64.to_be_bytes();
        assert!(fits("x-amz-checksum-crc64nvme", &base64(&nvme)));
        assert!(fits("x-amz-checksum-sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="));
        assert!(fits("content-md5", "JfnnlDI7RTiF9RgfG2JNCw=="));
        assert!(!fits("x-amz-checksum-crc32c", "AAAAAA=="));
    }

    #[test]
    fn sums_of_parts_combine_in_the_order_of_the_parts() {
        let value = base64(&0xe306_9283_u32.to_be_bytes());
        let checksum = told(&[("x-goog-hash", &format!("crc32c={value},md5=x"))]).unwrap();
        let parts = Parts::of(&checksum);
        for (start, bytes) in [(5, "6789"), (0, "12345")] {
            let mut sink = parts.summed(start, Vec::new());
            sink.put(Buffer::from(bytes)).unwrap();
            sink.end();
        }
        assert!(checksum.check(parts.whole()).is_ok());
    }

    #[test]
    fn checksums_of_parts_and_of_other_bytes_say_nothing() {
        assert_eq!(told(&[("x-amz-checksum-crc32c", "AAAAAA==-3")]), None);
        assert_eq!(
            told(&[
                ("x-amz-checksum-crc32c", "AAAAAA=="),
                ("x-amz-checksum-type", "COMPOSITE")
            ]),
            None
        );
        assert_eq!(
            told(&[("content-md5", "x"), ("content-encoding", "gzip")]),
            None
        );
        assert_eq!(told(&[]), None);
    }
}
