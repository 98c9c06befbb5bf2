//! What a service is to the core, and which services there are.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use futures::future::BoxFuture;
use opendal_core::HttpTransporter;
pub use opendal_core::Operator;

use crate::error::{Error, Kind, Result};
use crate::extras::Extras;
use crate::options::{OptionSpec, Options, nearest};

/// What a service crate tells the core. One constant a scheme.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// Name in URLs and in `scheme=`.
    pub scheme: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// The option that the first segment of a path stands for (`bucket`), unless the option
    /// is given: then paths are keys.
    pub container: Option<&'static str>,
    /// Options beyond the common ones.
    pub options: &'static [OptionSpec],
    /// Whether options that are not in the table go to OpenDAL as they are.
    pub is_open: bool,
    /// Paths are absolute (`/tmp/x`) unless `root` is given.
    pub is_absolute: bool,
    /// Directories exist only as prefixes of keys.
    pub has_implicit_dirs: bool,
    /// Listings take any prefix of keys, and come in pages.
    pub has_prefixes: bool,
    /// The content is on this machine: one long read is better than parts.
    pub is_local: bool,
    /// When others see a file that is written.
    pub writes: Writes,
    /// OpenDAL's service puts keys into the URLs it signs as they are: without blanks, `%`, `?`.
    pub signs_raw_keys: bool,
    /// Make the operator for one container.
    pub build: fn(&Options, Option<&str>) -> Result<Operator>,
    /// Why a key cannot be stored exactly, if it cannot.
    pub refuse_key: fn(&str) -> Option<&'static str>,
    /// Why an entry of an object's metadata cannot be stored exactly, if it cannot.
    pub refuse_metadata: fn(&str, &str) -> Option<&'static str>,
    /// Calls beyond OpenDAL.
    pub extension: Option<&'static dyn Extension>,
    /// Calls on objects beyond OpenDAL.
    pub extras: Option<&'static dyn Extras>,
    /// What the requests for one container pass through on their way.
    pub transport: Option<Transport>,
    /// A listing of names alone, where they come without the rest.
    pub names: Option<Names>,
    /// Options with which parts of an upload can be copied from objects, where other values
    /// exclude that.
    pub copying: &'static [(&'static str, &'static str)],
}

/// When others see a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// When it is complete: the service sees to it.
    Whole,
    /// When it is complete: it is written beside its name, and renamed.
    Renamed,
    /// While it is written.
    Visible,
}

/// A way to the network that leads through the service's own hands; with the container, if any.
pub type Transport = fn(&Options, Option<&str>, HttpTransporter) -> HttpTransporter;

/// Keys below a directory key (`/` or `dir/`), or beside it those that begin with it, and
/// whether each is a directory; with `true` for everything below. `None`: no such directory.
pub type Names = fn(&Options, &str, bool) -> Result<Option<Vec<(String, bool)>>>;

impl Service {
    /// A service with the common answers: keys are refused only for `.` and `..` segments.
    #[must_use]
    pub const fn new(
        scheme: &'static str,
        title: &'static str,
        options: &'static [OptionSpec],
        build: fn(&Options, Option<&str>) -> Result<Operator>,
    ) -> Self {
        Service {
            scheme,
            title,
            container: None,
            options,
            is_open: false,
            is_absolute: false,
            has_implicit_dirs: true,
            has_prefixes: false,
            is_local: false,
            writes: Writes::Whole,
            signs_raw_keys: false,
            build,
            refuse_key: refuse_dots,
            refuse_metadata: |_, _| None,
            extension: None,
            extras: None,
            transport: None,
            names: None,
            copying: &[],
        }
    }
}

/// Calls that OpenDAL does not have. A service implements what it can.
pub trait Extension: Send + Sync + std::fmt::Debug {
    /// Names of the containers (buckets) these credentials see.
    fn list_containers<'a>(
        &'a self,
        options: &'a Options,
        http: HttpTransporter,
    ) -> BoxFuture<'a, Result<Vec<String>>>;
    /// Make a container.
    fn create_container<'a>(
        &'a self,
        options: &'a Options,
        http: HttpTransporter,
        name: &'a str,
    ) -> BoxFuture<'a, Result<()>>;
    /// Remove an empty container.
    fn delete_container<'a>(
        &'a self,
        options: &'a Options,
        http: HttpTransporter,
        name: &'a str,
    ) -> BoxFuture<'a, Result<()>>;
}

/// `.` and `..` segments: a URL cannot carry them, a root must not be left by them.
#[must_use]
pub fn refuse_dots(key: &str) -> Option<&'static str> {
    key.split('/')
        .any(|s| s == "." || s == "..")
        .then_some("path segments \".\" and \"..\" are refused")
}

/// OpenDAL's error while an operator is built, in the house's terms.
#[must_use]
pub fn build_error(err: &opendal_core::Error) -> Error {
    Error::from_opendal(err)
}

/// The operator of OpenDAL's service `B` with these settings; the container, if any, counts
/// over a setting of its name. Flags arrive as Python writes them.
///
/// # Errors
/// `ConfigInvalid`.
pub fn build_operator<B: opendal_core::Builder>(
    settings: impl IntoIterator<Item = (String, String)>,
    container: Option<(&str, &str)>,
) -> Result<Operator> {
    build_operator_with::<B::Config>(settings, container, |builder| builder)
}

/// The same for what a builder takes beside settings.
///
/// # Errors
/// `ConfigInvalid`.
pub fn build_operator_with<C: opendal_core::Configurator>(
    settings: impl IntoIterator<Item = (String, String)>,
    container: Option<(&str, &str)>,
    complete: impl FnOnce(C::Builder) -> C::Builder,
) -> Result<Operator> {
    let settings = settings
        .into_iter()
        .filter(|(name, _)| container.is_none_or(|(c, _)| c != name))
        .map(|(name, value)| match value.as_str() {
            "True" => (name, "true".to_owned()),
            "False" => (name, "false".to_owned()),
            _ => (name, value),
        });
    let container = container.map(|(name, value)| (name.to_owned(), value.to_owned()));
    C::from_iter(settings.chain(container))
        .and_then(|config| Operator::new(complete(config.into_builder())))
        .map_err(|e| build_error(&e))
}

static SERVICES: RwLock<BTreeMap<&'static str, Service>> = RwLock::new(BTreeMap::new());

/// Make a service known. The last registration of a scheme counts.
pub fn register(service: Service) {
    SERVICES
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(service.scheme, service);
}

/// All services known, by scheme.
#[must_use]
pub fn services() -> Vec<Service> {
    SERVICES
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .values()
        .copied()
        .collect()
}

/// The service of a scheme.
///
/// # Errors
/// `ConfigInvalid` naming the nearest known scheme.
pub fn find(scheme: &str) -> Result<Service> {
    let services = services();
    if let Some(found) = services.iter().find(|s| s.scheme == scheme) {
        return Ok(*found);
    }
    let names: Vec<&str> = services.iter().map(|s| s.scheme).collect();
    let hint = match nearest(scheme, names.iter().copied()) {
        Some(name) => format!("did you mean {name:?}? "),
        None => String::new(),
    };
    Err(Error::new(
        Kind::ConfigInvalid,
        format!(
            "unknown scheme {scheme:?}: {hint}This build has {}",
            names.join(", ")
        ),
    ))
}
