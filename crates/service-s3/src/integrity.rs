//! Checksums of what is sent, and that those of what is received are asked for.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>
//!
//! Uploads carry a CRC-32C, which OpenDAL's service computes for whole objects and for parts. A
//! body without one (a part of an upload some of whose parts the service copies, say) gets a
//! `Content-MD5`, which needs no word at the start of the upload.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderValue, Method, Request};
use md5::{Digest, Md5};
use opendal_core::Buffer;
use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::options::Options;

/// The option, and its values.
pub(crate) const OPTION: &str = "checksum_algorithm";
const CRC32C: &str = "crc32c";
pub(crate) const MD5: &str = "md5";
const NONE: &str = "none";

fn algorithm(options: &Options) -> String {
    options.text_or(OPTION, CRC32C).to_ascii_lowercase()
}

/// OpenDAL's setting.
///
/// # Errors
/// `ConfigInvalid` for an algorithm that is not known here.
pub(crate) fn setting(options: &Options) -> Result<Option<(String, String)>> {
    match algorithm(options).as_str() {
        CRC32C => Ok(Some((OPTION.to_owned(), CRC32C.to_owned()))),
        MD5 | NONE => Ok(None),
        other => Err(Error::new(
            Kind::ConfigInvalid,
            format!("option {OPTION:?} takes {CRC32C}, {MD5} or {NONE}, not {other:?}"),
        )),
    }
}

/// Add to a request what guards its bytes, or those of its answer.
pub(crate) fn prepare(options: &Options, req: &mut Request<Buffer>) {
    let headers = req.headers();
    if algorithm(options) == NONE {
        return;
    }
    if req.method() == Method::GET && !headers.contains_key(http::header::RANGE) {
        let value = HeaderValue::from_static("ENABLED");
        req.headers_mut().insert("x-amz-checksum-mode", value);
        return;
    }
    let has_sum = headers.contains_key("content-md5")
        || headers
            .keys()
            .any(|name| name.as_str().starts_with("x-amz-checksum-"));
    if req.method() != Method::PUT || req.body().is_empty() || has_sum {
        return;
    }
    let mut sum = Md5::new();
    for bytes in req.body().clone() {
        sum.update(&bytes);
    }
    if let Ok(value) = HeaderValue::from_str(&BASE64_STANDARD.encode(sum.finalize())) {
        req.headers_mut().insert("content-md5", value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::OPTIONS;

    fn prepared(method: Method, body: &str, header: Option<&str>, option: &str) -> Request<Buffer> {
        let options = Options::parse("s3", OPTIONS, false, [(OPTION, option)]).unwrap();
        let mut req = Request::new(Buffer::from(body.to_owned()));
        *req.method_mut() = method;
        if let Some(name) = header {
            let name = http::HeaderName::try_from(name).unwrap();
            req.headers_mut()
                .insert(name, HeaderValue::from_static("x"));
        }
        prepare(&options, &mut req);
        req
    }

    #[test]
    fn a_body_without_a_checksum_gets_one() {
        let sum = |req: Request<Buffer>| req.headers().get("content-md5").cloned();
        let md5 = HeaderValue::from_static("kAFQmDzST7DWlj99KOF/cg==");
        assert_eq!(sum(prepared(Method::PUT, "abc", None, CRC32C)), Some(md5));
        let has = Some("x-amz-checksum-crc32c");
        assert_eq!(sum(prepared(Method::PUT, "abc", has, CRC32C)), None);
        assert_eq!(sum(prepared(Method::PUT, "", None, CRC32C)), None);
        assert_eq!(sum(prepared(Method::PUT, "abc", None, NONE)), None);
    }

    #[test]
    fn checksums_of_whole_objects_are_asked_for() {
        let asks = |req: Request<Buffer>| req.headers().contains_key("x-amz-checksum-mode");
        assert!(asks(prepared(Method::GET, "", None, CRC32C)));
        assert!(!asks(prepared(Method::GET, "", Some("range"), CRC32C)));
        assert!(!asks(prepared(Method::GET, "", None, NONE)));
    }

    #[test]
    fn names_of_algorithms_are_taken_in_any_case() {
        let setting = |value: &str| {
            setting(&Options::parse("s3", OPTIONS, false, [(OPTION, value)]).unwrap())
        };
        assert!(setting("CRC32C").unwrap().is_some());
        assert!(setting("MD5").unwrap().is_none());
        assert!(setting("sha3").is_err());
    }
}
