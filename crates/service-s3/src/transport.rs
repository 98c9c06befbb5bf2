//! What requests to S3 pass through on their way to the network.
//!
//! - Headers of new objects that OpenDAL's service has no setting for are added, and checksums.
//! - A bucket that turns out to be in another region is asked there, then and later.
//! - What the answer tells of an object beyond what OpenDAL takes in is put where OpenDAL keeps
//!   it: among the user's metadata, under names that no user can give.
//!
//! All are signed here, OpenDAL's and our own: after the last change.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use opendal_core::{Buffer, ErrorKind, HttpBody, HttpTransport, HttpTransporter};
use opendalfs_core::info::TOLD as MARK;
use opendalfs_core::options::Options;
use opendalfs_core::runtime::PerProcess;

use crate::calls::base;
use crate::config::region;
use crate::credentials::sign;
use crate::headers::{self, TOLD};
use crate::integrity;

/// Regions of buckets that are not where the options say, by the bucket's URL.
static REGIONS: PerProcess<Mutex<HashMap<String, String>>> = PerProcess::new();

/// Forget where buckets were found.
pub(crate) fn forget_regions() {
    regions().clear();
}

/// The region in which a bucket was found, where it is not that of the options.
pub(crate) fn known_region(options: &Options, container: &str) -> Option<String> {
    regions().get(&base(options, container)).cloned()
}

