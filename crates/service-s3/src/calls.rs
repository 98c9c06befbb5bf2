//! One signed request of our own, for what OpenDAL's service has no call for.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Buf;
use http::{HeaderMap, Method, Request, StatusCode};
use md5::{Digest, Md5};
use opendal_core::raw::percent_encode_path;
use opendal_core::{Buffer, HttpTransporter};
use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::extras::Spot;
use opendalfs_core::is_error_document;
use opendalfs_core::options::Options;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::config::{endpoint, region};
use crate::headers;

/// A request that is being put together.
pub(crate) struct Call<'a> {
    options: &'a Options,
    http: &'a HttpTransporter,
    method: Method,
    container: &'a str,
    key: String,
    query: Vec<(&'a str, String)>,
    headers: HeaderMap,
    body: Buffer,
}

/// What the service answered, when it did as asked.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Buffer,
}

impl Answer {
    /// The text of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as XML.
    pub(crate) fn xml<T: DeserializeOwned>(&self) -> Result<T> {
        quick_xml::de::from_reader(self.body.clone().reader()).map_err(|e| {
            Error::new(
                Kind::Unexpected,
                format!("the service's answer is no valid XML: {e}"),
            )
        })
    }
}

impl<'a> Call<'a> {
    /// To the service itself, or to a bucket.
    pub(crate) fn bucket(
        options: &'a Options,
        http: &'a HttpTransporter,
        method: Method,
        container: &'a str,
    ) -> Self {
        let mut headers = HeaderMap::new();
        if options.flag("enable_request_payer") {
            let value = http::HeaderValue::from_static("requester");
            headers.insert("x-amz-request-payer", value);
        }
        Call {
            options,
            http,
            method,
            container,
            key: String::new(),
            query: Vec::new(),
            headers,
            body: Buffer::new(),
        }
    }

    /// To an object, or to the bucket where there is no key; to the version, if one is meant.
    pub(crate) fn new(at: &'a Spot<'a>, method: Method) -> Self {
        let mut call = Call::bucket(at.options, &at.http, method, at.container);
        if !at.key.is_empty() {
            call.key = object_key(at);
        }
        if let Some(version) = at.version {
            call.query.push(("versionId", version.to_owned()));
        }
        call
    }

    pub(crate) fn query(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Add a header.
    ///
    /// # Errors
    /// `ConfigInvalid` for a value that no header can have.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Result<Self> {
        headers::insert(&mut self.headers, name, value)?;
        Ok(self)
    }

    pub(crate) fn headers(mut self, more: HeaderMap) -> Self {
        self.headers.extend(more);
        self
    }

    /// A small body with the checksum that some calls want.
    pub(crate) fn checked_body(self, body: String) -> Result<Self> {
        let sum = BASE64_STANDARD.encode(Md5::digest(&body));
        Ok(self.header("content-md5", &sum)?.body(body))
    }

    pub(crate) fn body(mut self, body: impl Into<Buffer>) -> Self {
        self.body = body.into();
        self
    }

    fn url(&self) -> String {
        let mut url = base(self.options, self.container);
        url.push('/');
        url.push_str(&percent_encode_path(&self.key));
        for (i, (name, value)) in self.query.iter().enumerate() {
            url.push(if i == 0 { '?' } else { '&' });
            url.push_str(name);
            if !value.is_empty() {
                url.push('=');
                url.push_str(&percent_encode_path(value).replace('/', "%2F"));
            }
        }
        url
    }

    /// The request, not signed.
    pub(crate) fn request(&self) -> Result<Request<Buffer>> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(self.url())
            .body(self.body.clone())
            .map_err(|e| {
                Error::new(
                    Kind::ConfigInvalid,
                    format!("{:?} is no name of a bucket: {e}", self.container),
                )
            })?;
        *request.headers_mut() = self.headers.clone();
        if matches!(self.method, Method::PUT | Method::POST) {
            // An empty body is to be told as well.
            let bytes = http::HeaderValue::from(self.body.len());
            request.headers_mut().insert("content-length", bytes);
        }
        Ok(request)
    }

    /// Send it. It is signed on its way, and sent again where it fails for a passing reason.
    pub(crate) async fn send(self) -> Result<Answer> {
        let sent = self.http.send(self.request()?).await;
        let answer = sent.map_err(|e| Error::from_opendal(&e))?;
        // Some calls fail after their answer has begun.
        let is_late = self.method != Method::GET && is_error_document(answer.body());
        if is_late || !answer.status().is_success() {
            return Err(refused(answer.status(), answer.body()));
        }
        let (parts, body) = answer.into_parts();
        let headers = parts.headers;
        Ok(Answer { headers, body })
    }
}

