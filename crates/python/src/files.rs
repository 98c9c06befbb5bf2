//! Open files: a reader pinned to what was opened, a writer that publishes all or nothing.

use std::sync::Arc;

use opendalfs_core::{ObjectReader, ObjectWriter};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::prelude::*;
use tokio::sync::Mutex;

use crate::bridge::{Pace, Pending, awaitable};
use crate::convert::{bytes_object, info_object, none, payload};

/// A file open for reading at any offset.
#[pyclass(frozen, module = "opendalfs._core")]
pub(crate) struct Reader {
    inner: ObjectReader,
    pace: Pace,
}

impl Reader {
    pub(crate) fn new(inner: ObjectReader, pace: Pace) -> Self {
        Reader { inner, pace }
    }
}

#[pymethods]
impl Reader {
    /// What was opened, as fsspec's info dict.
    #[getter]
    fn info(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        info_object(py, self.inner.info())
    }

    /// Bytes `start..end` of the file, cut at its end.
    #[pyo3(signature = (start, end) -> "collections.abc.Awaitable[bytes]")]
    fn read(&self, start: u64, end: u64) -> Pending {
        let reader = self.inner.clone();
        awaitable(
            self.pace,
            async move { reader.read(start, end).await },
            bytes_object,
        )
    }

    /// Fill a writable buffer from `start` on; the result is the count of bytes.
    #[pyo3(signature = (buffer, start) -> "collections.abc.Awaitable[int]")]
    fn read_into(
        &self,
        py: Python<'_>,
        buffer: &Bound<'_, PyAny>,
        start: u64,
    ) -> PyResult<Pending> {
        let view = py
            .import("builtins")?
            .call_method1("memoryview", (buffer,))?
            .call_method1("cast", ("B",))?;
        let target = PyBuffer::<u8>::get(&view)?;
        if target.readonly() {
            return Err(PyBufferError::new_err("the buffer is read-only"));
        }
        if !target.is_c_contiguous() {
            return Err(PyBufferError::new_err("the buffer is not contiguous"));
        }
        let end = start
            .checked_add(target.item_count() as u64)
            .ok_or_else(|| PyValueError::new_err("the range ends past 2**64"))?;
        let reader = self.inner.clone();
        Ok(awaitable(
            self.pace,
            async move { reader.read(start, end).await },
            // From the network's pieces into the caller's buffer: the one copy.
            move |py, data| {
                let mut at = 0;
                for piece in data {
                    copy_into(py, &target, at, &piece);
                    at += piece.len();
                }
                Ok(at.into_pyobject(py)?.into_any().unbind())
            },
        ))
    }
}

/// A file open for writing. Dropped without `close()`, it publishes nothing.
#[pyclass(frozen, module = "opendalfs._core")]
pub(crate) struct Writer {
    inner: Arc<Mutex<ObjectWriter>>,
}

impl Writer {
    pub(crate) fn new(inner: ObjectWriter) -> Self {
        Writer {
            inner: Arc::new(Mutex::new(inner)),
        }
    }
}

#[pymethods]
impl Writer {
    /// Hand over bytes; done when they are queued.
    #[pyo3(signature = (data) -> "collections.abc.Awaitable[None]")]
    fn write(&self, data: &Bound<'_, PyAny>) -> PyResult<Pending> {
        let (writer, data) = (Arc::clone(&self.inner), payload(data)?);
        let work = async move { writer.lock().await.write(data).await };
        Ok(awaitable(Pace::Waiting, work, none))
    }

    /// Publish the file; the result is its info.
    #[pyo3(signature = () -> "collections.abc.Awaitable[dict[str, typing.Any]]")]
    fn close(&self) -> Pending {
        let writer = Arc::clone(&self.inner);
        let work = async move { writer.lock().await.close().await };
        awaitable(Pace::Waiting, work, |py, info| info_object(py, &info))
    }

    /// Publish nothing and leave nothing behind.
    #[pyo3(signature = () -> "collections.abc.Awaitable[None]")]
    fn abort(&self) -> Pending {
        let writer = Arc::clone(&self.inner);
        let work = async move { writer.lock().await.abort().await };
        awaitable(Pace::Waiting, work, none)
    }
}

/// Copy bytes into a Python buffer at an offset.
#[expect(
    unsafe_code,
    reason = "PyBuffer has no sound safe way to write: Python may share the memory"
)]
fn copy_into(_attached: Python<'_>, target: &PyBuffer<u8>, at: usize, bytes: &[u8]) {
    assert!(
        at + bytes.len() <= target.len_bytes(),
        "a read is never longer than asked for"
    );
    // SAFETY: the buffer is writable, contiguous (both checked when it was taken) and held by
    // `target`; the range lies inside (asserted); no reference to it exists, and the attached
    // thread makes this write one that Python's own threads are ordered with.
    unsafe {
        let start = target.buf_ptr().cast::<u8>().add(at);
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), start, bytes.len());
    }
}
