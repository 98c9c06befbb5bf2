//! The store: paths in, awaitables out.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use opendalfs_core::{
    Begun, Buffer, Got, Info, Job, Span, Store as CoreStore, Wanted, WriteOptions,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::bridge::{Pace, Pending, Step, awaitable, staged, work};
use crate::convert::{
    Names, bytes_object, filled, info_object, infos_object, names_object, none, outcomes, payload,
    room,
};
use crate::errors::raise;
use crate::extras::Extras;
use crate::files::{Reader, Writer};
use crate::transfer::Transfer;

/// Slices up to this size get an object to be filled before they are asked for; a longer one may
/// reach far past the end of a small file.
const MAX_ROOM_BYTES: usize = 1 << 20;

/// One configured place to keep objects. Every method that talks to it returns an awaitable
/// that also has `wait()`.
#[pyclass(frozen, module = "opendalfs._core")]
pub(crate) struct Store {
    inner: CoreStore,
    pace: Pace,
    names: Names,
}

/// Keyword arguments of writes; `None` values count as not given.
pub(crate) fn write_options(kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<WriteOptions> {
    let mut out = WriteOptions::default();
    let Some(kwargs) = kwargs else { return Ok(out) };
    for (name, value) in kwargs {
        if value.is_none() {
            continue;
        }
        let name: String = name.extract()?;
        match name.as_str() {
            "if_not_exists" => out.if_not_exists = value.extract()?,
            "append" => out.append = value.extract()?,
            "content_type" => out.content_type = Some(value.extract()?),
            "cache_control" => out.cache_control = Some(value.extract()?),
            "content_encoding" => out.content_encoding = Some(value.extract()?),
            "content_disposition" => out.content_disposition = Some(value.extract()?),
            "metadata" => {
                let pairs: HashMap<String, String> = value.extract()?;
                out.metadata = Some(pairs.into_iter().collect());
            }
            "part_bytes" => out.part_bytes = Some(value.extract()?),
            _ => {
                return Err(PyValueError::new_err(format!(
                    "unknown option {name:?} of a write"
                )));
            }
        }
    }
    Ok(out)
}

fn jobs(kind: &str, pairs: Vec<(String, String)>) -> PyResult<Vec<Job>> {
    let make = match kind {
        "get" => |(from, to): (String, String)| Job::Download(from, PathBuf::from(to)),
        "put" => |(from, to): (String, String)| Job::Upload(PathBuf::from(from), to),
        "copy" => |(from, to): (String, String)| Job::Copy(from, to),
        _ => {
            return Err(PyValueError::new_err(format!(
                "unknown kind of transfer {kind:?}"
            )));
        }
    };
    Ok(pairs.into_iter().map(make).collect())
}

impl Store {
    /// The pace of looks at one key.
    fn quick(&self) -> Pace {
        match self.pace {
            Pace::Immediate => Pace::Instant,
            pace => pace,
        }
    }
}

#[pymethods]
impl Store {
    /// A store of `scheme`. Options are text by name; no request is made.
    #[new]
    fn new(py: Python<'_>, scheme: &str, options: HashMap<String, String>) -> PyResult<Self> {
        let pairs = options.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        let inner = CoreStore::new(scheme, pairs).map_err(|e| raise(py, &e))?;
        let pace = match inner.scheme() {
            "memory" => Pace::Immediate,
            "fs" => Pace::Prompt,
            _ => Pace::Waiting,
        };
        let names = match inner.scheme() {
            "s3" => Names::S3,
            _ => Names::Fsspec,
        };
        Ok(Store { inner, pace, names })
    }

    fn __repr__(&self) -> String {
        format!("<opendalfs._core.Store {}>", self.inner.scheme())
    }

    /// Whether the first segment of a path names a bucket or container.
    #[getter]
    fn has_containers(&self) -> bool {
        self.inner.has_containers()
    }

    /// Whether names begin with a slash.
    #[getter]
    fn is_absolute(&self) -> bool {
        self.inner.is_absolute()
    }

    /// Whether the content is on this machine.
    #[getter]
    fn is_local(&self) -> bool {
        self.inner.is_local()
    }

    /// Whether directories exist only as prefixes of keys.
    #[getter]
    fn has_implicit_dirs(&self) -> bool {
        self.inner.has_implicit_dirs()
    }

    /// This store with some options changed, for single calls.
    #[pyo3(name = "with_options")]
    fn changed(&self, py: Python<'_>, changes: HashMap<String, String>) -> PyResult<Store> {
        let changed = self.inner.with(changes.into_iter().collect());
        Ok(Store {
            inner: changed.map_err(|e| raise(py, &e))?,
            pace: self.pace,
            names: self.names,
        })
    }

    /// Calls beyond those on files.
    #[getter]
    fn extras(&self) -> Extras {
        Extras::new(self.inner.clone(), self.names)
    }

    /// What the service can do, by name.
    #[pyo3(signature = () -> "dict[str, bool]")]
    fn capabilities(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let out = PyDict::new(py);
        for (name, value) in self.inner.capabilities().map_err(|e| raise(py, &e))? {
            out.set_item(name, value)?;
        }
        Ok(out.into_any().unbind())
    }

    /// The info of a directory that is there because of the keys below it.
    #[pyo3(signature = (path) -> "dict[str, typing.Any]")]
    fn implied(&self, py: Python<'_>, path: String) -> PyResult<Py<PyAny>> {
        info_object(py, &Info::directory(path), self.names)
    }

    /// Look up a file or directory.
    #[pyo3(signature = (path) -> "collections.abc.Awaitable[dict[str, typing.Any]]")]
    fn stat(&self, path: String) -> Pending {
        let (store, names) = (self.inner.clone(), self.names);
        let work = async move { store.stat(&path).await };
        awaitable(self.quick(), work, move |py, info| {
            info_object(py, &info, names)
        })
    }

    /// Entries of a directory; of a file, the file itself.
    #[pyo3(signature = (path) -> "collections.abc.Awaitable[list[dict[str, typing.Any]]]")]
    fn list(&self, path: String) -> Pending {
        let (store, names) = (self.inner.clone(), self.names);
        let work = async move { store.list(&path).await };
        awaitable(self.pace, work, move |py, infos| {
            infos_object(py, &infos, names)
        })
    }

    /// Everything below a directory whose name begins with `path/prefix`, `depth` levels down.
    #[pyo3(signature = (path, prefix = String::new(), depth = None) -> "collections.abc.Awaitable[list[dict[str, typing.Any]]]")]
    fn find(&self, path: String, prefix: String, depth: Option<usize>) -> Pending {
        let (store, names) = (self.inner.clone(), self.names);
        let work = async move { store.find(&path, &prefix, depth).await };
        awaitable(self.pace, work, move |py, infos| {
            infos_object(py, &infos, names)
        })
    }

    /// The names of `list`, sorted.
    #[pyo3(signature = (path) -> "collections.abc.Awaitable[list[str]]")]
    fn list_names(&self, path: String) -> Pending {
        let store = self.inner.clone();
        let work = async move { store.list_names(&path).await };
        awaitable(self.pace, work, names_object)
    }

    /// The names of the files of `find`, sorted.
    #[pyo3(signature = (path, prefix = String::new(), depth = None) -> "collections.abc.Awaitable[list[str]]")]
    fn find_names(&self, path: String, prefix: String, depth: Option<usize>) -> Pending {
        let store = self.inner.clone();
        let work = async move { store.find_names(&path, &prefix, depth).await };
        awaitable(self.pace, work, names_object)
    }

    /// Bytes of a file, or a slice of them as Python means it.
    #[pyo3(signature = (path, start = None, end = None) -> "collections.abc.Awaitable[bytes]")]
    fn read(&self, path: String, start: Option<i64>, end: Option<i64>) -> Pending {
        let store = self.inner.clone();
        let begin = async move { store.begin_read(&path, Span { start, end }).await };
        staged(
            self.quick(),
            work(begin, |py, begun| match begun {
                Begun::Whole(bytes) => bytes_object(py, bytes).map(Step::Done),
                // Straight from the network into the object that is returned.
                Begun::Sized(read) => {
                    let len = usize::try_from(read.len()).unwrap_or(usize::MAX);
                    let (made, target) = room(py, len)?;
                    let fill = read.fill(target);
                    Ok(Step::More(work(fill, |_, ()| {
                        Ok(Step::Done(made.into_any()))
                    })))
                }
            }),
        )
    }

    /// Many slices at once; an exception in place of each that failed. Slices of one file with
    /// at most `max_gap` bytes between them share requests.
    #[pyo3(signature = (spans, max_gap = None) -> "collections.abc.Awaitable[list[typing.Any]]")]
    fn read_many(
        &self,
        py: Python<'_>,
        spans: Vec<(String, Option<i64>, Option<i64>)>,
        max_gap: Option<u64>,
    ) -> PyResult<Pending> {
        let store = self.inner.clone();
        let (mut wanted, mut rooms) = (Vec::new(), Vec::new());
        for (path, start, end) in spans {
            let len = match (start, end) {
                (Some(s), Some(e)) if s >= 0 && e > s => usize::try_from(e - s).ok(),
                _ => None,
            };
            let (made, room) = match len.filter(|n| *n <= MAX_ROOM_BYTES) {
                Some(len) => room(py, len).map(|(made, room)| (Some(made), Some(room)))?,
                None => (None, None),
            };
            rooms.push(made);
            wanted.push(Wanted {
                path,
                span: Span { start, end },
                room,
            });
        }
        let work = async move { Ok(store.read_many(wanted, max_gap).await) };
        Ok(awaitable(self.pace, work, |py, results| {
            let results = results
                .into_iter()
                .zip(rooms)
                .map(|(r, room)| r.map(|r| (r, room)));
            outcomes(py, results, |py, (got, room)| match (got, room) {
                (Got::Filled(count), Some(room)) => filled(py, room, count),
                (Got::Bytes(bytes), _) => bytes_object(py, bytes),
                (Got::Filled(_), None) => bytes_object(py, Buffer::new()),
            })
        }))
    }

    /// Write a whole file.
    #[pyo3(signature = (path, data, **options) -> "collections.abc.Awaitable[dict[str, typing.Any]]")]
    fn write(
        &self,
        path: String,
        data: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Pending> {
        let (data, how) = (payload(data)?, write_options(options)?);
        let (store, names) = (self.inner.clone(), self.names);
        let work = async move { store.write(&path, data, &how).await };
        Ok(awaitable(self.pace, work, move |py, info| {
            info_object(py, &info, names)
        }))
    }

    /// Write many files at once; an exception in place of each that failed.
    #[pyo3(signature = (items, **options) -> "collections.abc.Awaitable[list[typing.Any]]")]
    fn write_many(
        &self,
        items: Vec<(String, Bound<'_, PyAny>)>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Pending> {
        let how = write_options(options)?;
        let items: Vec<(String, Buffer)> = items
            .into_iter()
            .map(|(path, data)| Ok((path, payload(&data)?)))
            .collect::<PyResult<_>>()?;
        let (store, names) = (self.inner.clone(), self.names);
        let work = async move { Ok(store.write_many(items, &how).await) };
        Ok(awaitable(self.pace, work, move |py, results| {
            outcomes(py, results, |py, info| info_object(py, &info, names))
        }))
    }

    /// Open a file for reading.
    #[pyo3(signature = (path) -> "collections.abc.Awaitable[Reader]")]
    fn open_reader(&self, path: String) -> Pending {
        let (store, pace, names) = (self.inner.clone(), self.pace, self.names);
        let work = async move { store.open_reader(&path).await };
        awaitable(pace, work, move |py, reader| {
            Ok(Py::new(py, Reader::new(reader, pace, names))?.into_any())
        })
    }

    /// Begin a file; nothing is visible before it is closed.
    #[pyo3(signature = (path, **options) -> "collections.abc.Awaitable[Writer]")]
    fn open_writer(&self, path: String, options: Option<&Bound<'_, PyDict>>) -> PyResult<Pending> {
        let how = write_options(options)?;
        let (store, names) = (self.inner.clone(), self.names);
        let work = async move { store.open_writer(&path, &how).await };
        Ok(awaitable(Pace::Waiting, work, move |py, writer| {
            Ok(Py::new(py, Writer::new(writer, names))?.into_any())
        }))
    }

    /// Copy one file.
    #[pyo3(signature = (source, target) -> "collections.abc.Awaitable[None]")]
    fn copy(&self, source: String, target: String) -> Pending {
        let store = self.inner.clone();
        awaitable(
            self.pace,
            async move { store.copy(&source, &target).await },
            none,
        )
    }

    /// Move one file.
    #[pyo3(signature = (source, target) -> "collections.abc.Awaitable[None]")]
    fn rename(&self, source: String, target: String) -> Pending {
        let store = self.inner.clone();
        awaitable(
            self.pace,
            async move { store.rename(&source, &target).await },
            none,
        )
    }

    /// Remove one file.
    #[pyo3(signature = (path) -> "collections.abc.Awaitable[None]")]
    fn remove_file(&self, path: String) -> Pending {
        let store = self.inner.clone();
        awaitable(
            self.pace,
            async move { store.remove_file(&path).await },
            none,
        )
    }

    /// Remove `(path, is_dir)` in bulk; an exception in place of each that failed.
    #[pyo3(signature = (items) -> "collections.abc.Awaitable[list[typing.Any]]")]
    fn remove_many(&self, items: Vec<(String, bool)>) -> Pending {
        let store = self.inner.clone();
        let work = async move { Ok(store.remove_many(items).await) };
        awaitable(self.pace, work, |py, results| outcomes(py, results, none))
    }

    /// Make a directory or bucket.
    #[pyo3(signature = (path, create_parents) -> "collections.abc.Awaitable[None]")]
    fn create_dir(&self, path: String, create_parents: bool) -> Pending {
        let store = self.inner.clone();
        let work = async move { store.create_dir(&path, create_parents).await };
        awaitable(self.pace, work, none)
    }

    /// Remove an empty directory or bucket.
    #[pyo3(signature = (path) -> "collections.abc.Awaitable[None]")]
    fn remove_dir(&self, path: String) -> Pending {
        let store = self.inner.clone();
        awaitable(
            self.pace,
            async move { store.remove_dir(&path).await },
            none,
        )
    }

    /// A URL that anyone can use until it expires.
    #[pyo3(signature = (path, method, expires_s, parameters) -> "collections.abc.Awaitable[str]")]
    fn sign(
        &self,
        path: String,
        method: String,
        expires_s: f64,
        parameters: Vec<(String, String)>,
    ) -> PyResult<Pending> {
        let expires = Duration::try_from_secs_f64(expires_s)
            .map_err(|e| PyValueError::new_err(e.to_string()))?;
        let store = self.inner.clone();
        let work = async move { store.sign(&path, &method, &parameters, expires).await };
        Ok(awaitable(Pace::Waiting, work, |py, url| {
            Ok(url.into_pyobject(py)?.into_any().unbind())
        }))
    }

    /// Move files in bulk: `kind` is "get", "put" or "copy"; an exception in place of each
    /// that failed.
    #[pyo3(signature = (kind, pairs, **options) -> "collections.abc.Awaitable[list[typing.Any]]")]
    fn run_jobs(
        &self,
        kind: &str,
        pairs: Vec<(String, String)>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Pending> {
        let (jobs, how) = (jobs(kind, pairs)?, write_options(options)?);
        let store = self.inner.clone();
        let work = async move { Ok(store.run_jobs(jobs, &how).await) };
        Ok(awaitable(Pace::Waiting, work, |py, results| {
            outcomes(py, results, none)
        }))
    }

    /// The same in the background, with progress.
    #[pyo3(signature = (kind, pairs, **options) -> "Transfer")]
    fn start_jobs(
        &self,
        py: Python<'_>,
        kind: &str,
        pairs: Vec<(String, String)>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Transfer> {
        let (jobs, how) = (jobs(kind, pairs)?, write_options(options)?);
        let started = self
            .inner
            .start_jobs(jobs, how)
            .map_err(|e| raise(py, &e))?;
        Ok(Transfer::new(started))
    }
}
