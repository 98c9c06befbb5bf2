//! Copies on the service's side, which keep what the object carries.
//!
//! OpenDAL's copy loses content type, metadata and tags as soon as it needs parts, and can
//! change none of them.

use futures::{StreamExt, TryStreamExt};
use http::{HeaderMap, Method};
use opendal_core::raw::percent_encode_path;
use opendalfs_core::WriteOptions;
use opendalfs_core::error::Result;
use opendalfs_core::extras::Spot;

use crate::calls::{Answer, Call, object_key};
use crate::headers;
use crate::tagging;
use crate::uploads::Begun;

/// Beyond this one request cannot copy; also the size of the largest part.
const MAX_COPIED_BYTES: usize = 5 << 30;
/// Size of the parts of a copy, if there are not too many.
const COPY_PART_BYTES: usize = 512 << 20;
const MAX_PARTS: u64 = 10_000;

pub(crate) async fn copy(
    from: Spot<'_>,
    to: Spot<'_>,
    size: u64,
    how: &WriteOptions,
) -> Result<()> {
    let limit = from
        .options
        .count_or("multipart_copy_threshold", MAX_COPIED_BYTES);
    if size > limit as u64 {
        return in_parts(&from, &to, size, how).await;
    }
    let mut call = Call::new(&to, Method::PUT)
        .headers(headers::of_new(to.options)?)
        .headers(source(&from)?);
    if how.has_changes() {
        let old = head(&from).await?;
        let etag = old.header("etag").unwrap_or_default().to_owned();
        call = call
            .headers(headers::carried(&old.headers, how)?)
            .header("x-amz-metadata-directive", "REPLACE")?
            .header("x-amz-copy-source-if-match", &etag)?;
    }
    call.send().await.map(drop)
}

/// What is told of an object.
async fn head(at: &Spot<'_>) -> Result<Answer> {
    let call = Call::new(at, Method::HEAD);
    call.headers(headers::customer(at.options, "")?)
        .send()
        .await
}

/// Names the object to be copied.
pub(crate) fn source(at: &Spot<'_>) -> Result<HeaderMap> {
    let mut named = format!("{}/{}", at.container, percent_encode_path(&object_key(at)));
    if let Some(version) = at.version {
        named.push_str("?versionId=");
        named.push_str(&percent_encode_path(version));
    }
    let mut headers = headers::customer(at.options, "copy-source-")?;
    headers::insert(&mut headers, "x-amz-copy-source", &named)?;
    Ok(headers)
}

async fn in_parts(from: &Spot<'_>, to: &Spot<'_>, size: u64, how: &WriteOptions) -> Result<()> {
    let old = head(from).await?;
    let mut carried = headers::carried(&old.headers, how)?;
    if old.header("x-amz-tagging-count").is_some_and(|n| n != "0") {
        let tags = tagging::tags(from.clone()).await?;
        let tags: Vec<String> = tags.iter().map(tagging::in_query).collect();
        headers::insert(&mut carried, "x-amz-tagging", &tags.join("&"))?;
    }
    let mut source = source(from)?;
    if let Some(etag) = old.header("etag") {
        // All parts are of one version.
        headers::insert(&mut source, "x-amz-copy-source-if-match", etag)?;
    }
    let begun = Begun::begin(to, carried).await?;
    let step = part_bytes(from, size);
    let ranges = (0..size).step_by(usize::try_from(step).unwrap_or(usize::MAX));
    let parts = futures::stream::iter(ranges.enumerate())
        .map(|(i, start)| begun.copy_part(i + 1, source.clone(), start..(start + step).min(size)))
        .buffered(to.options.count_or("part_concurrency", 4).max(1))
        .try_collect()
        .await?;
    begun.complete(parts).await
}

/// Bytes of one part of a copy of so many.
pub(crate) fn part_bytes(at: &Spot<'_>, size: u64) -> u64 {
    let wanted = at.options.count_or("copy_part_size", COPY_PART_BYTES) as u64;
    wanted
        .max(size.div_ceil(MAX_PARTS))
        .min(MAX_COPIED_BYTES as u64)
}
