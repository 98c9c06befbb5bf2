//! Open files: a reader pinned to what was opened, a writer that publishes all or nothing.

use std::sync::Arc;

use opendalfs_core::{ObjectReader, ObjectWriter, Target};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyBufferError;
use pyo3::prelude::*;
use tokio::sync::Mutex;

use crate::bridge::{Pace, Pending, awaitable};
use crate::convert::{Names, info_object, none, payload, room};

/// A file open for reading at any offset.
#[pyclass(frozen, module = "opendalfs._core")]
pub(crate) struct Reader {
    inner: ObjectReader,
    pace: Pace,
    names: Names,
}

impl Reader {
    pub(crate) fn new(inner: ObjectReader, pace: Pace, names: Names) -> Self {
        Reader { inner, pace, names }
    }

    /// Bytes `start..end`, cut at the end of the file, straight into the object returned.
    fn bytes(&self, py: Python<'_>, start: u64, end: u64, goes_on: bool) -> PyResult<Pending> {
        let reader = self.inner.clone();
        let len = reader.available(start, end.saturating_sub(start));
        let (made, target) = room(py, usize::try_from(len).unwrap_or(usize::MAX))?;
        let work = async move {
            match goes_on {
                true => reader.fill_ahead(start, target).await,
                false => reader.fill(start, target).await,
            }
        };
        Ok(awaitable(self.pace, work, |_, ()| Ok(made.into_any())))
    }
}

#[pymethods]
impl Reader {
    /// What was opened, as fsspec's info dict.
    #[getter]
    fn info(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        info_object(py, self.inner.info(), self.names)
    }

    /// Bytes `start..end` of the file, cut at its end.
    #[pyo3(signature = (start, end) -> "collections.abc.Awaitable[bytes]")]
    fn read(&self, py: Python<'_>, start: u64, end: u64) -> PyResult<Pending> {
        self.bytes(py, start, end, false)
    }

    /// Like `read`, for a caller who may go on where it ends: what comes next is then fetched in
    /// the background.
    #[pyo3(signature = (start, end) -> "collections.abc.Awaitable[bytes]")]
    fn read_on(&self, py: Python<'_>, start: u64, end: u64) -> PyResult<Pending> {
        self.bytes(py, start, end, true)
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
        let (at, len) = writable(&view)?;
        let reader = self.inner.clone();
        let count = reader.available(start, len as u64);
        #[expect(
            unsafe_code,
            reason = "bytes go from the network into the caller's buffer"
        )]
        // SAFETY: `view` is a view of our own, which keeps the caller's buffer where it is and
        // writable while it lives. That the caller does not read what is being read into is
        // what every `readinto` asks.
        let mut target = unsafe { Target::new(at, len, Arc::new(view.unbind())) };
        let target = target.split_to(usize::try_from(count).unwrap_or(len));
        let work = async move { reader.fill(start, target).await };
        Ok(awaitable(self.pace, work, move |py, ()| {
            Ok(count.into_pyobject(py)?.into_any().unbind())
        }))
    }
}

/// Where a view's bytes begin, and their count.
fn writable(view: &Bound<'_, PyAny>) -> PyResult<(*mut u8, usize)> {
    let buffer = PyBuffer::<u8>::get(view)?;
    if buffer.readonly() {
        return Err(PyBufferError::new_err("the buffer is read-only"));
    }
    if !buffer.is_c_contiguous() {
        return Err(PyBufferError::new_err("the buffer is not contiguous"));
    }
    Ok((buffer.buf_ptr().cast(), buffer.len_bytes()))
}

/// A file open for writing. Dropped without `close()`, it publishes nothing.
#[pyclass(frozen, module = "opendalfs._core")]
pub(crate) struct Writer {
    inner: Arc<Mutex<ObjectWriter>>,
    names: Names,
}

impl Writer {
    pub(crate) fn new(inner: ObjectWriter, names: Names) -> Self {
        Writer {
            names,
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
        let (writer, names) = (Arc::clone(&self.inner), self.names);
        let work = async move { writer.lock().await.close().await };
        awaitable(Pace::Waiting, work, move |py, info| {
            info_object(py, &info, names)
        })
    }

    /// Publish nothing and leave nothing behind.
    #[pyo3(signature = () -> "collections.abc.Awaitable[None]")]
    fn abort(&self) -> Pending {
        let writer = Arc::clone(&self.inner);
        let work = async move { writer.lock().await.abort().await };
        awaitable(Pace::Waiting, work, none)
    }
}
