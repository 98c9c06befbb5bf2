//! The house's errors as Python's: the classes of `opendalfs/errors.py`, raised from here.

use opendalfs_core::Error;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyModule;

static CLASSES: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
static ERRNO: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

fn module<'py>(
    py: Python<'py>,
    cell: &PyOnceLock<Py<PyModule>>,
    name: &str,
) -> PyResult<Bound<'py, PyModule>> {
    let found = cell.get_or_try_init(py, || py.import(name).map(Bound::unbind))?;
    Ok(found.bind(py).clone())
}

/// The exception object for an error: `(errno, text, path)` as every `OSError` has them.
pub(crate) fn exception<'py>(py: Python<'py>, err: &Error) -> PyResult<Bound<'py, PyAny>> {
    let class = module(py, &CLASSES, "opendalfs.errors")?.getattr(err.kind().class_name())?;
    let code: i32 = match err.os_code() {
        Some(code) => code,
        None => module(py, &ERRNO, "errno")?
            .getattr(err.kind().errno_name())?
            .extract()?,
    };
    let path = (!err.path().is_empty()).then(|| err.path());
    class.call1((code, err.to_string(), path))
}

/// The error, ready to be raised.
pub(crate) fn raise(py: Python<'_>, err: &Error) -> PyErr {
    match exception(py, err) {
        Ok(e) => PyErr::from_value(e),
        Err(e) => e,
    }
}
