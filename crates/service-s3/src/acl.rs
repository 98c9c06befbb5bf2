//! Canned access control lists.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl>

use http::Method;
use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::extras::Spot;

use crate::calls::Call;

const OF_OBJECTS: &[&str] = &[
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
];
const OF_BUCKETS: &[&str] = &[
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
];

pub(crate) async fn set_acl(at: Spot<'_>, acl: &str) -> Result<()> {
    let known = if at.key.is_empty() {
        OF_BUCKETS
    } else {
        OF_OBJECTS
    };
    if !known.contains(&acl) {
        let why = format!("{acl:?} is no canned ACL here: {}", known.join(", "));
        return Err(Error::new(Kind::ConfigInvalid, why));
    }
    let call = Call::new(&at, Method::PUT).query("acl", "");
    call.header("x-amz-acl", acl)?.send().await.map(drop)
}
