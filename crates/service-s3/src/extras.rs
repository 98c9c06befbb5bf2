//! The calls beyond OpenDAL, each in a room of its own.

use std::time::Duration;

use futures::future::BoxFuture;
use opendalfs_core::WriteOptions;
use opendalfs_core::error::Result;
use opendalfs_core::extras::{Extras, Spot, Upload};
use opendalfs_core::store::Pairs;

use crate::{acl, copies, merge, presign, removals, tagging, transport, uploads, versions};

/// S3's own.
#[derive(Debug)]
pub(crate) struct S3Extras;

impl Extras for S3Extras {
    fn copy<'a>(
        &'a self,
        from: Spot<'a>,
        to: Spot<'a>,
        size: u64,
        how: &'a WriteOptions,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(copies::copy(from, to, size, how))
    }

    fn merge<'a>(
        &'a self,
        to: Spot<'a>,
        from: Vec<(Spot<'a>, u64)>,
        how: &'a WriteOptions,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(merge::merge(to, from, how))
    }

    fn sign<'a>(
        &'a self,
        at: Spot<'a>,
        method: &'a str,
        parameters: &'a [(String, String)],
        expires: Duration,
    ) -> BoxFuture<'a, Result<String>> {
        Box::pin(presign::presign(at, method, parameters, expires))
    }

    fn tags<'a>(&'a self, at: Spot<'a>) -> BoxFuture<'a, Result<Pairs>> {
        Box::pin(tagging::tags(at))
    }

    fn put_tags<'a>(
        &'a self,
        at: Spot<'a>,
        tags: &'a [(String, String)],
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(tagging::put_tags(at, tags))
    }

    fn set_acl<'a>(&'a self, at: Spot<'a>, acl: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(acl::set_acl(at, acl))
    }

    fn is_versioned<'a>(&'a self, at: Spot<'a>) -> BoxFuture<'a, Result<bool>> {
        Box::pin(versions::is_versioned(at))
    }

    fn set_versioned<'a>(&'a self, at: Spot<'a>, versioned: bool) -> BoxFuture<'a, Result<()>> {
        Box::pin(versions::set_versioned(at, versioned))
    }

    fn uploads<'a>(&'a self, at: Spot<'a>) -> BoxFuture<'a, Result<Vec<Upload>>> {
        Box::pin(uploads::list(at))
    }

    fn abort_upload<'a>(&'a self, at: Spot<'a>, id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(uploads::abort(at, id))
    }

    fn remove_many<'a>(
        &'a self,
        at: Spot<'a>,
        keys: &'a [(String, Option<String>)],
    ) -> BoxFuture<'a, Result<Vec<Result<()>>>> {
        Box::pin(removals::remove_many(at, keys))
    }

    fn forget_regions(&self) {
        transport::forget_regions();
    }
}
