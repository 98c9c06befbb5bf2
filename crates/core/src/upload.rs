//! The transport of one upload: it can be called off, and it remembers what would prove that
//! the object is there although nobody said so.

use std::sync::{Arc, Mutex, PoisonError};

use http::{Method, Request, Response};
use md5::{Digest, Md5};
use opendal_core::{Buffer, HttpBody, HttpTransport, HttpTransporter, Metadata};
use tokio::sync::watch;

use crate::marks::{AfterDoubt, CallOff, cancelled};

/// The transport of one upload.
///
/// After a cancellation nothing more is sent but removals: parts under way are dropped, the
/// request that would publish the object is refused. What was begun by a POST (the start of an
/// upload, its completion) is waited for: whether the service did it would not be known.
pub(crate) struct Upload {
    inner: HttpTransporter,
    call_off: CallOff,
    evidence: Evidence,
}

impl Upload {
    /// The transport, what calls it off, and what it saw.
    pub(crate) fn new(inner: HttpTransporter) -> (Self, watch::Sender<bool>, Evidence) {
        let (cancel, call_off) = CallOff::new();
        let out = Upload {
            inner,
            call_off,
            evidence: Evidence::default(),
        };
        let evidence = out.evidence.clone();
        (out, cancel, evidence)
    }
}

impl HttpTransport for Upload {
    async fn fetch(&self, mut req: Request<Buffer>) -> opendal_core::Result<Response<HttpBody>> {
        if req.method() == Method::DELETE {
            return self.inner.fetch(req).await;
        }
        if self.call_off.is_called_off() {
            return Err(cancelled());
        }
        let is_publishing = self.evidence.note_request(&req);
        self.evidence.hold_source(&mut req);
        req.extensions_mut().insert(self.call_off.clone());
        let answer = if req.method() == Method::POST {
            self.inner.fetch(req).await
        } else {
            tokio::select! {
                answer = self.inner.fetch(req) => answer,
                err = self.call_off.clone().called_off() => Err(err),
            }
        };
        if is_publishing {
            self.evidence.note_answer(&answer);
        }
        answer
    }
}

/// What is known of the request that publishes the object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// The `ETag` of what parts are copied from.
    source: Option<String>,
    content: Option<Content>,
    is_doubtful: bool,
}

#[derive(Debug)]
enum Content {
    Whole(Buffer),
    /// The `ETag` that the parts give.
    Parts(String),
}

impl Evidence {
    /// Remember what a request would publish; whether it publishes anything.
    fn note_request(&self, req: &Request<Buffer>) -> bool {
        let query = req.uri().query().unwrap_or_default();
        let has = |name: &str| query.split('&').any(|pair| pair.starts_with(name));
        let content = match *req.method() {
            Method::PUT if !has("partNumber=") => Some(Content::Whole(req.body().clone())),
            Method::POST if has("uploadId=") => completed(req.body()).map(Content::Parts),
            _ => return false,
        };
        self.known().content = content;
        true
    }

    /// Parts are copied from this version of an object and no other.
    pub(crate) fn copies_from(&self, etag: Option<&str>) {
        self.known().source = etag.map(str::to_owned);
    }

    fn hold_source(&self, req: &mut Request<Buffer>) {
        let etag = self.known().source.as_deref().and_then(|e| e.parse().ok());
        if let Some(etag) = etag
            && req.headers().contains_key("x-amz-copy-source")
        {
            let name = "x-amz-copy-source-if-match";
            req.headers_mut().insert(name, etag);
        }
    }

    fn note_answer(&self, answer: &opendal_core::Result<Response<HttpBody>>) {
        let is_doubtful = match answer {
            Ok(answer) => answer.extensions().get::<AfterDoubt>().is_some(),
            Err(_) => true,
        };
        self.known().is_doubtful |= is_doubtful;
    }

    /// Whether the object may have been published although an error came back.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.known().is_doubtful
    }

    /// Whether an object with this metadata is the one that was sent. Only where its `ETag` is an
    /// MD5, as it is on S3 unless a key of the key service encrypts it.
    pub(crate) fn is_proven_by(&self, found: &Metadata) -> bool {
        let expected = match &self.known().content {
            Some(Content::Whole(bytes)) => hex(&digest(bytes.clone().map(|b| b.to_vec()))),
            Some(Content::Parts(etag)) => etag.clone(),
            None => return false,
        };
        found
            .etag()
            .is_some_and(|e| e.trim_matches('"') == expected)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digest(pieces: impl Iterator<Item = Vec<u8>>) -> [u8; 16] {
    let mut hasher = Md5::new();
    pieces.for_each(|piece| hasher.update(&piece));
    hasher.finalize().into()
}

/// The `ETag` of an object made of the parts that a completion names.
fn completed(body: &Buffer) -> Option<String> {
    let text = String::from_utf8(body.to_vec()).ok()?;
    let etags = text.split("<ETag>").skip(1);
    etag_of_parts(etags.map(|rest| rest.split("</ETag>").next().unwrap_or_default()))
}

/// The `ETag` of an object made of parts with these; nothing where it does not follow from
/// theirs, which are then no MD5s.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>
#[must_use]
pub fn etag_of_parts<'a>(etags: impl Iterator<Item = &'a str>) -> Option<String> {
    let parts: Option<Vec<_>> = etags
        .map(|etag| {
            unhex(
                etag.trim_matches('"')
                    .trim_start_matches("&quot;")
                    .trim_end_matches("&quot;"),
            )
        })
        .collect();
    let parts = parts.filter(|p| !p.is_empty())?;
    let whole = digest(parts.iter().map(|p| p.to_vec()));
    Some(format!("{}-{}", hex(&whole), parts.len()))
}

fn hex(bytes: &[u8; 16]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 16]> {
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    let mut out = [0; 16];
    for (byte, at) in out.iter_mut().zip((0..32).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(uri: &str, method: Method, body: &str) -> Request<Buffer> {
        Request::builder()
            .method(method)
            .uri(uri)
            .body(Buffer::from(body.to_owned()))
            .unwrap()
    }

    fn found(etag: &str) -> Metadata {
        let mut out = opendal_core::MetadataBuilder::file(3);
        out.etag(etag);
        out.build()
    }

    #[test]
    fn a_whole_object_is_proven_by_its_md5() {
        let evidence = Evidence::default();
        assert!(evidence.note_request(&put("http://h/b/k", Method::PUT, "abc")));
        assert!(evidence.is_proven_by(&found("\"900150983cd24fb0d6963f7d28e17f72\"")));
        assert!(!evidence.is_proven_by(&found("\"900150983cd24fb0d6963f7d28e17f73\"")));
    }

    #[test]
    fn an_upload_in_parts_is_proven_by_the_md5_of_the_md5s() {
        let evidence = Evidence::default();
        let body = "<Part><ETag>\"900150983cd24fb0d6963f7d28e17f72\"</ETag></Part>";
        assert!(evidence.note_request(&put("http://h/b/k?uploadId=1", Method::POST, body)));
        let whole =
            digest([unhex("900150983cd24fb0d6963f7d28e17f72").unwrap().to_vec()].into_iter());
        assert!(evidence.is_proven_by(&found(&format!("\"{}-1\"", hex(&whole)))));
    }

    #[test]
    fn parts_publish_nothing_and_prove_nothing() {
        let evidence = Evidence::default();
        let part = "http://h/b/k?partNumber=1&uploadId=1";
        assert!(!evidence.note_request(&put(part, Method::PUT, "abc")));
        assert!(!evidence.is_proven_by(&found("\"900150983cd24fb0d6963f7d28e17f72\"")));
    }
}
