//! The one error of the house and its kinds. Where OpenDAL's errors become it: `translate`.

use std::error::Error as StdError;
use std::fmt;

/// What went wrong, in the terms a caller can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The object, directory or bucket does not exist.
    NotFound,
    /// The object exists and was to be created.
    AlreadyExists,
    /// Credentials are missing, wrong or not sufficient, or a path leaves its root.
    PermissionDenied,
    /// A file was needed, a directory was found.
    IsADirectory,
    /// A directory was needed, a file was found.
    NotADirectory,
    /// The directory to remove has entries.
    NotEmpty,
    /// The service cannot do this.
    Unsupported,
    /// An option, a scheme or a path is not valid.
    ConfigInvalid,
    /// The object is no longer the one that was opened.
    Changed,
    /// The service asks to slow down.
    RateLimited,
    /// No answer within the time allowed.
    Timeout,
    /// Anything else.
    Unexpected,
}

impl Kind {
    /// The name of the Python class in `opendalfs.errors` that stands for this kind.
    #[must_use]
    pub fn class_name(self) -> &'static str {
        match self {
            Kind::NotFound => "NotFound",
            Kind::AlreadyExists => "AlreadyExists",
            Kind::PermissionDenied => "PermissionDenied",
            Kind::IsADirectory => "IsADirectory",
            Kind::NotADirectory => "NotADirectory",
            Kind::NotEmpty => "NotEmpty",
            Kind::Unsupported => "Unsupported",
            Kind::ConfigInvalid => "ConfigInvalid",
            Kind::Changed => "Changed",
            Kind::RateLimited => "RateLimited",
            Kind::Timeout => "Timeout",
            Kind::Unexpected => "OpendalfsError",
        }
    }

    /// The `errno` of this kind, by its name in Python's `errno` module: numbers differ
    /// between platforms, names do not.
    #[must_use]
    pub fn errno_name(self) -> &'static str {
        match self {
            Kind::NotFound => "ENOENT",
            Kind::AlreadyExists => "EEXIST",
            Kind::PermissionDenied => "EACCES",
            Kind::IsADirectory => "EISDIR",
            Kind::NotADirectory => "ENOTDIR",
            Kind::NotEmpty => "ENOTEMPTY",
            Kind::Unsupported => "ENOTSUP",
            Kind::ConfigInvalid => "EINVAL",
            Kind::Changed => "EBUSY",
            Kind::RateLimited => "EBUSY",
            Kind::Timeout => "ETIMEDOUT",
            Kind::Unexpected => "EIO",
        }
    }

    fn phrase(self) -> &'static str {
        match self {
            Kind::NotFound => "not found",
            Kind::AlreadyExists => "already exists",
            Kind::PermissionDenied => "permission denied",
            Kind::IsADirectory => "is a directory",
            Kind::NotADirectory => "is not a directory",
            Kind::NotEmpty => "directory not empty",
            Kind::Unsupported => "not supported by this service",
            Kind::ConfigInvalid => "invalid",
            Kind::Changed => "object changed while it was in use",
            Kind::RateLimited => "the service asks to slow down",
            Kind::Timeout => "timed out",
            Kind::Unexpected => "failed",
        }
    }
}

/// Result of every fallible function of the house.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What happened to which path on which service.
#[derive(Clone, Debug)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: Kind,
    operation: &'static str,
    path: String,
    service: String,
    endpoint: Option<String>,
    detail: String,
    os_code: Option<i32>,
}

