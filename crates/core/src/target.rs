//! Where the bytes of a read go: memory that is filled in place, or a place in a file.

use std::any::Any;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use opendal_core::Buffer;

use crate::error::{Error, Result};
use crate::span::usize_of;

/// Takes the bytes of one read, in order.
pub(crate) trait Sink: Send {
    /// Take the next bytes.
    ///
    /// # Errors
    /// Those of the place they go to.
    fn put(&mut self, piece: Buffer) -> Result<()>;

    /// Go back by so many bytes, which come again; `false` where that is not possible.
    fn rewind(&mut self, _bytes: u64) -> bool {
        false
    }

    /// Whether it takes more bytes than the first answer spoke of.
    fn grows(&self) -> bool {
        true
    }

    /// All bytes have come.
    fn end(&mut self) {}
}

/// Keeps the pieces as they came.
impl Sink for Vec<Buffer> {
    fn put(&mut self, piece: Buffer) -> Result<()> {
        self.push(piece);
        Ok(())
    }

    fn rewind(&mut self, bytes: u64) -> bool {
        let held: usize = self.iter().map(Buffer::len).sum();
        let is_all = held as u64 == bytes;
        if is_all {
            self.clear();
        }
        is_all
    }
}

/// Memory that belongs to someone else, a Python object say, to be filled from its start.
///
/// Parts can be split off and filled from several tasks at once.
pub struct Target {
    at: *mut u8,
    left: usize,
    filled: usize,
    owner: Arc<dyn Any + Send + Sync>,
}

#[expect(unsafe_code, reason = "the pointer is exclusive, see Target::new")]
// SAFETY: a Target alone may write to its memory, whatever thread it is on; the owner is Send.
unsafe impl Send for Target {}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Target of {} bytes", self.left)
    }
}

#[expect(
    unsafe_code,
    reason = "memory of Python objects is filled without the interpreter, from several tasks"
)]
impl Target {
    /// The memory from `at` on.
    ///
    /// # Safety
    /// `at..at + len` can be written to for as long as `owner` lives, and nobody else reads or
    /// writes it before the last part of this `Target` is dropped.
    pub unsafe fn new(at: *mut u8, len: usize, owner: Arc<dyn Any + Send + Sync>) -> Self {
        Target {
            at,
            left: len,
            filled: 0,
            owner,
        }
    }

    /// Bytes that are still to be filled.
    #[must_use]
    pub fn len(&self) -> usize {
        self.left
    }

    /// Whether nothing is left to fill.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// Split the first `len` bytes off.
    ///
    /// # Panics
    /// When there are fewer.
    #[must_use]
    pub fn split_to(&mut self, len: usize) -> Target {
        assert!(len <= self.left, "a part is no larger than the whole");
        let head = Target {
            at: self.at,
            left: len,
            filled: 0,
            owner: Arc::clone(&self.owner),
        };
        // SAFETY: at most one past the end, by the assertion.
        self.at = unsafe { self.at.add(len) };
        self.left -= len;
        // What was filled before lies before the part that was split off.
        self.filled = 0;
        head
    }

    /// Fill the next bytes.
    ///
    /// # Panics
    /// When they are more than what is left.
    pub fn fill(&mut self, bytes: &[u8]) {
        assert!(
            bytes.len() <= self.left,
            "a read is never longer than asked for"
        );
        // SAFETY: inside the memory by the assertion; exclusive by the contract of `new` and
        // because `split_to` hands out disjoint parts.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.at, bytes.len());
            self.at = self.at.add(bytes.len());
        }
        self.left -= bytes.len();
        self.filled += bytes.len();
    }

    /// Let the last `len` bytes be filled again; `false` when there are fewer.
    fn take_back(&mut self, len: usize) -> bool {
        if len > self.filled {
            return false;
        }
        // SAFETY: not before the start of this part, by the comparison.
        self.at = unsafe { self.at.sub(len) };
        self.left += len;
        self.filled -= len;
        true
    }
}

impl Sink for Target {
    fn put(&mut self, piece: Buffer) -> Result<()> {
        for bytes in piece {
            self.fill(&bytes);
        }
        Ok(())
    }

    fn rewind(&mut self, bytes: u64) -> bool {
        self.take_back(usize_of(bytes))
    }

    fn grows(&self) -> bool {
        false
    }
}

