//! The tables of services and options, for documentation and for `opendalfs.register`.

use opendalfs_core::options::{COMMON, OptionKind, OptionSpec};
use opendalfs_core::service;
use pyo3::prelude::*;

use crate::errors::raise;

/// Schemes of this build with their titles, sorted.
#[pyfunction]
#[pyo3(signature = () -> "list[tuple[str, str]]")]
pub(crate) fn schemes() -> Vec<(&'static str, &'static str)> {
    service::services()
        .iter()
        .map(|s| (s.scheme, s.title))
        .collect()
}

type Row = (
    &'static str,
    Vec<&'static str>,
    &'static str,
    &'static str,
    &'static str,
);

fn row(spec: &OptionSpec) -> Row {
    let kind = match spec.kind {
        OptionKind::Text => "text",
        OptionKind::Endpoint => "URL",
        OptionKind::Secret => "secret",
        OptionKind::Flag => "flag",
        OptionKind::Count => "count",
        OptionKind::Seconds => "seconds",
        OptionKind::Bytes => "bytes",
    };
    (
        spec.name,
        spec.aliases.to_vec(),
        kind,
        spec.default,
        spec.doc,
    )
}

/// Options of a scheme, its own first: `(name, aliases, type, default, description)`.
#[pyfunction]
#[pyo3(signature = (scheme) -> "list[tuple[str, list[str], str, str, str]]")]
pub(crate) fn option_table(py: Python<'_>, scheme: &str) -> PyResult<Vec<Row>> {
    let service = service::find(scheme).map_err(|e| raise(py, &e))?;
    Ok(service.options.iter().chain(COMMON).map(row).collect())
}
