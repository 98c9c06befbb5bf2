//! Bucket calls: OpenDAL knows objects only.

use futures::future::BoxFuture;
use http::Method;
use opendal_core::HttpTransporter;
use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::options::Options;
use opendalfs_core::service::Extension;
use serde::Deserialize;

use crate::calls::Call;
use crate::config::{DEFAULT_REGION, region};

#[derive(Debug)]
pub(crate) struct Buckets;

impl Extension for Buckets {
    fn list_containers<'a>(
        &'a self,
        options: &'a Options,
        http: HttpTransporter,
    ) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async move {
            let answer = Call::bucket(options, &http, Method::GET, "").send().await?;
            let listed: ListAllMyBuckets = answer.xml()?;
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
            let mut call = Call::bucket(options, &http, Method::PUT, name);
            let region = region(options);
            if region == DEFAULT_REGION {
                // There an owner is told that a bucket was made anew, even when it was not.
                let head = Call::bucket(options, &http, Method::HEAD, name);
                if head.send().await.is_ok() {
                    return Err(Error::new(Kind::AlreadyExists, ""));
                }
            } else {
                // us-east-1 is the one region that must not be named.
                call = call.body(format!(
                    "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                     <LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
                ));
            }
            if let Some(acl) = options.text("default_acl") {
                call = call.header("x-amz-acl", acl)?;
            }
            call.send().await.map(drop)
        })
    }

    fn delete_container<'a>(
        &'a self,
        options: &'a Options,
        http: HttpTransporter,
        name: &'a str,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let call = Call::bucket(options, &http, Method::DELETE, name);
            call.send().await.map(drop)
        })
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
