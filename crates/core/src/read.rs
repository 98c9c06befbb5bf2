//! Reads: Python's slices over objects, in one request where one is enough.

use futures::{StreamExt, TryStreamExt};
use opendal_core::options::ReadOptions;
use opendal_core::raw::{OpRead, OpReader};
use opendal_core::{Buffer, BytesRange, ErrorKind, Metadata};

use crate::error::{Error, Kind, Result};
use crate::info::Info;
use crate::store::{Place, Store};

/// A slice as Python means it: either end may be missing, negative, or past the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: Option<i64>,
    /// The byte after the last.
    pub end: Option<i64>,
}

/// What a span asks of a store.
#[derive(Debug, PartialEq, Eq)]
enum Plan {
    Range(BytesRange),
    /// Nothing, if the object exists.
    Empty,
    /// Ends that count from an end nobody knows yet.
    NeedsSize,
}

impl Span {
    fn plan(self) -> Plan {
        match (self.start.unwrap_or(0), self.end) {
            (0, None) => Plan::Range(BytesRange::default()),
            (start, None) if start > 0 => Plan::Range(BytesRange::from(start.unsigned_abs()..)),
            (start, None) => Plan::Range(BytesRange::suffix(start.unsigned_abs())),
            (start, Some(end)) if start >= 0 && end >= 0 => {
                if end <= start {
                    return Plan::Empty;
                }
                Plan::Range(BytesRange::from(start.unsigned_abs()..end.unsigned_abs()))
            }
            _ => Plan::NeedsSize,
        }
    }

    /// The bytes meant in an object of `size` bytes.
    #[must_use]
    pub fn within(self, size: u64) -> std::ops::Range<u64> {
        let at = |v: i64| {
            if v < 0 {
                size.saturating_sub(v.unsigned_abs())
            } else {
                v.unsigned_abs().min(size)
            }
        };
        let start = at(self.start.unwrap_or(0));
        start..self.end.map_or(size, at).max(start)
    }
}

impl Store {
    /// The bytes of a file, or a slice of them. One request; two for slices whose ends need
    /// the size.
    ///
    /// # Errors
    /// `NotFound`; `IsADirectory`.
    pub async fn read(&self, path: &str, span: Span) -> Result<Buffer> {
        let place = self.file_place("read", path)?;
        let part = self.part_bytes() as u64;
        match span.plan() {
            Plan::Empty => {
                self.stat_file("read", path).await?;
                Ok(Buffer::new())
            }
            Plan::Range(range) if range.is_suffix() => {
                match self.fetch(&place, range, None).await {
                    Ok((_, bytes)) => Ok(bytes),
                    // MinIO answers the last bytes of an empty object with a range that is none.
                    Err(e)
                        if e.kind() == Kind::Unexpected
                            && self.stat_file("read", path).await?.size == 0 =>
                    {
                        Ok(Buffer::new())
                    }
                    Err(e) => Err(e),
                }
            }
            Plan::Range(range) if self.is_local() => Ok(self.fetch(&place, range, None).await?.1),
            Plan::Range(range) if range.size().is_some_and(|n| n <= part) => {
                Ok(self.fetch(&place, range, None).await?.1)
            }
            Plan::Range(range) => {
                let end = range.size().map(|n| range.offset().saturating_add(n));
                self.read_parts(&place, range.offset(), end).await
            }
            Plan::NeedsSize => {
                let info = self.stat_file("read", path).await?;
                let range = span.within(info.size);
                self.reader_of(path, info)?
                    .read(range.start, range.end)
                    .await
            }
        }
    }

    /// Many slices at once, each with its own outcome, in the order given.
    pub async fn read_many(&self, wanted: Vec<(String, Span)>) -> Vec<Result<Buffer>> {
        let limit = self.max_concurrency();
        futures::stream::iter(wanted)
            .map(|(path, span)| async move { self.read(&path, span).await })
            .buffered(limit)
            .collect()
            .await
    }

    /// Open a file for reads at any offset, all of the same version of it. One request.
    ///
    /// # Errors
    /// `NotFound`; `IsADirectory`.
    pub async fn open_reader(&self, path: &str) -> Result<ObjectReader> {
        let info = self.stat_file("open", path).await?;
        self.reader_of(path, info)
    }

