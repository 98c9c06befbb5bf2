//! One object made of others on the service's side.
//!
//! Every part but the last has at least 5 MiB. Objects that large are copied by the service;
//! the bytes of smaller ones pass through here, joined until they make a part.

use std::ops::Range;

use futures::{StreamExt, TryStreamExt};
use http::Method;
use opendal_core::Buffer;
use opendalfs_core::WriteOptions;
use opendalfs_core::error::Result;
use opendalfs_core::extras::Spot;

use crate::calls::Call;
use crate::copies::{part_bytes, source};
use crate::headers;
use crate::uploads::{Begun, Part};

/// Smallest part that is not the last.
const MIN_PART_BYTES: u64 = 5 << 20;

/// Where the bytes of one part come from: an object by its place in the list, and a range.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Copied(usize, Range<u64>),
    Joined(Vec<(usize, Range<u64>)>),
}

pub(crate) async fn merge(
    to: Spot<'_>,
    from: Vec<(Spot<'_>, u64)>,
    how: &WriteOptions,
) -> Result<()> {
    let sizes: Vec<u64> = from.iter().map(|(_, size)| *size).collect();
    let pieces = plan(&sizes, part_bytes(&to, sizes.iter().sum()));
    let carried = headers::carried(&http::HeaderMap::new(), how)?;
    let begun = Begun::begin(&to, carried).await?;
    let parts = futures::stream::iter(pieces.into_iter().enumerate())
        .map(|(i, piece)| part(&begun, i + 1, piece, &from))
        .buffered(to.options.count_or("part_concurrency", 4).max(1))
        .try_collect()
        .await?;
    begun.complete(parts).await
}

async fn part(
    begun: &Begun<'_>,
    number: usize,
    piece: Piece,
    from: &[(Spot<'_>, u64)],
) -> Result<Part> {
    match piece {
        Piece::Copied(which, range) => {
            begun
                .copy_part(number, source(&from[which].0)?, range)
                .await
        }
        Piece::Joined(spans) => {
            let mut bytes: Vec<Buffer> = Vec::with_capacity(spans.len());
            for (which, range) in spans {
                bytes.push(read(&from[which].0, range).await?);
            }
            begun
                .put_part(number, bytes.into_iter().flatten().collect())
                .await
        }
    }
}

async fn read(at: &Spot<'_>, range: Range<u64>) -> Result<Buffer> {
    if range.is_empty() {
        return Ok(Buffer::new());
    }
    let span = format!("bytes={}-{}", range.start, range.end - 1);
    let call = Call::new(at, Method::GET)
        .headers(headers::customer(at.options, "")?)
        .header("range", &span)?;
    Ok(call.send().await?.body)
}

/// The parts of an object made of others with these sizes.
fn plan(sizes: &[u64], step: u64) -> Vec<Piece> {
    let step = step.max(MIN_PART_BYTES);
    let mut pieces = Vec::new();
    let (mut joined, mut joined_bytes) = (Vec::new(), 0);
    for (which, &size) in sizes.iter().enumerate() {
        let mut at = 0;
        let is_copied = |left: u64| left >= MIN_PART_BYTES;
        if !joined.is_empty() || !is_copied(size) {
            let missing = MIN_PART_BYTES - joined_bytes;
            // What stays must be large enough to be copied.
            at = match size.checked_sub(missing) {
                Some(left) if is_copied(left) => missing,
                _ => size,
            };
            joined.push((which, 0..at));
            joined_bytes += at;
            if joined_bytes >= MIN_PART_BYTES {
                pieces.push(Piece::Joined(std::mem::take(&mut joined)));
                joined_bytes = 0;
            }
        }
        while at < size {
            let left = size - at;
            // The last of several must not be too small.
            let take = if left < step + MIN_PART_BYTES {
                left
            } else {
                step
            };
            pieces.push(Piece::Copied(which, at..at + take));
            at += take;
        }
    }
    if !joined.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Joined(joined));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn every_part_but_the_last_is_large_enough_and_nothing_is_lost() {
        for sizes in [
            vec![],
            vec![0],
            vec![3],
            vec![6 * MIB, 3, 6 * MIB],
            vec![3, 9 * MIB, 10 * MIB + 1, 0, 1],
            vec![MIB; 23],
            vec![64 * MIB + 1, 2 * MIB],
        ] {
            let pieces = plan(&sizes, 16 * MIB);
            let mut seen: Vec<(usize, Range<u64>)> = Vec::new();
            let last = pieces.len() - 1;
            for (i, piece) in pieces.into_iter().enumerate() {
                let spans = match piece {
                    Piece::Copied(which, range) => vec![(which, range)],
                    Piece::Joined(spans) => spans,
                };
                let bytes: u64 = spans.iter().map(|(_, r)| r.end - r.start).sum();
                assert!(i == last || bytes >= MIN_PART_BYTES, "{sizes:?}: {bytes}");
                seen.extend(spans);
            }
            let mut expected = sizes.iter().map(|_| 0).collect::<Vec<u64>>();
            let mut order = 0;
            for (which, range) in seen {
                assert!(which >= order, "in their order");
                order = which;
                assert_eq!(range.start, expected[which]);
                expected[which] = range.end;
            }
            assert_eq!(expected, sizes);
        }
    }
}
