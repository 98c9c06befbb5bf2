//! What some services have beside files: versions, tags, access control, unfinished uploads.

use std::collections::HashMap;

use opendalfs_core::{Store as CoreStore, Upload};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::bridge::{Pace, Pending, awaitable};
use crate::convert::{Names, infos_object, none, outcomes};
use crate::store::write_options;

/// Calls of a store beyond those on files. `Unsupported` where the service has none of the kind.
#[pyclass(frozen, module = "opendalfs._core")]
pub(crate) struct Extras {
    inner: CoreStore,
    names: Names,
}

impl Extras {
    pub(crate) fn new(inner: CoreStore, names: Names) -> Self {
        Extras { inner, names }
    }
}

#[pymethods]
impl Extras {
    /// The versions and delete markers of a file, the latest first.
    #[pyo3(signature = (path) -> "collections.abc.Awaitable[list[dict[str, typing.Any]]]")]
    fn versions(&self, path: String) -> Pending {
        let (store, names) = (self.inner.clone(), self.names);
        let work = async move { store.versions(&path).await };
        awaitable(Pace::Waiting, work, move |py, infos| {
            infos_object(py, &infos, names)
        })
    }

    /// Entries of a directory, each file once for each of its versions and delete markers.
    #[pyo3(signature = (path) -> "collections.abc.Awaitable[list[dict[str, typing.Any]]]")]
    fn list_versions(&self, path: String) -> Pending {
        let (store, names) = (self.inner.clone(), self.names);
        let work = async move { store.list_versions(&path).await };
        awaitable(Pace::Waiting, work, move |py, infos| {
            infos_object(py, &infos, names)
        })
    }

    /// Make an old version the current one: that of the path, or the last before a deletion.
    #[pyo3(signature = (path) -> "collections.abc.Awaitable[None]")]
    fn restore(&self, path: String) -> Pending {
        let store = self.inner.clone();
        let work = async move { store.restore(&path).await };
        awaitable(Pace::Waiting, work, none)
    }

    /// Make one file of others, in their order.
    #[pyo3(signature = (path, sources, **options) -> "collections.abc.Awaitable[None]")]
    fn merge(
        &self,
        path: String,
        sources: Vec<String>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Pending> {
        let how = write_options(options)?;
        let store = self.inner.clone();
        let work = async move { store.merge(&path, &sources, &how).await };
        Ok(awaitable(Pace::Waiting, work, none))
    }

    /// The tags of a file.
    #[pyo3(signature = (path) -> "collections.abc.Awaitable[dict[str, str]]")]
    fn tags(&self, path: String) -> Pending {
        let store = self.inner.clone();
        let work = async move { store.tags(&path).await };
        awaitable(Pace::Waiting, work, |py, tags| {
            let out = PyDict::new(py);
            for (name, value) in tags {
                out.set_item(name, value)?;
            }
            Ok(out.into_any().unbind())
        })
    }

    /// Give a file these tags; with `merge`, beside those it has.
    #[pyo3(signature = (path, tags, merge) -> "collections.abc.Awaitable[None]")]
    fn put_tags(&self, path: String, tags: HashMap<String, String>, merge: bool) -> Pending {
        let store = self.inner.clone();
        let work = async move {
            let tags = tags.into_iter().collect();
            store.put_tags(&path, tags, merge).await
        };
        awaitable(Pace::Waiting, work, none)
    }

    /// Say by a word of the service who may use files or buckets; an exception in place of each
    /// that failed.
    #[pyo3(signature = (paths, acl) -> "collections.abc.Awaitable[list[typing.Any]]")]
    fn set_acl(&self, paths: Vec<String>, acl: String) -> Pending {
        let store = self.inner.clone();
        let work = async move { Ok(store.set_acl(paths, &acl).await) };
        awaitable(Pace::Waiting, work, |py, results| {
            outcomes(py, results, none)
        })
    }

    /// Give up all unfinished uploads of a bucket.
    #[pyo3(signature = (bucket) -> "collections.abc.Awaitable[None]")]
    fn clear_uploads(&self, bucket: String) -> Pending {
        let store = self.inner.clone();
        let work = async move { store.clear_uploads(&bucket).await };
        awaitable(Pace::Waiting, work, none)
    }

    /// Whether a bucket keeps versions.
    #[pyo3(signature = (bucket) -> "collections.abc.Awaitable[bool]")]
    fn is_versioned(&self, bucket: String) -> Pending {
        let store = self.inner.clone();
        let work = async move { store.is_versioned(&bucket).await };
        awaitable(Pace::Waiting, work, |py, answer| {
            Ok(answer.into_pyobject(py)?.to_owned().into_any().unbind())
        })
    }

    /// Have a bucket keep versions, or no longer.
    #[pyo3(signature = (bucket, versioned) -> "collections.abc.Awaitable[None]")]
    fn set_versioned(&self, bucket: String, versioned: bool) -> Pending {
        let store = self.inner.clone();
        let work = async move { store.set_versioned(&bucket, versioned).await };
        awaitable(Pace::Waiting, work, none)
    }

    /// The unfinished uploads of a bucket: `Key`, `UploadId` and `Initiated` of each.
    #[pyo3(signature = (bucket) -> "collections.abc.Awaitable[list[dict[str, str]]]")]
    fn uploads(&self, bucket: String) -> Pending {
        let store = self.inner.clone();
        let work = async move { store.uploads(&bucket).await };
        awaitable(Pace::Waiting, work, |py, uploads: Vec<Upload>| {
            let out = PyList::empty(py);
            for upload in uploads {
                let item = PyDict::new(py);
                item.set_item("Key", upload.key)?;
                item.set_item("UploadId", upload.id)?;
                item.set_item("Initiated", upload.initiated)?;
                out.append(item)?;
            }
            Ok(out.into_any().unbind())
        })
    }

    /// Give up one unfinished upload.
    #[pyo3(signature = (path, id) -> "collections.abc.Awaitable[None]")]
    fn abort_upload(&self, path: String, id: String) -> Pending {
        let store = self.inner.clone();
        let work = async move { store.abort_upload(&path, &id).await };
        awaitable(Pace::Waiting, work, none)
    }

    /// Forget where buckets were found to be.
    fn forget_regions(&self) {
        self.inner.forget_regions();
    }
}