    /// Like [`Store::open_reader`] for a file already looked up. No request.
    ///
    /// # Errors
    /// `ConfigInvalid` for a path that cannot be one.
    pub fn reader_of(&self, path: &str, info: Info) -> Result<ObjectReader> {
        let place = self.file_place("read", path)?;
        let etag = info
            .metadata
            .as_ref()
            .and_then(|m| m.etag())
            .filter(|_| place.can_pin())
            .map(str::to_owned);
        Ok(ObjectReader {
            store: self.clone(),
            path: path.to_owned(),
            info,
            etag,
        })
    }

    /// The place of a path that must not be a container or the root.
    pub(crate) fn file_place(&self, operation: &'static str, path: &str) -> Result<Place> {
        let place = self.place(operation, path)?;
        if place.key.is_empty() || place.key.ends_with('/') {
            return Err(Error::new(Kind::IsADirectory, "").at(operation, path, self.scheme()));
        }
        Ok(place)
    }

    /// Look up a file; a directory is an error.
    pub(crate) async fn stat_file(&self, operation: &'static str, path: &str) -> Result<Info> {
        let info = self.stat(path).await?;
        if info.is_dir {
            return Err(Error::new(Kind::IsADirectory, "").at(operation, path, self.scheme()));
        }
        Ok(info)
    }

    /// A long or open-ended span: the first part tells the size, the rest comes in parts, some
    /// at once, all of the version that the first part was of.
    async fn read_parts(&self, place: &Place, start: u64, end: Option<u64>) -> Result<Buffer> {
        let part = self.part_bytes() as u64;
        let first = start..end.unwrap_or(u64::MAX).min(start.saturating_add(part));
        let (metadata, head) = self.fetch(place, BytesRange::from(first), None).await?;
        let total = metadata.as_ref().map_or(0, |m| m.content_length());
        let at = start + head.len() as u64;
        let end = end.unwrap_or(total).min(total);
        if at >= end {
            return Ok(head);
        }
        let etag = metadata
            .as_ref()
            .and_then(|m| m.etag())
            .filter(|_| place.can_pin());
        let rest = self.read_known(place, at, end, etag).await?;
        Ok([head, rest].into_iter().flatten().collect())
    }

