//! Values that cross the border.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opendalfs_core::{Buffer, Error, Info, Result, Target};
use pyo3::exceptions::PyMemoryError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};

use crate::errors::exception;

/// The bytes of a buffer, or of each buffer of a list. `bytes` cross without a copy: they cannot
/// change. Everything else is copied once, here.
pub(crate) fn payload(data: &Bound<'_, PyAny>) -> PyResult<Buffer> {
    match data.cast::<PyList>() {
        Ok(pieces) => pieces
            .iter()
            .map(|piece| fixed(&piece))
            .collect::<PyResult<Vec<Bytes>>>()
            .map(Buffer::from),
        Err(_) => fixed(data).map(Buffer::from),
    }
}

fn fixed(data: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    static MEMORYVIEW: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = data.py();
    let fixed = match data.cast::<PyBytes>() {
        Ok(bytes) => bytes.clone(),
        Err(_) => MEMORYVIEW
            .import(py, "builtins", "memoryview")?
            .call1((data,))?
            .call_method0(intern!(py, "tobytes"))?
            .cast_into::<PyBytes>()?,
    };
    Ok(Bytes::from_owner(PyBackedBytes::from(fixed)))
}

/// A `bytes` object that is still to be filled, and the way to fill it, from any thread. Nobody
/// else has the object before it is full.
#[expect(
    unsafe_code,
    reason = "PyO3's own way zeroes the memory first, and fills it attached"
)]
pub(crate) fn room(py: Python<'_>, len: usize) -> PyResult<(Py<PyBytes>, Target)> {
    let size = pyo3::ffi::Py_ssize_t::try_from(len)
        .map_err(|_| PyMemoryError::new_err("more bytes than there is memory for"))?;
    // SAFETY: a null pointer asks for memory without content; a null result is an error.
    let made = unsafe {
        let made = pyo3::ffi::PyBytes_FromStringAndSize(std::ptr::null(), size);
        Bound::from_owned_ptr_or_err(py, made)?.cast_into_unchecked::<PyBytes>()
    };
    // SAFETY: the object is one of `bytes`.
    let at = unsafe { pyo3::ffi::PyBytes_AsString(made.as_ptr()) }.cast::<u8>();
    let made = made.unbind();
    let owner = Arc::new(made.clone_ref(py));
    // SAFETY: the memory is that of the object, which the owner keeps; the other reference
    // stays with the caller, who shows it to nobody before the read is over.
    let target = unsafe { Target::new(at, len, owner) };
    Ok((made, target))
}

/// `bytes` of a buffer: one copy.
pub(crate) fn bytes_object(py: Python<'_>, data: Buffer) -> PyResult<Py<PyAny>> {
    let (made, mut target) = room(py, data.len())?;
    for piece in data {
        target.fill(&piece);
    }
    Ok(made.into_any())
}

/// The first `count` bytes of an object that was to be filled.
pub(crate) fn filled(py: Python<'_>, made: Py<PyBytes>, count: usize) -> PyResult<Py<PyAny>> {
    let bytes = made.bind(py).as_bytes();
    if count == bytes.len() {
        return Ok(made.into_any());
    }
    Ok(PyBytes::new(py, &bytes[..count]).into_any().unbind())
}

/// A time since 1970 as a `datetime` with zone.
fn datetime(py: Python<'_>, at: Duration) -> PyResult<Bound<'_, PyAny>> {
    static MAKE: PyOnceLock<(Py<PyAny>, Py<PyAny>)> = PyOnceLock::new();
    let (make, utc) = MAKE.get_or_try_init(py, || {
        let module = py.import("datetime")?;
        let make = module.getattr("datetime")?.getattr("fromtimestamp")?;
        let utc = module.getattr("timezone")?.getattr("utc")?;
        PyResult::Ok((make.unbind(), utc.unbind()))
    })?;
    make.bind(py).call1((at.as_secs_f64(), utc))
}

/// Whose names an info has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// fsspec's, and those of what the service tells.
    Fsspec,
    /// Beside them those that s3fs takes over from S3's API.
    S3,
}

