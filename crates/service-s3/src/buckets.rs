//! Bucket calls: signed requests of our own, because OpenDAL knows objects only.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>

use std::future::Future;
use std::pin::Pin;

use bytes::Buf;
use http::{Method, Request, StatusCode};
use opendal_core::{Buffer, HttpTransporter};
use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::options::Options;
use opendalfs_core::service::Extension;
use serde::Deserialize;

use crate::config::{DEFAULT_REGION, endpoint, region};
use crate::credentials;

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[derive(Debug)]
pub(crate) struct Buckets;

impl Extension for Buckets {
    fn list_containers<'a>(
        &'a self,
        options: &'a Options,
        http: HttpTransporter,
    ) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async move {
            let (status, body) = call(options, &http, Method::GET, "", String::new()).await?;
            if status != StatusCode::OK {
                return Err(refused(status, &body));
            }
            let listed: ListAllMyBuckets =
                quick_xml::de::from_reader(body.reader()).map_err(|e| {
                    Error::new(
                        Kind::Unexpected,
                        format!("the list of buckets is no valid XML: {e}"),
                    )
                })?;
            let mut names: Vec<String> =
                listed.buckets.bucket.into_iter().map(|b| b.name).collect();
            names.sort();
            Ok(names)
        })
    }

    fn create_container<'a>(
        &'a self,
        options: &'a Options,
        http: HttpTransporter,
        name: &'a str,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            // us-east-1 is the one region that must not be named.
            let region = region(options);
            let body = if region == DEFAULT_REGION {
                String::new()
            } else {
                format!(
                    "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                     <LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
                )
            };
            done(call(options, &http, Method::PUT, name, body).await?)
        })
    }

    fn delete_container<'a>(
        &'a self,
        options: &'a Options,
        http: HttpTransporter,
        name: &'a str,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(
            async move { done(call(options, &http, Method::DELETE, name, String::new()).await?) },
        )
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListAllMyBuckets {
    #[serde(default)]
    buckets: BucketList,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct BucketList {
    bucket: Vec<Bucket>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Bucket {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Refusal {
    code: String,
    message: String,
}

fn done((status, body): (StatusCode, Buffer)) -> Result<()> {
    if status.is_success() {
        return Ok(());
    }
    Err(refused(status, &body))
}

fn refused(status: StatusCode, body: &Buffer) -> Error {
    let told: Refusal = quick_xml::de::from_reader(body.clone().reader()).unwrap_or_default();
    let kind = match told.code.as_str() {
        "NoSuchBucket" => Kind::NotFound,
        "BucketAlreadyOwnedByYou" | "BucketAlreadyExists" => Kind::AlreadyExists,
        "BucketNotEmpty" => Kind::NotEmpty,
        "InvalidBucketName" => Kind::ConfigInvalid,
        "SlowDown" => Kind::RateLimited,
        _ if status == StatusCode::FORBIDDEN || status == StatusCode::UNAUTHORIZED => {
            Kind::PermissionDenied
        }
        _ if status == StatusCode::NOT_FOUND => Kind::NotFound,
        _ => Kind::Unexpected,
    };
    Error::new(kind, format!("{}: {}", told.code, told.message))
}

/// One signed request to `/` or `/bucket`.
async fn call(
    options: &Options,
    http: &HttpTransporter,
    method: Method,
    bucket: &str,
    body: String,
) -> Result<(StatusCode, Buffer)> {
    let region = region(options);
    let base = endpoint(options).unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
    let request = Request::builder()
        .method(method)
        .uri(format!("{base}/{bucket}"))
        .body(Buffer::from(body))
        .map_err(|e| {
            Error::new(
                Kind::ConfigInvalid,
                format!("{bucket:?} is no name of a bucket: {e}"),
            )
        })?;
    let (mut parts, body) = request.into_parts();
    credentials::sign(options, http, &region, &mut parts, None).await?;
    let answer = http
        .send(Request::from_parts(parts, body))
        .await
        .map_err(|e| Error::from_opendal(&e))?;
    Ok((answer.status(), answer.into_body()))
}