impl Error {
    /// An error that is not (yet) about a path.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            kind,
            operation: "",
            path: String::new(),
            service: String::new(),
            endpoint: None,
            detail: detail.into(),
            os_code: None,
        }))
    }

    /// Name the operation, the path and the service, unless something closer did already.
    #[must_use]
    pub fn at(mut self, operation: &'static str, path: &str, service: &str) -> Self {
        if self.0.operation.is_empty() {
            self.0.operation = operation;
        }
        if self.0.path.is_empty() {
            self.0.path = path.to_owned();
        }
        if self.0.service.is_empty() {
            self.0.service = service.to_owned();
        }
        self
    }

    /// Make this error speak of `path`: for a bucket that is missing, say.
    #[must_use]
    pub fn about(mut self, path: &str) -> Self {
        self.0.path = path.to_owned();
        self
    }

    /// Add what else there is to know.
    #[must_use]
    pub(crate) fn with_remark(mut self, remark: &str) -> Self {
        if !self.0.detail.is_empty() {
            self.0.detail.push_str("; ");
        }
        self.0.detail.push_str(remark);
        self
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The path as the user wrote it, or an empty string.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Name the endpoint that was asked.
    pub(crate) fn with_endpoint(mut self, endpoint: Option<String>) -> Self {
        self.0.endpoint = endpoint;
        self
    }

    /// The operating system's code where one caused this error (a full disk, say).
    #[must_use]
    pub fn os_code(&self) -> Option<i32> {
        self.0.os_code
    }

    /// From the payload of a panic that was caught.
    #[must_use]
    pub fn from_panic(payload: &(dyn std::any::Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let text = first_line(text.unwrap_or_default());
        Error::new(Kind::Unexpected, format!("a bug in opendalfs: {text}"))
    }

    /// From an error of the operating system.
    #[must_use]
    pub fn from_io(err: &std::io::Error) -> Self {
        let mut out = Error::new(io_kind(err), io_text(err));
        out.0.os_code = err.raw_os_error();
        out
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = &*self.0;
        if !e.operation.is_empty() {
            f.write_str(e.operation)?;
            if !e.path.is_empty() {
                write!(f, " {:?}", e.path)?;
            }
            if !e.service.is_empty() {
                write!(f, " on {}", e.service)?;
            }
            f.write_str(": ")?;
        }
        if e.kind == Kind::ConfigInvalid && !e.detail.is_empty() {
            return f.write_str(&e.detail);
        }
        f.write_str(e.kind.phrase())?;
        if !e.detail.is_empty() && e.detail != e.kind.phrase() {
            write!(f, " ({})", e.detail)?;
        }
        if let Some(endpoint) = &e.endpoint {
            write!(f, "; endpoint {endpoint}")?;
        }
        Ok(())
    }
}

impl StdError for Error {}

fn io_kind(err: &std::io::Error) -> Kind {
    use std::io::ErrorKind as K;
    match err.kind() {
        K::NotFound => Kind::NotFound,
        K::AlreadyExists => Kind::AlreadyExists,
        K::PermissionDenied | K::ReadOnlyFilesystem => Kind::PermissionDenied,
        K::IsADirectory => Kind::IsADirectory,
        K::NotADirectory => Kind::NotADirectory,
        K::DirectoryNotEmpty => Kind::NotEmpty,
        K::Unsupported => Kind::Unsupported,
        K::TimedOut => Kind::Timeout,
        K::InvalidFilename | K::InvalidInput => Kind::ConfigInvalid,
        _ => Kind::Unexpected,
    }
}

/// The text of the operating system's error without Rust's " (os error 28)".
pub(crate) fn io_text(err: &std::io::Error) -> String {
    let text = err.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_owned(),
        None => first_line(&text),
    }
}

/// One line, short, without a URL's query.
pub(crate) fn first_line(text: &str) -> String {
    let line = text.split(['\n', '\r']).next().unwrap_or_default();
    let line = line.split('?').next().unwrap_or_default();
    line.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_operation_path_service_and_cause_on_one_line() {
        let err = Error::new(Kind::NotFound, "NoSuchKey").at("read", "b/k", "s3");
        assert_eq!(err.to_string(), "read \"b/k\" on s3: not found (NoSuchKey)");
    }

    #[test]
    fn a_panic_becomes_an_error_of_the_kind_that_python_raises_as_oserror() {
        let payload = std::panic::catch_unwind(|| panic!("at {}", 7)).unwrap_err();
        let err = Error::from_panic(&*payload);
        assert_eq!(err.kind().errno_name(), "EIO");
        assert_eq!(err.to_string(), "failed (a bug in opendalfs: at 7)");
    }
}