/// fsspec's dict for a file or directory.
pub(crate) fn info_object(py: Python<'_>, info: &Info, names: Names) -> PyResult<Py<PyAny>> {
    let out = PyDict::new(py);
    let name = PyString::new(py, &info.name);
    let size = info.size.into_pyobject(py)?;
    out.set_item(intern!(py, "name"), &name)?;
    out.set_item(intern!(py, "size"), &size)?;
    if names == Names::S3 {
        out.set_item(intern!(py, "Key"), &name)?;
        out.set_item(intern!(py, "Size"), &size)?;
        if info.is_dir {
            out.set_item(intern!(py, "StorageClass"), intern!(py, "DIRECTORY"))?;
        }
    }
    let kind = if info.is_dir {
        intern!(py, "directory")
    } else {
        intern!(py, "file")
    };
    out.set_item(intern!(py, "type"), kind)?;
    if let Some(at) = info.last_modified() {
        let at = datetime(py, at)?;
        out.set_item(intern!(py, "mtime"), &at)?;
        out.set_item(intern!(py, "LastModified"), &at)?;
    }
    let Some(metadata) = info.metadata.as_ref().filter(|_| !info.is_dir) else {
        return Ok(out.into_any().unbind());
    };
    if let Some(etag) = metadata.etag() {
        out.set_item(intern!(py, "ETag"), etag)?;
    }
    if let Some(version) = metadata.version() {
        let version = PyString::new(py, version);
        out.set_item(intern!(py, "version_id"), &version)?;
        out.set_item(intern!(py, "VersionId"), version)?;
    }
    if let Some(kind) = metadata.content_type() {
        out.set_item(intern!(py, "ContentType"), kind)?;
    }
    if let Some(encoding) = metadata.content_encoding() {
        out.set_item(intern!(py, "ContentEncoding"), encoding)?;
    }
    if let Some(control) = metadata.cache_control() {
        out.set_item(intern!(py, "CacheControl"), control)?;
    }
    if let Some(disposition) = metadata.content_disposition() {
        out.set_item(intern!(py, "ContentDisposition"), disposition)?;
    }
    if metadata.is_deleted() {
        out.set_item(intern!(py, "IsDeleteMarker"), true)?;
    }
    if let (Some(latest), Some(_)) = (metadata.is_current(), metadata.version()) {
        out.set_item(intern!(py, "IsLatest"), latest)?;
    }
    for (name, value) in info.told() {
        out.set_item(name, value)?;
    }
    if let Some(user) = info.user_metadata() {
        let dict = PyDict::new(py);
        for (key, value) in user {
            dict.set_item(key, value)?;
        }
        if !dict.is_empty() {
            out.set_item(intern!(py, "Metadata"), dict)?;
        }
    }
    Ok(out.into_any().unbind())
}

pub(crate) fn infos_object(py: Python<'_>, infos: &[Info], names: Names) -> PyResult<Py<PyAny>> {
    let out = PyList::empty(py);
    for info in infos {
        out.append(info_object(py, info, names)?)?;
    }
    Ok(out.into_any().unbind())
}

pub(crate) fn names_object(py: Python<'_>, names: Vec<String>) -> PyResult<Py<PyAny>> {
    Ok(PyList::new(py, names)?.into_any().unbind())
}

/// One object or exception for each outcome of a bulk call.
pub(crate) fn outcomes<T>(
    py: Python<'_>,
    results: impl IntoIterator<Item = Result<T>>,
    convert: impl Fn(Python<'_>, T) -> PyResult<Py<PyAny>>,
) -> PyResult<Py<PyAny>> {
    let out = PyList::empty(py);
    for result in results {
        out.append(outcome(py, result, &convert)?)?;
    }
    Ok(out.into_any().unbind())
}

pub(crate) fn outcome<T>(
    py: Python<'_>,
    result: Result<T, Error>,
    convert: impl Fn(Python<'_>, T) -> PyResult<Py<PyAny>>,
) -> PyResult<Py<PyAny>> {
    match result {
        Ok(value) => convert(py, value),
        Err(err) => Ok(exception(py, &err)?.unbind()),
    }
}

pub(crate) fn none(py: Python<'_>, (): ()) -> PyResult<Py<PyAny>> {
    Ok(py.None())
}
