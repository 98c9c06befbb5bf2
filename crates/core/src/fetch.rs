//! One request for bytes.
//!
//! The service's reader is asked directly: OpenDAL's `Operator` refuses spans that reach past
//! the end, and drops the metadata that came with the bytes.

use std::sync::{Arc, Mutex, PoisonError};

use opendal_core::options::ReadOptions;
use opendal_core::raw::oio::ReadStreamDyn;
use opendal_core::raw::{OpRead, OpReader};
use opendal_core::{Buffer, BytesRange, ErrorKind, Metadata};
use tokio::task::JoinSet;

use crate::error::{Error, Kind, Result};
use crate::runtime;
use crate::span::content_range;
use crate::store::{Place, Store};
use crate::target::Sink;

/// Ranges of at most `part` bytes that together are `span`.
pub(crate) fn parts_of(
    span: std::ops::Range<u64>,
    part: usize,
) -> impl Iterator<Item = std::ops::Range<u64>> {
    let part = part.max(1);
    let end = span.end;
    span.step_by(part)
        .map(move |at| at..at.saturating_add(part as u64).min(end))
}

/// An answer whose head is here and whose body is on its way.
pub(crate) struct Opened {
    range: BytesRange,
    metadata: Option<Metadata>,
    body: Box<dyn ReadStreamDyn>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opened {}", self.range)
    }
}

impl Opened {
    /// Bytes of the whole object, if the service told. It tells nothing of an empty one that
    /// could be told from no word at all.
    pub(crate) fn total(&self) -> Option<u64> {
        let total = self.metadata.as_ref().map(Metadata::content_length);
        total.filter(|n| *n > 0)
    }

    pub(crate) fn etag(&self) -> Option<&str> {
        self.metadata.as_ref().and_then(|m| m.etag())
    }

    /// What of the object the answer should hold.
    fn wanted(&self) -> opendal_core::Result<Option<std::ops::Range<u64>>> {
        self.total()
            .map(|total| content_range(self.range, total))
            .transpose()
    }
}

/// Tasks that end with the one who waits for them.
struct Workers(JoinSet<Result<()>>);

impl Drop for Workers {
    fn drop(&mut self) {
        if self.0.is_empty() {
            return;
        }
        let mut tasks = std::mem::take(&mut self.0);
        tasks.abort_all();
        runtime::spawn_cleanup(async move { while tasks.join_next().await.is_some() {} });
    }
}

impl Store {
    /// Ask for a range; nothing when it lies past the end.
    pub(crate) async fn open(
        &self,
        place: &Place,
        range: BytesRange,
        etag: Option<&str>,
    ) -> Result<Option<Opened>> {
        let options = ReadOptions {
            if_match: etag.map(str::to_owned),
            ..Default::default()
        };
        let (_, args, _) = <(BytesRange, OpRead, OpReader)>::from(options);
        let (service, context) = (place.reads().service(), place.reads().context());
        let answer = match service.read_dyn(context, &place.key, args) {
            Ok(reader) => reader.open_dyn(range).await,
            Err(e) => Err(e),
        };
        match answer {
            Ok((answer, body)) => Ok(Some(Opened {
                range,
                metadata: answer.into_metadata(),
                body,
            })),
            // OpenDAL's databases refuse a range that reaches past the end, instead of cutting it.
            Err(e) if e.kind() == ErrorKind::RangeNotSatisfied && self.service().is_open => {
                let size = self.stat_file("read", &place.path).await?.size;
                match range
                    .size()
                    .map(|n| range.offset()..range.offset().saturating_add(n))
                {
                    Some(asked) if asked.start < size && asked.end > size => {
                        let cut = BytesRange::from(asked.start..size);
                        Box::pin(self.open(place, cut, etag)).await
                    }
                    _ => Ok(None),
                }
            }
            Err(e) => self.nothing_there(place, &e).await.map(|()| None),
        }
    }

    /// All bytes of an answer.
    pub(crate) async fn collect(&self, place: &Place, mut answer: Opened) -> Result<Buffer> {
        let mut pieces = Vec::new();
        let fail = |e: opendal_core::Error| self.error("read", place, &e);
        loop {
            match answer.body.read_dyn().await {
                Ok(piece) if piece.is_empty() => break,
                Ok(piece) => pieces.push(piece),
                Err(e) => {
                    self.nothing_there(place, &e).await?;
                    break;
                }
            }
        }
        let count = pieces.iter().map(Buffer::len).sum::<usize>() as u64;
        let bytes = match pieces.len() {
            1 => pieces.swap_remove(0),
            _ => pieces.into_iter().flatten().collect(),
        };
        match answer.wanted().map_err(fail)? {
            Some(wanted) if count != wanted.end - wanted.start => Err(fail(wrong_size())),
            _ => Ok(bytes),
        }
    }