/// The key with the store's root in front.
pub(crate) fn object_key(at: &Spot<'_>) -> String {
    match at.options.text_or("root", "/").trim_matches('/') {
        "" => at.key.to_owned(),
        root => format!("{root}/{}", at.key),
    }
}

/// A key as the service tells it, as users of the store know it.
pub(crate) fn user_key(options: &Options, key: &str) -> Option<String> {
    match options.text_or("root", "/").trim_matches('/') {
        "" => Some(key.to_owned()),
        root => key.strip_prefix(root)?.strip_prefix('/').map(str::to_owned),
    }
}

/// Scheme, host and, unless it is in the host, the bucket.
pub(crate) fn base(options: &Options, container: &str) -> String {
    let at = endpoint(options)
        .unwrap_or_else(|| format!("https://s3.{}.amazonaws.com", region(options)));
    let in_host = options.flag("enable_virtual_host_style")
        || options.text("addressing_style") == Some("virtual");
    match at.split_once("://") {
        _ if container.is_empty() => at,
        Some((scheme, host)) if in_host => format!("{scheme}://{container}.{host}"),
        _ => format!("{at}/{container}"),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Refusal {
    code: String,
    message: String,
}

fn refused(status: StatusCode, body: &Buffer) -> Error {
    let told: Refusal = quick_xml::de::from_reader(body.clone().reader()).unwrap_or_default();
    let kind = match kind_of(&told.code) {
        Kind::Unexpected => match status.as_u16() {
            401 | 403 => Kind::PermissionDenied,
            404 => Kind::NotFound,
            412 => Kind::Changed,
            429 => Kind::RateLimited,
            501 => Kind::Unsupported,
            _ => Kind::Unexpected,
        },
        kind => kind,
    };
    let detail = match told.code.as_str() {
        "" => format!("HTTP status {status}"),
        code => format!("{code}: {}", told.message),
    };
    Error::new(kind, detail)
}

/// What a code of S3 means.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList>
pub(crate) fn kind_of(code: &str) -> Kind {
    match code {
        "NoSuchBucket" | "NoSuchKey" | "NoSuchVersion" | "NoSuchUpload" => Kind::NotFound,
        "BucketAlreadyOwnedByYou" | "BucketAlreadyExists" => Kind::AlreadyExists,
        "BucketNotEmpty" => Kind::NotEmpty,
        "InvalidBucketName"
        | "InvalidArgument"
        | "InvalidTag"
        | "InvalidStorageClass"
        | "InvalidRequest" => Kind::ConfigInvalid,
        "AccessDenied" => Kind::PermissionDenied,
        "SlowDown" => Kind::RateLimited,
        "NotImplemented" => Kind::Unsupported,
        "PreconditionFailed" => Kind::Changed,
        _ => Kind::Unexpected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::OPTIONS;

    #[test]
    fn the_bucket_is_in_the_path_or_in_the_host() {
        for (style, url) in [("path", "http://h:1/b"), ("virtual", "http://b.h:1")] {
            let pairs = [("endpoint", "http://h:1/"), ("addressing_style", style)];
            let options = Options::parse("s3", OPTIONS, false, pairs).unwrap();
            assert_eq!(base(&options, "b"), url);
            assert_eq!(base(&options, ""), "http://h:1");
        }
    }

    #[test]
    fn an_error_in_a_good_answer_is_one() {
        for (body, is) in [
            (
                "<?xml version=\"1.0\"?>\n<Error><Code>SlowDown</Code></Error>",
                true,
            ),
            ("<Error><Code>InternalError</Code></Error>", true),
            ("<CopyObjectResult></CopyObjectResult>", false),
            ("", false),
        ] {
            assert_eq!(is_error_document(&Buffer::from(body)), is, "{body}");
        }
    }
}