    /// A span known to be inside the object, in parts when it is long.
    async fn read_known(
        &self,
        place: &Place,
        start: u64,
        end: u64,
        etag: Option<&str>,
    ) -> Result<Buffer> {
        let part = self.part_bytes() as u64;
        if self.is_local() || end - start <= part {
            let range = BytesRange::from(start..end);
            return Ok(self.fetch(place, range, etag).await?.1);
        }
        let starts = (start..end).step_by(usize::try_from(part).unwrap_or(usize::MAX));
        let parts: Vec<Buffer> = futures::stream::iter(starts)
            .map(|at| async move {
                let range = BytesRange::from(at..(at + part).min(end));
                Ok::<_, Error>(self.fetch(place, range, etag).await?.1)
            })
            .buffered(self.part_concurrency())
            .try_collect()
            .await?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// One request. The service's reader is asked directly: OpenDAL's `Operator` refuses spans
    /// that reach past the end, and drops the metadata that came with the bytes.
    async fn fetch(
        &self,
        place: &Place,
        range: BytesRange,
        etag: Option<&str>,
    ) -> Result<(Option<Metadata>, Buffer)> {
        let options = ReadOptions {
            if_match: etag.map(str::to_owned),
            ..Default::default()
        };
        let (_, args, _) = <(BytesRange, OpRead, OpReader)>::from(options);
        let fetched: opendal_core::Result<_> = async {
            let (service, context) = (place.reads.service(), place.reads.context());
            let reader = service.read_dyn(context, &place.key, args)?;
            let (answer, mut stream) = reader.open_dyn(range).await?;
            let mut pieces = Vec::new();
            loop {
                let piece = stream.read_dyn().await?;
                if piece.is_empty() {
                    break;
                }
                pieces.push(piece);
            }
            let bytes = match pieces.len() {
                1 => pieces.swap_remove(0),
                _ => pieces.into_iter().flatten().collect(),
            };
            let metadata = answer.into_metadata();
            if let Some(total) = metadata.as_ref().map(|m| m.content_length()) {
                let wanted = content_range(range, total)?;
                // A server that knows no ranges sends everything.
                let is_whole = bytes.len() as u64 == total;
                if bytes.len() as u64 != wanted.end - wanted.start {
                    if !is_whole {
                        return Err(opendal_core::Error::new(
                            ErrorKind::Unexpected,
                            "the answer is too short",
                        ));
                    }
                    let cut = bytes.slice(wanted.start as usize..wanted.end as usize);
                    return Ok((metadata, cut));
                }
            }
            Ok((metadata, bytes))
        }
        .await;
        match fetched {
            Ok(got) => Ok(got),
            // Nothing there: past the end, or a slice of an empty object.
            Err(e) if e.kind() == ErrorKind::RangeNotSatisfied => Ok((None, Buffer::new())),
            Err(e) if e.kind() == ErrorKind::NotFound => {
                // A directory deserves its own name; this costs a request only on failure.
                let is_dir =
                    self.has_implicit_dirs() && self.has_entries(place).await.unwrap_or(false);
                if is_dir {
                    return Err(Error::new(Kind::IsADirectory, "").at(
                        "read",
                        &place.path,
                        self.scheme(),
                    ));
                }
                Err(self.error("read", place, &e))
            }
            Err(e) => Err(self.error("read", place, &e)),
        }
    }
}

/// The bytes that a range means in content of `size` bytes, cut at its end. For services that
/// hold the content themselves.
///
/// # Errors
/// `RangeNotSatisfied` when it begins behind the end.
pub fn content_range(range: BytesRange, size: u64) -> opendal_core::Result<std::ops::Range<u64>> {
    if range.is_suffix() {
        return Ok(size.saturating_sub(range.size().unwrap_or(0))..size);
    }
    if range.offset() > size {
        return Err(opendal_core::Error::new(ErrorKind::RangeNotSatisfied, ""));
    }
    let end = range
        .size()
        .map_or(size, |n| range.offset().saturating_add(n).min(size));
    Ok(range.offset()..end)
}

/// An open file. Reads are pinned to the version that was opened where the service can do
/// that; a replaced file is then `Changed`, never a mixture.
#[derive(Clone, Debug)]
pub struct ObjectReader {
    store: Store,
    path: String,
    info: Info,
    etag: Option<String>,
}

impl ObjectReader {
    /// What was opened.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Bytes `start..end`, cut at the end of the file. Long spans are fetched in parts, some
    /// at once.
    ///
    /// # Errors
    /// `Changed`, and whatever the service answers.
    pub async fn read(&self, start: u64, end: u64) -> Result<Buffer> {
        let end = end.min(self.info.size);
        if start >= end {
            return Ok(Buffer::new());
        }
        // Resolved for each read: in a forked child the operator is another.
        let place = &self.store.file_place("read", &self.path)?;
        let etag = self.etag.as_deref();
        self.store.read_known(place, start, end, etag).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: Option<i64>, end: Option<i64>) -> Span {
        Span { start, end }
    }

    #[test]
    fn spans_mean_what_python_slices_mean() {
        for (s, want) in [
            (span(None, None), 0..10),
            (span(Some(3), None), 3..10),
            (span(Some(-3), None), 7..10),
            (span(Some(-30), None), 0..10),
            (span(None, Some(-1)), 0..9),
            (span(Some(5), Some(2)), 5..5),
            (span(Some(20), Some(30)), 10..10),
            (span(Some(-4), Some(-2)), 6..8),
        ] {
            assert_eq!(s.within(10), want, "{s:?}");
        }
    }

    #[test]
    fn one_request_is_enough_when_no_end_needs_the_size() {
        assert_eq!(span(None, None).plan(), Plan::Range(BytesRange::default()));
        assert_eq!(
            span(Some(-5), None).plan(),
            Plan::Range(BytesRange::suffix(5))
        );
        assert_eq!(span(Some(0), Some(0)).plan(), Plan::Empty);
        assert_eq!(span(Some(1), Some(-1)).plan(), Plan::NeedsSize);
    }
}