    /// Pass the bytes of an answer on as they come; the result is their count. Fewer than asked
    /// for is no error here.
    pub(crate) async fn drain(
        &self,
        place: &Place,
        mut answer: Opened,
        sink: &mut dyn Sink,
    ) -> Result<u64> {
        let fail = |e: opendal_core::Error| self.error("read", place, &e);
        let wanted = answer.wanted().map_err(fail)?;
        let most = wanted.map_or(u64::MAX, |w| w.end - w.start);
        let mut count = 0;
        loop {
            let piece = match answer.body.read_dyn().await {
                Ok(piece) => piece,
                Err(e) => return self.nothing_there(place, &e).await.map(|()| count),
            };
            if piece.is_empty() {
                return Ok(count);
            }
            count += piece.len() as u64;
            if count > most {
                return Err(fail(wrong_size()));
            }
            sink.put(piece)?;
        }
    }

    /// Pass on all bytes of an answer that has to have so many.
    pub(crate) async fn drain_all(
        &self,
        place: &Place,
        answer: Opened,
        bytes: u64,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let count = self.drain(place, answer, sink).await?;
        self.expect(place, count, bytes)
    }

    async fn fetch_part<S: Sink>(
        &self,
        place: &Place,
        etag: Option<&str>,
        (range, mut sink): (std::ops::Range<u64>, S),
    ) -> Result<()> {
        let bytes = range.end - range.start;
        match self.open(place, range.into(), etag).await? {
            Some(answer) => self.drain_all(place, answer, bytes, &mut sink).await,
            None => self.expect(place, 0, bytes),
        }
    }

    /// Fetch ranges that are known to be inside the object, each into its sink: in tasks of the
    /// shared runtime, some at once, so that more than one core copies. All have ended when
    /// this returns; a cancelled caller waits for that with [`runtime::settled`].
    pub(crate) async fn fetch_parts<S: Sink + 'static>(
        &self,
        place: &Place,
        etag: Option<&str>,
        parts: impl Iterator<Item = (std::ops::Range<u64>, S)> + Send + 'static,
    ) -> Result<()> {
        let mut parts = parts.peekable();
        let Some(first) = parts.next() else {
            return Ok(());
        };
        if parts.peek().is_none() {
            return self.fetch_part(place, etag, first).await;
        }
        let parts = Arc::new(Mutex::new(std::iter::once(first).chain(parts)));
        let mut workers = Workers(JoinSet::new());
        let handle = runtime::handle()?;
        for _ in 0..self.part_concurrency() {
            let (store, place, parts) = (self.clone(), place.clone(), Arc::clone(&parts));
            let etag = etag.map(str::to_owned);
            let work = async move {
                loop {
                    let next = parts.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(next) = next else { return Ok(()) };
                    store.fetch_part(&place, etag.as_deref(), next).await?;
                }
            };
            workers.0.spawn_on(work, &handle);
        }
        while let Some(ended) = workers.0.join_next().await {
            let ended = ended.unwrap_or_else(|e| {
                let why = format!("a part of the read ended early: {e}");
                let why = Error::new(Kind::Unexpected, why);
                Err(why.at("read", &place.path, self.scheme()))
            });
            if ended.is_err() {
                // Whoever is told may use the memory for something else.
                workers.0.shutdown().await;
                return ended;
            }
        }
        Ok(())
    }

    /// All bytes came; or the file became shorter while it was read.
    pub(crate) fn expect(&self, place: &Place, count: u64, bytes: u64) -> Result<()> {
        if count >= bytes {
            return Ok(());
        }
        let why = Error::new(Kind::Changed, "it became shorter");
        Err(why.at("read", &place.path, self.scheme()))
    }

    /// What a failed read means: nothing, where the range lies past the end.
    async fn nothing_there(&self, place: &Place, err: &opendal_core::Error) -> Result<()> {
        match err.kind() {
            // Past the end, or a slice of an empty object.
            ErrorKind::RangeNotSatisfied => Ok(()),
            // A directory deserves its own name; this costs a request only on failure.
            ErrorKind::NotFound
                if self.has_implicit_dirs() && self.has_entries(place).await.unwrap_or(false) =>
            {
                let why = Error::new(Kind::IsADirectory, "");
                Err(why.at("read", &place.path, self.scheme()))
            }
            // Where directories are real, each service has another word for reading one.
            ErrorKind::Unexpected if !self.has_implicit_dirs() => {
                match self.stat(&place.path).await {
                    Ok(info) if info.is_dir => {
                        let why = Error::new(Kind::IsADirectory, "");
                        Err(why.at("read", &place.path, self.scheme()))
                    }
                    _ => Err(self.error("read", place, err)),
                }
            }
            _ => Err(self.error("read", place, err)),
        }
    }
}

fn wrong_size() -> opendal_core::Error {
    let why = "the answer has another size than the range that was asked for";
    opendal_core::Error::new(ErrorKind::Unexpected, why)
}
