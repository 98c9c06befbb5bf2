//! Reads: Python's slices over objects, in one request where one is enough.

use std::sync::Arc;

use opendal_core::{Buffer, BytesRange};

use crate::ahead::Ahead;
use crate::answer::{First, Head};
use crate::error::{Error, Kind, Result};
use crate::fetch::parts_of;
use crate::info::Info;
use crate::pin::Pin;
use crate::place::Place;
use crate::span::{Plan, Span, usize_of};
use crate::store::Store;
use crate::target::{Target, lend, memory};

/// Reads from this size on are filled into memory of their exact size.
const SIZED_FROM_BYTES: u64 = 1 << 20;

/// A read that has begun.
#[derive(Debug)]
pub enum Begun {
    /// It was short and is over.
    Whole(Buffer),
    /// Its size is known, its bytes are still to come.
    Sized(Box<SizedRead>),
}

/// A long read whose first answer is on its way.
#[derive(Debug)]
pub struct SizedRead {
    store: Store,
    place: Place,
    head: Head,
}

impl SizedRead {
    /// Bytes to come.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.head.span.end - self.head.span.start
    }

    /// Whether there are none. Never: short reads end at once.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fill `target`, which has room for [`SizedRead::len`] bytes; some parts at once.
    ///
    /// # Errors
    /// `Changed` when the file was replaced meanwhile; whatever the service answers.
    ///
    /// # Panics
    /// When the target has another size.
    pub async fn fill(self, mut target: Target) -> Result<()> {
        assert_eq!(
            target.len() as u64,
            self.len(),
            "a target of the read's size"
        );
        let SizedRead { store, place, head } = self;
        let parts =
            move |range: std::ops::Range<u64>| target.split_to(usize_of(range.end - range.start));
        store.finish(&place, head, parts).await
    }

    /// Into memory of our own.
    async fn read(self) -> Result<Buffer> {
        let (target, lent) = lend(memory(usize_of(self.len())));
        self.fill(target).await?;
        Ok(Buffer::from(lent.take().unwrap_or_default()))
    }
}

impl Store {
    /// The bytes of a file, or a slice of them. One request for each part; one more for slices
    /// whose ends need the size.
    ///
    /// # Errors
    /// `NotFound`; `IsADirectory`.
    pub async fn read(&self, path: &str, span: Span) -> Result<Buffer> {
        match self.begin_read(path, span).await? {
            Begun::Whole(bytes) => Ok(bytes),
            Begun::Sized(read) => read.read().await,
        }
    }

    /// Like [`Store::read`], up to the moment when the size of a long read is known, so that
    /// whoever wants the bytes can make room for them.
    ///
    /// # Errors
    /// `NotFound`; `IsADirectory`.
    pub async fn begin_read(&self, path: &str, span: Span) -> Result<Begun> {
        let place = self.file_place("read", path)?;
        let range = match span.plan() {
            Plan::Empty => {
                self.stat_file("read", path).await?;
                return Ok(Begun::Whole(Buffer::new()));
            }
            Plan::Range(range) => range,
            Plan::NeedsSize => {
                let info = self.stat_file("read", path).await?;
                let range = span.within(info.size);
                let bytes = self
                    .reader_of(path, info)?
                    .read(range.start, range.end)
                    .await?;
                return Ok(Begun::Whole(bytes));
            }
        };
        match self.begin_range(place, range).await {
            // MinIO answers the last bytes of an empty object with a range that is none.
            Err(e)
                if range.is_suffix()
                    && e.kind() == Kind::Unexpected
                    && self.stat_file("read", path).await?.size == 0 =>
            {
                Ok(Begun::Whole(Buffer::new()))
            }
            other => other,
        }
    }

    async fn begin_range(&self, place: Place, range: BytesRange) -> Result<Begun> {
        match self.begin(&place, range).await? {
            First::Nothing => Ok(Begun::Whole(Buffer::new())),
            First::Whole(answer) => Ok(Begun::Whole(self.collect(&place, answer).await?)),
            First::Sized(head) if head.is_short(SIZED_FROM_BYTES) => Ok(Begun::Whole(
                self.collect(&place, head.into_answer()).await?,
            )),
            First::Sized(head) => Ok(Begun::Sized(Box::new(SizedRead {
                store: self.clone(),
                place,
                head,
            }))),
        }
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
        let metadata = info.metadata.as_ref();
        let pin = metadata.map(Pin::of).unwrap_or_default();
        let path = match metadata.and_then(|m| m.version()) {
            // The old bytes stay readable after the file was replaced.
            Some(version) => self.versioned_path(&place, version),
            None => path.to_owned(),
        };
        Ok(ObjectReader {
            store: self.clone(),
            path,
            info,
            pin,
            ahead: Arc::default(),
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

    /// Fill `target` with the bytes from `start` on, known to be inside the object; in parts
    /// when it is long, some at once.
    async fn fill_parts(
        &self,
        place: &Place,
        start: u64,
        mut target: Target,
        pin: &Pin,
    ) -> Result<()> {
        let span = start..start + target.len() as u64;
        let parts = parts_of(span, self.part_bytes()).map(move |range| {
            let room = target.split_to(usize_of(range.end - range.start));
            (range, room)
        });
        self.fetch_parts(place, pin, parts).await
    }
}

/// An open file. Reads are pinned to the version that was opened where the service can do
/// that; a replaced file is then `Changed`, never a mixture.
#[derive(Clone, Debug)]
pub struct ObjectReader {
    store: Store,
    path: String,
    info: Info,
    pin: Pin,
    ahead: Arc<Ahead>,
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
        let (target, lent) = lend(memory(usize_of(end - start)));
        self.fill(start, target).await?;
        Ok(Buffer::from(lent.take().unwrap_or_default()))
    }

    /// How many bytes a read of `len` from `start` on gives.
    #[must_use]
    pub fn available(&self, start: u64, len: u64) -> u64 {
        self.info.size.saturating_sub(start).min(len)
    }

    /// Fill `target` with the bytes from `start` on, all of which are inside the file.
    ///
    /// # Errors
    /// `Changed`, and whatever the service answers.
    pub async fn fill(&self, start: u64, target: Target) -> Result<()> {
        if target.is_empty() {
            return Ok(());
        }
        // Resolved for each read: in a forked child the operator is another.
        let place = &self.store.file_place("read", &self.path)?;
        self.store.fill_parts(place, start, target, &self.pin).await
    }

    /// Like [`ObjectReader::fill`], for a caller who may go on reading where this read ends:
    /// what comes next is then fetched in the background.
    ///
    /// # Errors
    /// As [`ObjectReader::fill`].
    pub async fn fill_ahead(&self, start: u64, target: Target) -> Result<()> {
        if target.is_empty() {
            return Ok(());
        }
        self.ahead.fill(self, start, target).await
    }

    pub(crate) fn part_bytes(&self) -> u64 {
        self.store.part_bytes() as u64
    }

    /// How far at most to fetch ahead: not at all where the content is at hand anyway.
    pub(crate) fn window_bytes(&self) -> u64 {
        if self.store.is_local() {
            return 0;
        }
        // With the part that is being read, three are in memory, and one more to use again.
        2 * self.part_bytes()
    }
}
