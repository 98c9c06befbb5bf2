//! What is known of an answer to a read while its bytes come.

use std::ops::Range;
use std::time::Instant;

use opendal_core::raw::oio::ReadStreamDyn;
use opendal_core::{BytesRange, Metadata};

use crate::checksum::Checksum;
use crate::pin::Pin;
use crate::retry::Attempts;

/// An answer whose head is here and whose body is on its way.
pub(crate) struct Opened {
    pub(crate) range: BytesRange,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) body: Box<dyn ReadStreamDyn>,
    /// What every answer to this read has to be of.
    pub(crate) pin: Pin,
    /// What of the object is wanted, once that is known.
    pub(crate) wanted: Option<Range<u64>>,
    /// Whether the answer has more than that.
    pub(crate) is_cut: bool,
    /// Bytes passed on.
    pub(crate) count: u64,
    /// When the last of them came.
    pub(crate) moved: Instant,
    /// The count when the answer last broke off.
    pub(crate) broken_at: Option<u64>,
    pub(crate) attempts: Attempts,
    pub(crate) checksum: Option<Checksum>,
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

    /// What other answers have to be held to.
    pub(crate) fn pin(&self) -> &Pin {
        &self.pin
    }

    /// Want no more than the bytes up to `end` of the object: the rest comes otherwise.
    pub(crate) fn stop_at(&mut self, end: u64) {
        if let Some(wanted) = &mut self.wanted
            && end < wanted.end
        {
            wanted.end = end;
            self.is_cut = true;
        }
    }

    /// Bytes that are still to come, if that is known.
    pub(crate) fn left(&self) -> Option<u64> {
        let wanted = self.wanted.as_ref()?;
        Some((wanted.end - wanted.start).saturating_sub(self.count))
    }

    /// The range of what is still to come; nothing where that cannot be said.
    pub(crate) fn rest(&self) -> Option<BytesRange> {
        if let Some(wanted) = &self.wanted {
            return Some(BytesRange::from(wanted.start + self.count..wanted.end));
        }
        let start = self.range.offset() + self.count;
        match self.range.size() {
            _ if self.range.is_suffix() => None,
            Some(size) => Some(BytesRange::from(start..self.range.offset() + size)),
            None => Some(BytesRange::from(start..)),
        }
    }
}

/// A long read whose first answer is on its way and whose size is known.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) answer: Opened,
    /// All that is wanted.
    pub(crate) span: Range<u64>,
    /// Where the first answer ends.
    pub(crate) end: u64,
    /// What all parts together have to add up to.
    pub(crate) checksum: Option<Checksum>,
}

impl Head {
    /// Whether all of it is in the first answer, and less than `bytes`.
    pub(crate) fn is_short(&self, bytes: u64) -> bool {
        self.end == self.span.end && self.end - self.span.start < bytes
    }

    /// The first answer alone.
    pub(crate) fn into_answer(self) -> Opened {
        self.answer
    }
}

/// What is known of a read after its first answer.
pub(crate) enum First {
    /// There are no such bytes.
    Nothing,
    /// All that was asked for is in this answer; the service does not tell how much that is.
    Whole(Opened),
    /// The size is known.
    Sized(Head),
}
