//! The local file system.
//!
//! Our own OpenDAL service rather than OpenDAL's: writes are atomic (a temporary file in the
//! same directory, then a rename), names are kept exactly, symbolic links cannot lead out of a
//! root, and a listing is one walk (docs/decisions/0001).

mod backend;
mod confine;
mod fault;
mod walk;
mod writer;

use opendal_core::Operator;
use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::options::Options;
use opendalfs_core::service::{Service, build_error, refuse_dots, register as register_service};
use opendalfs_core::staged::TEMPORARY_PREFIX;

/// Scheme of the store.
pub const SCHEME: &str = "fs";

/// The service.
pub const SERVICE: Service = Service {
    is_absolute: true,
    has_implicit_dirs: false,
    is_local: true,
    refuse_key,
    names: Some(names),
    ..Service::new(SCHEME, "Local file system", &[], build)
};

/// Make the service known to the core.
pub fn register() {
    register_service(SERVICE);
}

/// Names alone need no look at each file.
fn names(options: &Options, key: &str, is_recursive: bool) -> Result<Option<Vec<(String, bool)>>> {
    let listed = confine::Root::open(options.text_or("root", "/").as_ref())
        .map_err(fault::failed)
        .and_then(|root| walk::walk(&root, key, is_recursive, walk::Depth::Names));
    match listed {
        Ok(None) => Ok(None),
        Ok(Some(found)) => Ok(Some(found.into_iter().map(|f| (f.key, f.is_dir)).collect())),
        Err(e) => Err(build_error(&e)),
    }
}

fn build(options: &Options, _container: Option<&str>) -> Result<Operator> {
    let root = options.text_or("root", "/");
    if !std::path::Path::new(root).is_absolute() {
        return Err(Error::new(
            Kind::ConfigInvalid,
            format!("option \"root\" must be an absolute path, not {root:?}"),
        ));
    }
    Operator::new(backend::Builder { root: root.into() }).map_err(|e| build_error(&e))
}

/// The kernel would fold `a//b` into `a/b`: another file than the one that was named.
fn refuse_key(key: &str) -> Option<&'static str> {
    if key.starts_with('/') || key.contains("//") {
        return Some("empty path segments (\"//\") are refused: the file system would drop them");
    }
    if key.split('/').any(|s| s.starts_with(TEMPORARY_PREFIX)) {
        return Some("names that begin with \".opendalfs-\" are those of unfinished files");
    }
    refuse_dots(key)
}
