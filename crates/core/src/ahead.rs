//! Reading ahead of a reader that goes straight on.
//!
//! The first read of a file fetches what it asks for, and a little more when that is little.
//! When the next one goes on where it ended, what lies behind it is fetched in the background,
//! twice as far each time something is missing there, up to two parts. A jump to elsewhere ends
//! that: random reads fetch what they ask for, nothing else.

use std::collections::VecDeque;

use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::error::{Error, Kind, Result};
use crate::read::ObjectReader;
use crate::runtime::{self, PerProcess};
use crate::span::usize_of;
use crate::target::{Target, lend, memory};

/// Small reads fetch at least so much: lines and headers come in rows.
const BLOCK_BYTES: u64 = 128 << 10;
/// The least that is fetched ahead, once it is.
const MIN_WINDOW_BYTES: u64 = 1 << 20;

/// A reader's look ahead. Empty in a forked child.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    state: PerProcess<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Where the last read ended, once there was one.
    next: Option<u64>,
    /// How far to fetch ahead.
    window: u64,
    /// What is here or on its way, without gaps.
    parts: VecDeque<Part>,
    /// Memory to use again.
    spare: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Part {
    start: u64,
    end: u64,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Coming(JoinHandle<Result<Vec<u8>>>),
    Here(Vec<u8>),
    /// Taken out to be waited for, or failed.
    Gone,
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Content::Coming(task) = &self.content {
            task.abort();
        }
    }
}

impl Part {
    /// The part's bytes, waited for.
    async fn bytes(&mut self) -> Result<&[u8]> {
        if let Content::Coming(task) = &mut self.content {
            let ended = task.await;
            self.content = Content::Gone;
            let ended = ended.map_err(|e| {
                Error::new(Kind::Unexpected, format!("a read ahead ended early: {e}"))
            });
            self.content = Content::Here(ended.flatten()?);
        }
        match &self.content {
            Content::Here(bytes) => Ok(bytes),
            _ => Err(Error::new(Kind::Unexpected, "a read ahead failed before")),
        }
    }
}

impl State {
    fn covered(&self) -> Option<(u64, u64)> {
        Some((self.parts.front()?.start, self.parts.back()?.end))
    }

    /// Let go of what lies before `start`, or of everything when `start` is elsewhere. Whether the
    /// reader goes on: from where it ended, or inside of what is here, as those do who look for
    /// the end of a line.
    fn advance(&mut self, start: u64) -> bool {
        let goes_on = match (self.covered(), self.next) {
            (Some((from, to)), _) => (from..=to).contains(&start),
            (None, next) => next == Some(start),
        };
        if !goes_on {
            self.window = 0;
            self.parts.clear();
            return false;
        }
        while self.parts.front().is_some_and(|p| p.end <= start) {
            if let Some(mut part) = self.parts.pop_front()
                && let Content::Here(bytes) = std::mem::replace(&mut part.content, Content::Gone)
            {
                self.spare.push(bytes);
            }
        }
        true
    }

    /// Fetch `start..end`: in the background, or at once where that takes no time.
    async fn schedule(&mut self, reader: &ObjectReader, start: u64, end: u64) -> Result<()> {
        let len = usize_of(end - start);
        // Memory that fits, used before and so already there.
        let fits = |m: &Vec<u8>| m.capacity() >= len && m.capacity() <= 2 * len;
        let mut room = match self.spare.iter().position(fits) {
            Some(found) => self.spare.swap_remove(found),
            None => memory(len),
        };
        self.spare.truncate(1);
        room.resize(len, 0);
        let is_local = reader.window_bytes() == 0;
        let reader = reader.clone();
        let fetch = async move {
            let (target, lent) = lend(room);
            reader.fill(start, target).await?;
            Ok(lent.take().unwrap_or_default())
        };
        let content = if is_local {
            Content::Here(fetch.await?)
        } else {
            Content::Coming(runtime::spawn(fetch)?)
        };
        self.parts.push_back(Part {
            start,
            end,
            content,
        });
        Ok(())
    }

    /// Copy `start..end`, all of which is here or on its way.
    async fn copy(&mut self, start: u64, end: u64, target: &mut Target) -> Result<()> {
        let mut at = start;
        for part in &mut self.parts {
            let (from, to) = (part.start, part.end.min(end));
            if to <= at {
                continue;
            }
            if from >= end {
                break;
            }
            let bytes = match part.bytes().await {
                Ok(bytes) => bytes,
                Err(e) => {
                    // The next read tries again.
                    self.parts.clear();
                    return Err(e);
                }
            };
            target.fill(&bytes[usize_of(at - from)..usize_of(to - from)]);
            at = to;
        }
        Ok(())
    }

    /// Have everything up to `wanted` fetched or on its way, and the window behind it.
    async fn look_ahead(&mut self, reader: &ObjectReader, wanted: (u64, u64)) -> Result<()> {
        let size = reader.info().size;
        let part = reader.part_bytes();
        let mut at = self.covered().map_or(wanted.0, |(_, to)| to);
        // What this read needs comes in one piece and first.
        let need = wanted.1.max(wanted.0 + BLOCK_BYTES).min(size);
        if at < wanted.1 {
            while at < need {
                let end = (at + part).min(need);
                self.schedule(reader, at, end).await?;
                at = end;
            }
        }
        // Not further than a part and the longest window, whatever the length of this read.
        let most = (wanted.0 + part + reader.window_bytes()).min(size);
        if self.window == 0 || self.missing(at, wanted.1, most, part).is_none() {
            return Ok(());
        }
        self.window = (2 * self.window).min(reader.window_bytes());
        while let Some(end) = self.missing(at, wanted.1, most, part) {
            self.schedule(reader, at, end).await?;
            at = end;
        }
        Ok(())
    }

    /// Where the next part ends that the window lacks. A little that is missing at its end is
    /// no reason to ask.
    fn missing(&self, at: u64, end: u64, most: u64, part: u64) -> Option<u64> {
        let until = (end + self.window).min(most);
        let step = (self.window / 4).max(MIN_WINDOW_BYTES).min(part).max(1);
        let is_worth_it = until.checked_sub(at)? >= step / 2 || (until == most && at < until);
        is_worth_it.then(|| (at + step).min(most))
    }
}

impl Ahead {
    /// Fill `target` with the bytes from `start` on, all of which are inside the file.
    pub(crate) async fn fill(
        &self,
        reader: &ObjectReader,
        start: u64,
        mut target: Target,
    ) -> Result<()> {
        let len = target.len() as u64;
        let end = start + len;
        let state = self.state.get(Mutex::default);
        let mut state = state.lock().await;
        let went_on = state.advance(start);
        let most = reader.window_bytes();
        if went_on && state.window == 0 && state.covered().is_none_or(|(_, to)| to < end) {
            state.window = len.max(MIN_WINDOW_BYTES).min(most);
        }
        state.next = Some(end);
        let here = state.covered().map_or(start, |(_, to)| to.max(start));
        let is_long = len >= most.max(BLOCK_BYTES) || (!went_on && len >= BLOCK_BYTES);
        if is_long && here < end {
            // Nothing to gain from memory in between: long reads come in parallel parts
            // themselves.
            let mut head = target.split_to(usize_of(here - start));
            state.copy(start, here, &mut head).await?;
            state.parts.clear();
            drop(state);
            return reader.fill(here, target).await;
        }
        state.look_ahead(reader, (start, end)).await?;
        state.copy(start, end, &mut target).await
    }
}
