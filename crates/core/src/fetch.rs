//! Bytes of an object: one answer after another until all are there.
//!
//! The service's reader is asked directly: OpenDAL's `Operator` refuses spans that reach past
//! the end, and drops the metadata that came with the bytes. An answer that breaks off is asked
//! for again from where it broke, held to the version of its beginning.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use opendal_core::options::ReadOptions;
use opendal_core::raw::oio::ReadStreamDyn;
use opendal_core::raw::{OpRead, OpReader};
use opendal_core::{Buffer, BytesRange, ErrorKind, Metadata};
use tokio::task::JoinSet;

use crate::answer::{First, Head, Opened};
use crate::checksum::{Checksum, Parts, Seen, Sum, watched};
use crate::error::{Error, Kind, Result};
use crate::pin::Pin;
use crate::place::Place;
use crate::runtime;
use crate::span::{content_range, usize_of};
use crate::store::Store;
use crate::target::Sink;
use crate::translate::timed_out;

/// Ranges of at most `part` bytes that together are `span`.
pub(crate) fn parts_of(span: Range<u64>, part: usize) -> impl Iterator<Item = Range<u64>> {
    let part = part.max(1);
    let end = span.end;
    span.step_by(part)
        .map(move |at| at..at.saturating_add(part as u64).min(end))
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
    /// Ask for the first part of a range.
    pub(crate) async fn begin(&self, place: &Place, range: BytesRange) -> Result<First> {
        // Whoever wants all of a remote object asks for all: only then does a checksum come. What
        // lies behind the first part is fetched beside it all the same.
        let is_all = range == BytesRange::default() && !self.is_local();
        self.begin_at(place, range, is_all).await
    }

    async fn begin_at(&self, place: &Place, range: BytesRange, is_all: bool) -> Result<First> {
        let part = self.part_bytes() as u64;
        let end = range.offset().saturating_add(part);
        // Servers count in signed numbers; nothing is as long as that.
        let is_one = is_all || range.is_suffix() || end > i64::MAX.unsigned_abs();
        let first = match is_one || range.size().is_some_and(|n| n <= part) {
            true => range,
            false => BytesRange::from(range.offset()..end),
        };
        let opened = match self.open(place, first, &Pin::default()).await {
            // An answer of no known length. That of a part tells how long the whole is.
            Err(e) if is_all && e.to_string().contains("content length") => {
                return Box::pin(self.begin_at(place, BytesRange::from(0..), false)).await;
            }
            other => other?,
        };
        let Some(mut answer) = opened else {
            return Ok(First::Nothing);
        };
        let total = match answer.total() {
            Some(total) => total,
            None if first == range => return Ok(First::Whole(answer)),
            None => self.stat_file("read", &place.path).await?.size,
        };
        let fail = |e| self.error("read", place, &e);
        let span = content_range(range, total).map_err(fail)?;
        let mut end = content_range(first, total).map_err(fail)?.end;
        let mut checksum = None;
        if is_all && end - span.start > 2 * part {
            end = span.start + part;
            answer.stop_at(end);
            checksum = answer.checksum.take().filter(Checksum::can_combine);
        }
        Ok(First::Sized(Head {
            answer,
            span,
            end,
            checksum,
        }))
    }

    /// Fetch all of a read that has begun, each part into the sink made for it. Sinks are made
    /// in the order of the parts.
    pub(crate) async fn finish<S: Sink + 'static>(
        &self,
        place: &Place,
        head: Head,
        mut sink: impl FnMut(Range<u64>) -> S + Send + 'static,
    ) -> Result<()> {
        let Head {
            answer,
            span,
            end,
            checksum,
        } = head;
        let first = span.start..end;
        if end >= span.end {
            return self
                .drain_all(place, answer, end - span.start, &mut sink(first))
                .await;
        }
        let pin = answer.pin().clone();
        let rest = parts_of(end..span.end, self.part_bytes());
        let Some(checksum) = checksum else {
            let mut head_sink = sink(first);
            let head = self.drain_all(place, answer, end - span.start, &mut head_sink);
            let rest = rest.map(move |range| (range.clone(), sink(range)));
            return futures::try_join!(head, self.fetch_parts(place, &pin, rest)).map(drop);
        };
        let sums = Parts::of(&checksum);
        let mut head_sink = sums.summed(span.start, sink(first));
        let head = self.drain_all(place, answer, end - span.start, &mut head_sink);
        let parts = sums.clone();
        let rest = rest.map(move |range| (range.clone(), parts.summed(range.start, sink(range))));
        futures::try_join!(head, self.fetch_parts(place, &pin, rest))?;
        checksum
            .check(sums.whole())
            .map_err(|e| e.at("read", &place.path, self.scheme()))
    }

    /// Ask for a range; nothing when it lies past the end.
    pub(crate) async fn open(
        &self,
        place: &Place,
        range: BytesRange,
        pin: &Pin,
    ) -> Result<Option<Opened>> {
        let mut attempts = self.attempts();
        let answer = attempts.make(|| self.ask(place, range, pin)).await;
        let (metadata, body, seen) = match answer {
            Ok(answer) => answer,
            // OpenDAL's databases refuse a range that reaches past the end, instead of cutting it.
            Err(e) if e.kind() == ErrorKind::RangeNotSatisfied && self.service().is_open => {
                let size = self.stat_file("read", &place.path).await?.size;
                let start = range.offset();
                let end = range.size().map(|n| start.saturating_add(n));
                if start >= size || end.is_none_or(|end| end <= size) {
                    return Ok(None);
                }
                return Box::pin(self.open(place, BytesRange::from(start..size), pin)).await;
            }
            Err(e) => return self.nothing_there(place, &e).await.map(|()| None),
        };
        let pin = match &metadata {
            Some(found) => {
                pin.check(found)
                    .map_err(|e| e.at("read", &place.path, self.scheme()))?;
                Pin::of(found)
            }
            None => pin.clone(),
        };
        let mut opened = Opened {
            range,
            metadata,
            body,
            pin,
            wanted: None,
            is_cut: false,
            count: 0,
            moved: Instant::now(),
            broken_at: None,
            attempts,
            checksum: seen.and_then(|seen| seen.take()),
        };
        let wanted = opened.total().map(|total| content_range(range, total));
        opened.wanted = wanted
            .transpose()
            .map_err(|e| self.error("read", place, &e))?;
        Ok(Some(opened))
    }

    /// One request.
    async fn ask(
        &self,
        place: &Place,
        range: BytesRange,
        pin: &Pin,
    ) -> opendal_core::Result<(Option<Metadata>, Box<dyn ReadStreamDyn>, Option<Seen>)> {
        let options = ReadOptions {
            if_match: pin.etag().filter(|_| place.can_pin()).map(str::to_owned),
            version: place.version.clone(),
            ..Default::default()
        };
        let (_, args, _) = <(BytesRange, OpRead, OpReader)>::from(options);
        let (service, context) = (place.reads().service(), place.reads().context());
        if self.is_local() || range != BytesRange::default() {
            let (answer, body) = service
                .read_dyn(context, &place.key, args)?
                .open_dyn(range)
                .await?;
            return Ok((answer.into_metadata(), body, None));
        }
        let (transport, seen) = watched(context.http_transport().clone());
        let context = context.clone().with_http_transport(transport);
        let (answer, body) = service
            .read_dyn(&context, &place.key, args)?
            .open_dyn(range)
            .await?;
        Ok((answer.into_metadata(), body, Some(seen)))
    }

    /// The next bytes of an answer; where it broke off, of another that goes on there. Nothing
    /// at the end.
    async fn next(&self, place: &Place, answer: &mut Opened) -> Result<Option<Buffer>> {
        loop {
            let left = answer.left();
            if answer.is_cut && left == Some(0) {
                return Ok(None);
            }
            let piece = match answer.broken_at {
                None => answer.body.read_dyn().await,
                // A stall after a break is not to cost more than is left.
                Some(_) => {
                    let patience = answer.attempts.left();
                    tokio::time::timeout(patience, answer.body.read_dyn())
                        .await
                        .unwrap_or_else(|_| Err(timed_out(patience)))
                }
            };
            let err = match piece {
                Ok(piece) if piece.is_empty() => match left {
                    Some(left) if left > 0 => wrong_size().set_temporary(),
                    _ => return Ok(None),
                },
                Ok(mut piece) => {
                    let room = left.unwrap_or(u64::MAX);
                    if room < piece.len() as u64 {
                        if !answer.is_cut {
                            return Err(self.error("read", place, &wrong_size()));
                        }
                        piece = piece.slice(..usize_of(room));
                    }
                    answer.count += piece.len() as u64;
                    answer.moved = Instant::now();
                    return Ok(Some(piece));
                }
                // Nothing is missing.
                Err(_) if left == Some(0) => return Ok(None),
                Err(e) => e,
            };
            if !err.is_temporary() || !self.resume(place, answer).await? {
                return self.nothing_there(place, &err).await.map(|()| None);
            }
        }
    }

    /// Ask for the rest of an answer that broke off; `false` when there is no use or no way.
    async fn resume(&self, place: &Place, answer: &mut Opened) -> Result<bool> {
        if self.is_local() || (answer.count > 0 && !answer.pin.holds()) {
            // What comes now could be of another version.
            return Ok(false);
        }
        let Some(rest) = answer.rest() else {
            return Ok(false);
        };
        if answer.broken_at.replace(answer.count).unwrap_or(0) < answer.count {
            answer.attempts.restart(answer.moved);
        } else if let Some(wait) = answer.attempts.again(None) {
            tokio::time::sleep(wait).await;
        } else {
            return Ok(false);
        }
        let more = self.open(place, rest, &answer.pin);
        let Ok(more) = tokio::time::timeout(answer.attempts.left(), more).await else {
            return Ok(false);
        };
        let Some(more) = more? else {
            let why = Error::new(Kind::Changed, "it became shorter");
            return Err(why.at("read", &place.path, self.scheme()));
        };
        answer.body = more.body;
        Ok(true)
    }

    /// All bytes of an answer.
    pub(crate) async fn collect(&self, place: &Place, answer: Opened) -> Result<Buffer> {
        let mut pieces = Vec::new();
        let left = answer.left().unwrap_or(0);
        // More than the answer said may come: it may have been cut short.
        if self.drain(place, answer, &mut pieces).await? < left {
            return Err(self.error("read", place, &wrong_size()));
        }
        Ok(match pieces.len() {
            1 => pieces.swap_remove(0),
            _ => pieces.into_iter().flatten().collect(),
        })
    }

    /// Pass the bytes of an answer on as they come; the result is their count. Fewer than asked
    /// for is no error here. Bytes that do not fit their checksum are fetched again.
    pub(crate) async fn drain(
        &self,
        place: &Place,
        mut answer: Opened,
        sink: &mut dyn Sink,
    ) -> Result<u64> {
        let checksum = answer.checksum.take();
        let mut attempts = self.attempts();
        let mut sum = checksum.as_ref().map(Checksum::sum);
        loop {
            while let Some(piece) = self.next(place, &mut answer).await? {
                if let Some(sum) = &mut sum {
                    sum.add(&piece);
                }
                sink.put(piece)?;
            }
            let Err(damage) = fits(checksum.as_ref(), sum.clone()) else {
                sink.end();
                let (count, is_cut) = (answer.count, answer.is_cut);
                drop(answer);
                if is_cut {
                    runtime::turn().await;
                }
                return Ok(count);
            };
            if self.has_more(place, &mut answer).await? {
                if !sink.grows() {
                    return Err(self.error("read", place, &wrong_size()));
                }
                if self.resume(place, &mut answer).await? {
                    continue;
                }
            }
            let again = attempts.again(None).filter(|_| sink.rewind(answer.count));
            let Some(wait) = again else {
                return Err(damage.at("read", &place.path, self.scheme()));
            };
            tokio::time::sleep(wait).await;
            match self.open(place, answer.range, &answer.pin).await? {
                Some(anew) => answer = anew,
                None => return Err(damage.at("read", &place.path, self.scheme())),
            }
            answer.checksum = None;
            sum = checksum.as_ref().map(Checksum::sum);
        }
    }

    /// Whether an answer ended before the object does, although it did not say so. To be asked
    /// when its bytes do not fit their checksum.
    async fn has_more(&self, place: &Place, answer: &mut Opened) -> Result<bool> {
        let found = self.stat_file("read", &place.path).await?;
        let Some(metadata) = &found.metadata else {
            return Ok(false);
        };
        if found.size <= answer.count || answer.range != BytesRange::default() {
            return Ok(false);
        }
        // The size of the answer is not that of the object.
        answer.pin = answer.pin.clone().of_size(found.size);
        answer
            .pin
            .check(metadata)
            .map_err(|e| e.at("read", &place.path, self.scheme()))?;
        answer.wanted = Some(0..found.size);
        Ok(true)
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
        pin: &Pin,
        (range, mut sink): (Range<u64>, S),
    ) -> Result<()> {
        let bytes = range.end - range.start;
        match self.open(place, range.into(), pin).await? {
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
        pin: &Pin,
        parts: impl Iterator<Item = (Range<u64>, S)> + Send + 'static,
    ) -> Result<()> {
        let mut parts = parts.peekable();
        let Some(first) = parts.next() else {
            return Ok(());
        };
        if parts.peek().is_none() {
            return self.fetch_part(place, pin, first).await;
        }
        let parts = Arc::new(Mutex::new(std::iter::once(first).chain(parts)));
        let mut workers = Workers(JoinSet::new());
        let handle = runtime::handle()?;
        for _ in 0..self.part_concurrency() {
            let (store, place, parts) = (self.clone(), place.clone(), Arc::clone(&parts));
            let pin = pin.clone();
            let work = async move {
                loop {
                    let next = parts.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(next) = next else { return Ok(()) };
                    store.fetch_part(&place, &pin, next).await?;
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

fn fits(checksum: Option<&Checksum>, sum: Option<Sum>) -> Result<()> {
    match (checksum, sum) {
        (Some(checksum), Some(sum)) => checksum.check(sum),
        _ => Ok(()),
    }
}
