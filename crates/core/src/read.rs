//! Reads: Python's slices over objects, in one request where one is enough.

use futures::{StreamExt, TryStreamExt};
use opendal_core::options::ReadOptions;
use opendal_core::{Buffer, BytesRange, ErrorKind};

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
        let range = match span.plan() {
            Plan::Range(range) => range,
            Plan::Empty => {
                self.stat_file("read", path).await?;
                return Ok(Buffer::new());
            }
            Plan::NeedsSize => {
                let size = self.stat_file("read", path).await?.size;
                let range = span.within(size);
                if range.is_empty() {
                    return Ok(Buffer::new());
                }
                BytesRange::from(range)
            }
        };
        self.read_range(&place, range, None).await
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
        let can_pin = place.operator.info().capability().read_with_if_match;
        let etag = info
            .metadata
            .as_ref()
            .and_then(|m| m.etag())
            .filter(|_| can_pin)
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

    async fn read_range(
        &self,
        place: &Place,
        range: BytesRange,
        etag: Option<&str>,
    ) -> Result<Buffer> {
        let options = ReadOptions {
            range,
            if_match: etag.map(str::to_owned),
            ..Default::default()
        };
        match place.operator.read_options(&place.wire(), options).await {
            Ok(bytes) => Ok(bytes),
            // Nothing there: past the end, or a slice of an empty object.
            Err(e) if e.kind() == ErrorKind::RangeNotSatisfied => Ok(Buffer::new()),
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
        let part = self.store.part_bytes() as u64;
        let etag = self.etag.as_deref();
        if end - start <= part {
            let range = BytesRange::from(start..end);
            return self.store.read_range(place, range, etag).await;
        }
        let starts = (start..end).step_by(usize::try_from(part).unwrap_or(usize::MAX));
        let parts: Vec<Buffer> = futures::stream::iter(starts)
            .map(|at| {
                let range = BytesRange::from(at..(at + part).min(end));
                self.store.read_range(place, range, etag)
            })
            .buffered(self.store.part_concurrency())
            .try_collect()
            .await?;
        Ok(parts.into_iter().flatten().collect())
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