/// Memory of our own that is lent to a [`Target`] and taken back when that is done with it.
#[derive(Debug)]
pub(crate) struct Lent(Arc<Loan>);

#[derive(Debug)]
struct Loan {
    at: *mut u8,
    len: usize,
    capacity: usize,
}

#[expect(unsafe_code, reason = "see Target")]
// SAFETY: the pointer is that of an owned vector; it is used through one Target at a time.
unsafe impl Send for Loan {}
#[expect(unsafe_code, reason = "see Target")]
// SAFETY: a shared Loan gives no access to its memory.
unsafe impl Sync for Loan {}

#[expect(unsafe_code, reason = "see Target")]
impl Drop for Loan {
    fn drop(&mut self) {
        // SAFETY: the parts of the vector taken apart in `lend`, put together once.
        drop(unsafe { Vec::from_raw_parts(self.at, self.len, self.capacity) });
    }
}

/// Lend the bytes of a vector, all of them initialised.
#[expect(unsafe_code, reason = "see Target")]
pub(crate) fn lend(memory: Vec<u8>) -> (Target, Lent) {
    let mut memory = std::mem::ManuallyDrop::new(memory);
    let loan = Arc::new(Loan {
        at: memory.as_mut_ptr(),
        len: memory.len(),
        capacity: memory.capacity(),
    });
    // SAFETY: the memory is freed when the last owner goes; `Lent` gives it back only when no
    // Target has it any more.
    let target = unsafe { Target::new(loan.at, loan.len, Arc::clone(&loan) as _) };
    (target, Lent(loan))
}

impl Lent {
    /// The memory, once no [`Target`] has any of it.
    #[expect(unsafe_code, reason = "see Target")]
    pub(crate) fn take(self) -> Option<Vec<u8>> {
        let loan = std::mem::ManuallyDrop::new(Arc::into_inner(self.0)?);
        // SAFETY: as in `drop`, which ManuallyDrop prevents.
        Some(unsafe { Vec::from_raw_parts(loan.at, loan.len, loan.capacity) })
    }
}

/// Zeroed memory for a read; the system gives large blocks without touching them.
pub(crate) fn memory(len: usize) -> Vec<u8> {
    vec![0; len]
}

/// A place in a local file.
#[derive(Debug)]
pub(crate) struct FilePart {
    pub(crate) file: Arc<File>,
    pub(crate) at: u64,
    /// Names the file in errors.
    pub(crate) path: Arc<Path>,
}

impl Sink for FilePart {
    fn put(&mut self, piece: Buffer) -> Result<()> {
        for bytes in piece {
            write_all_at(&self.file, &bytes, self.at).map_err(|e| {
                Error::from_io(&e).at("get", &self.path.to_string_lossy(), "the local disk")
            })?;
            self.at += bytes.len() as u64;
        }
        Ok(())
    }

    fn rewind(&mut self, bytes: u64) -> bool {
        self.at -= bytes;
        true
    }
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(not(unix))]
fn write_all_at(file: &File, mut bytes: &[u8], mut at: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let n = std::os::windows::fs::FileExt::seek_write(file, bytes, at)?;
        bytes = &bytes[n..];
        at += n as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_filled_each_on_its_own() {
        let (mut target, lent) = lend(memory(5));
        let mut head = target.split_to(2);
        target.fill(b"cde");
        head.fill(b"a");
        head.fill(b"b");
        assert!(head.is_empty() && target.is_empty());
        drop((head, target));
        assert_eq!(lent.take().unwrap(), b"abcde");
    }

    #[test]
    fn what_was_filled_can_be_filled_again_and_no_more() {
        let (mut target, lent) = lend(memory(3));
        target.fill(b"xyz");
        assert!(target.rewind(2) && !target.rewind(2));
        target.fill(b"bc");
        drop(target);
        assert_eq!(lent.take().unwrap(), b"xbc");
    }

    #[test]
    fn memory_is_not_given_back_while_it_may_be_written_to() {
        let (mut target, lent) = lend(memory(5));
        let part = target.split_to(1);
        drop(target);
        assert!(lent.take().is_none());
        drop(part);
    }

    #[test]
    #[should_panic(expected = "never longer")]
    fn more_bytes_than_there_is_room_for_are_refused() {
        let (mut target, _lent) = lend(memory(2));
        target.fill(b"abc");
    }
}