fn regions() -> MutexGuard<'static, HashMap<String, String>> {
    REGIONS
        .get(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

/// The way to one bucket.
pub(crate) fn through(
    options: &Options,
    container: Option<&str>,
    inner: HttpTransporter,
) -> HttpTransporter {
    let base = base(options, container.unwrap_or_default());
    let at = base.parse::<Uri>().unwrap_or_default();
    HttpTransporter::new(Through {
        more: headers::more(options).unwrap_or_default(),
        host: at.host().map(str::to_owned),
        path: at.path().trim_end_matches('/').to_owned(),
        region: region(options),
        options: options.clone(),
        base,
        inner,
    })
}

struct Through {
    inner: HttpTransporter,
    options: Options,
    /// That of the options; it may be in a file.
    region: String,
    base: String,
    host: Option<String>,
    /// The path of the bucket; empty where the bucket is in the host's name.
    path: String,
    /// Headers of new objects.
    more: HeaderMap,
}

impl HttpTransport for Through {
    async fn fetch(&self, mut req: Request<Buffer>) -> opendal_core::Result<Response<HttpBody>> {
        // Services that give credentials are asked through here as well.
        if req.uri().host() != self.host.as_deref() {
            return self.inner.fetch(req).await;
        }
        if !self.more.is_empty() && makes_object(&req, &self.path) {
            req.headers_mut().extend(self.more.clone());
            if req.headers().contains_key("x-amz-copy-source")
                && self.more.contains_key("x-amz-tagging")
            {
                let value = HeaderValue::from_static("REPLACE");
                req.headers_mut().insert("x-amz-tagging-directive", value);
            }
        }
        integrity::prepare(&self.options, &mut req);
        let there = self.asked_region();
        let again = req.clone();
        let req = self.signed_for(req, &there).await?;
        let answer = self.inner.fetch(req).await?;
        let answer = match self.elsewhere(answer).await? {
            Ok(answer) => answer,
            Err(there) => {
                let again = self.signed_for(again, &there).await?;
                self.inner.fetch(again).await?
            }
        };
        Ok(with_told(answer))
    }
}

impl Through {
    fn asked_region(&self) -> String {
        let known = regions().get(&self.base).cloned();
        known.unwrap_or_else(|| self.region.clone())
    }

    /// The answer, or the region in which the bucket is instead of where it was asked for.
    async fn elsewhere(
        &self,
        answer: Response<HttpBody>,
    ) -> opendal_core::Result<Result<Response<HttpBody>, String>> {
        use StatusCode as S;
        let may_be = matches!(
            answer.status(),
            S::MOVED_PERMANENTLY | S::TEMPORARY_REDIRECT | S::BAD_REQUEST | S::FORBIDDEN
        );
        if !may_be {
            return Ok(Ok(answer));
        }
        let (parts, mut body) = answer.into_parts();
        let bytes = body.to_buffer().await?;
        let told = parts.headers.get("x-amz-bucket-region");
        let there = match told.and_then(|v| v.to_str().ok()) {
            Some(there) => Some(there.to_owned()),
            None if parts.status == S::BAD_REQUEST => region_in(&bytes),
            None => None,
        };
        let asked = self.asked_region();
        if let Some(there) = there.filter(|there| *there != asked && !there.is_empty()) {
            regions().insert(self.base.clone(), there.clone());
            return Ok(Err(there));
        }
        let size = Some(bytes.len() as u64);
        let stream = futures::stream::iter([Ok(bytes)]);
        Ok(Ok(Response::from_parts(parts, HttpBody::new(stream, size))))
    }

    async fn signed_for(
        &self,
        req: Request<Buffer>,
        there: &str,
    ) -> opendal_core::Result<Request<Buffer>> {
        let (mut parts, body) = req.into_parts();
        parts.uri = in_region(&self.region, parts.uri, there);
        sign(&self.options, there, &mut parts, None)
            .await
            // What it says comes out of the core as it is.
            .map_err(|e| opendal_core::Error::new(ErrorKind::Unexpected, "").set_source(e))?;
        Ok(Request::from_parts(parts, body))
    }
}

/// The URL as it is in a region: the hosts of AWS have its name in theirs.
pub(crate) fn in_region(here: &str, uri: Uri, there: &str) -> Uri {
    let here = format!(".{here}.amazonaws.com");
    if !uri.host().is_some_and(|host| host.ends_with(&here)) {
        return uri;
    }
    let there = format!(".{there}.amazonaws.com");
    let moved = uri.to_string().replacen(&here, &there, 1);
    moved.parse().unwrap_or(uri)
}

/// Whether a request makes an object, or begins one.
fn makes_object(req: &Request<Buffer>, bucket: &str) -> bool {
    let query = req.uri().query().unwrap_or_default();
    let key = req.uri().path().strip_prefix(bucket).unwrap_or_default();
    let is_on_object = key.len() > 1;
    match *req.method() {
        Method::PUT => is_on_object && (query.is_empty() || query.starts_with("x-id=")),
        Method::POST => query == "uploads" || query.starts_with("uploads="),
        _ => false,
    }
}

/// The region that a refusal names.
fn region_in(body: &Buffer) -> Option<String> {
    let text = body.to_vec();
    let text = String::from_utf8_lossy(&text);
    let (_, rest) = text.split_once("<Region>")?;
    Some(rest.split_once("</Region>")?.0.to_owned())
}

/// The answer with what it tells of an object where OpenDAL takes it in.
fn with_told(mut answer: Response<HttpBody>) -> Response<HttpBody> {
    let headers = answer.headers();
    if !answer.status().is_success() || !headers.contains_key("last-modified") {
        return answer;
    }
    let mut told: Vec<(&str, HeaderValue)> = TOLD
        .iter()
        .filter_map(|(header, name)| Some((*name, headers.get(*header)?.clone())))
        .collect();
    if !told.iter().any(|(name, _)| *name == "storage-class") {
        // The one class of which nothing is said.
        told.push(("storage-class", HeaderValue::from_static("STANDARD")));
    }
    for (name, value) in told {
        if let Ok(name) = HeaderName::try_from(format!("x-amz-meta-{MARK}{name}")) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, uri: &str) -> Request<Buffer> {
        let request = Request::builder().method(method).uri(uri);
        request.body(Buffer::new()).unwrap()
    }

    #[test]
    fn only_new_objects_get_the_headers_of_new_objects() {
        for (method, query, is_new) in [
            (Method::PUT, "", true),
            (Method::PUT, "?x-id=PutObject", true),
            (Method::POST, "?uploads", true),
            (Method::PUT, "?partNumber=1&uploadId=u", false),
            (Method::PUT, "?tagging", false),
            (Method::POST, "?uploadId=u", false),
            (Method::GET, "", false),
        ] {
            let req = request(method, &format!("http://h/b/k{query}"));
            assert_eq!(makes_object(&req, "/b"), is_new, "{req:?}");
        }
        assert!(!makes_object(&request(Method::PUT, "http://h/b"), "/b"));
        assert!(makes_object(&request(Method::PUT, "http://b.h/k"), ""));
    }

    #[test]
    fn only_hosts_of_aws_change_with_the_region() {
        for (uri, moved) in [
            (
                "https://s3.us-east-1.amazonaws.com/b/k?q=1",
                "https://s3.eu-far-7.amazonaws.com/b/k?q=1",
            ),
            ("http://127.0.0.1:9000/b/k", "http://127.0.0.1:9000/b/k"),
        ] {
            let got = in_region("us-east-1", uri.parse().unwrap(), "eu-far-7");
            assert_eq!(got.to_string(), moved);
        }
    }

    #[test]
    fn the_region_is_found_in_the_text_of_a_refusal() {
        let body =
            "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-far-7</Region></Error>";
        assert_eq!(region_in(&Buffer::from(body)).as_deref(), Some("eu-far-7"));
        assert_eq!(region_in(&Buffer::from("<Error/>")), None);
    }
}
