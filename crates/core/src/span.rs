//! Which bytes are meant: Python's slices, and ranges of content whose size is known.

use opendal_core::{BytesRange, ErrorKind};

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
pub(crate) enum Plan {
    Range(BytesRange),
    /// Nothing, if the object exists.
    Empty,
    /// Ends that count from an end nobody knows yet.
    NeedsSize,
}

impl Span {
    pub(crate) fn plan(self) -> Plan {
        match (self.start.unwrap_or(0), self.end) {
            (0, None) => Plan::Range(BytesRange::default()),
            (start, None) if start > 0 => Plan::Range(BytesRange::from(start.unsigned_abs()..)),
            // Servers count in signed numbers.
            (start, None) => {
                let last = start.unsigned_abs().min(i64::MAX.unsigned_abs());
                Plan::Range(BytesRange::suffix(last))
            }
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

/// A size in memory. More than the address space cannot be asked for.
pub(crate) fn usize_of(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
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
