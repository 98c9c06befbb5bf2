//! Copies on the service's side, which keep what the object carries.
//!
//! OpenDAL's copy loses content type, metadata and tags as soon as it needs parts, and can
//! change none of them.

use std::ops::Range;

use futures::{StreamExt, TryStreamExt};
use http::{HeaderMap, Method};
use opendal_core::raw::percent_encode_path;
use opendalfs_core::WriteOptions;
use opendalfs_core::error::{Error, Kind, Result};
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
/// Option: parts as large as those of the source.
pub(crate) const PRESERVE_ETAG: &str = "preserve_etag";
/// Tells of how many parts an object was made.
const PARTS_COUNT: &str = "x-amz-mp-parts-count";

pub(crate) async fn copy(
    from: Spot<'_>,
    to: Spot<'_>,
    size: u64,
    how: &WriteOptions,
) -> Result<()> {
    let limit = from
        .options
        .count_or("multipart_copy_threshold", MAX_COPIED_BYTES);
    if from.options.flag(PRESERVE_ETAG)
        && let Some(ranges) = parts_of(&from).await?
    {
        return in_parts(&from, &to, ranges, how).await;
    }
    if size > limit as u64 {
        let ranges = even(size, part_bytes(&from, size));
        return in_parts(&from, &to, ranges, how).await;
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

/// The parts that an object was made of; none for one that was written at once, or with an empty
/// part: such cannot be copied.
async fn parts_of(at: &Spot<'_>) -> Result<Option<Vec<Range<u64>>>> {
    let part = async |number: usize| {
        Call::new(at, Method::HEAD)
            .query("partNumber", number.to_string())
            .headers(headers::customer(at.options, "")?)
            .send()
            .await
    };
    let first = part(1).await?;
    let Some(count) = first.header(PARTS_COUNT).and_then(|n| n.parse().ok()) else {
        return Ok(None);
    };
    let others: Vec<Answer> = futures::stream::iter(2..=count)
        .map(part)
        .buffered(at.options.count_or("part_concurrency", 4).max(1))
        .try_collect()
        .await?;
    let sizes = std::iter::once(&first).chain(&others).map(body_bytes);
    let ranges = one_after_another(sizes);
    Ok(Some(ranges).filter(|all| all.iter().all(|range| !range.is_empty())))
}

/// The length of the body that an answer to HEAD tells of.
fn body_bytes(answer: &Answer) -> u64 {
    let length = answer.header("content-length");
    length.and_then(|n| n.parse().ok()).unwrap_or_default()
}

fn one_after_another(sizes: impl Iterator<Item = u64>) -> Vec<Range<u64>> {
    let mut end = 0;
    sizes
        .map(|size| {
            let start = end;
            end += size;
            start..end
        })
        .collect()
}

fn even(size: u64, step: u64) -> Vec<Range<u64>> {
    let step_by = usize::try_from(step).unwrap_or(usize::MAX);
    let starts = (0..size).step_by(step_by);
    starts.map(|s| s..(s + step).min(size)).collect()
}

async fn in_parts(
    from: &Spot<'_>,
    to: &Spot<'_>,
    ranges: Vec<Range<u64>>,
    how: &WriteOptions,
) -> Result<()> {
    let old = head(from).await?;
    if ranges.last().map(|range| range.end) != Some(body_bytes(&old)) {
        return Err(Error::new(Kind::Changed, "it has another size now"));
    }
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
    let parts = futures::stream::iter(ranges.into_iter().enumerate())
        .map(|(i, range)| begun.copy_part(i + 1, source.clone(), range))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_one_after_another() {
        assert_eq!(even(10, 4), [0..4, 4..8, 8..10]);
        assert_eq!(one_after_another([3, 5, 1].into_iter()), [0..3, 3..8, 8..9]);
    }
}
