//! Errors of the disk as OpenDAL's.

use std::io;

use opendal_core::{Error, ErrorKind};

/// An error of the disk for OpenDAL. None of them passes by itself: OpenDAL's own conversion
/// has most of them tried again.
pub(crate) fn failed(e: io::Error) -> Error {
    let kind = match e.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        io::ErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
        io::ErrorKind::IsADirectory => ErrorKind::IsADirectory,
        io::ErrorKind::NotADirectory => ErrorKind::NotADirectory,
        _ => ErrorKind::Unexpected,
    };
    Error::new(kind, "").set_source(e)
}
