//! URLs that anyone can use until they expire.

use std::time::Duration;

use http::Method;
use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::extras::Spot;

use crate::calls::Call;
use crate::config::region;
use crate::credentials::sign;
use crate::transport::{in_region, known_region};

/// Parameters under the names of S3's API, and how a URL has them.
const PARAMETERS: &[(&str, &str)] = &[
    ("VersionId", "versionId"),
    ("PartNumber", "partNumber"),
    ("UploadId", "uploadId"),
    ("ResponseCacheControl", "response-cache-control"),
    ("ResponseContentDisposition", "response-content-disposition"),
    ("ResponseContentEncoding", "response-content-encoding"),
    ("ResponseContentLanguage", "response-content-language"),
    ("ResponseContentType", "response-content-type"),
    ("ResponseExpires", "response-expires"),
];

/// The same for headers: whoever uses the URL has to send them with these values.
const HEADERS: &[(&str, &str)] = &[
    ("ContentType", "content-type"),
    ("ContentDisposition", "content-disposition"),
    ("ContentEncoding", "content-encoding"),
    ("CacheControl", "cache-control"),
    ("ACL", "x-amz-acl"),
    ("StorageClass", "x-amz-storage-class"),
    ("ServerSideEncryption", "x-amz-server-side-encryption"),
];

pub(crate) async fn presign(
    at: Spot<'_>,
    method: &str,
    parameters: &[(String, String)],
    expires: Duration,
) -> Result<String> {
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|e| Error::new(Kind::ConfigInvalid, e.to_string()))?;
    let mut call = Call::new(&at, method);
    let find = |table: &[(&'static str, &'static str)], name: &str| {
        table.iter().find(|(n, _)| *n == name).map(|(_, n)| *n)
    };
    for (name, value) in parameters {
        if let Some(query) = find(PARAMETERS, name) {
            call = call.query(query, value.as_str());
        } else if let Some(header) = find(HEADERS, name) {
            call = call.header(header, value)?;
        } else {
            let why = format!("{name:?} is no parameter of a signed URL");
            return Err(Error::new(Kind::ConfigInvalid, why));
        }
    }
    let (mut parts, _) = call.request()?.into_parts();
    // Whoever uses the URL sends what they like; who pays is said in a header alone.
    parts.headers.remove("content-length");
    parts.headers.remove("x-amz-request-payer");
    let here = region(at.options);
    let there = known_region(at.options, at.container).unwrap_or_else(|| here.clone());
    parts.uri = in_region(&here, parts.uri, &there);
    sign(at.options, &there, &mut parts, Some(expires)).await?;
    Ok(parts.uri.to_string())
}
