//! Bulk transfers that report what they move.

use std::sync::Arc;

use opendalfs_core::{Event, Transfer as CoreTransfer};
use pyo3::prelude::*;
use pyo3::types::PyList;
use tokio::sync::Mutex;

use crate::bridge::{Pace, Pending, awaitable};
use crate::convert::{none, outcome};

/// A bulk transfer under way. Dropping it ends it.
#[pyclass(frozen, module = "opendalfs._core")]
pub(crate) struct Transfer {
    inner: Arc<Mutex<CoreTransfer>>,
}

impl Transfer {
    pub(crate) fn new(inner: CoreTransfer) -> Self {
        Transfer {
            inner: Arc::new(Mutex::new(inner)),
        }
    }
}

#[pymethods]
impl Transfer {
    /// What happened since the last call: `(kind, index, value)` with kind `"total"` or
    /// `"moved"` (value: bytes) or `"done"` (value: None or an exception). Empty at the end.
    #[pyo3(signature = () -> "collections.abc.Awaitable[list[tuple[str, int, typing.Any]]]")]
    fn next(&self) -> Pending {
        let transfer = Arc::clone(&self.inner);
        let work = async move { Ok(transfer.lock().await.next().await) };
        awaitable(Pace::Waiting, work, |py, events| {
            let out = PyList::empty(py);
            for event in events {
                match event {
                    Event::Total(index, bytes) => out.append(("total", index, bytes))?,
                    Event::Moved(index, bytes) => out.append(("moved", index, bytes))?,
                    Event::Done(index, result) => {
                        out.append(("done", index, outcome(py, result, none)?))?
                    }
                }
            }
            Ok(out.into_any().unbind())
        })
    }
}
