//! The embedded memory store: one for the process, as fsspec's own memory filesystem is.
//!
//! Our own OpenDAL service rather than OpenDAL's: that one has no copies, no modification
//! times, no user metadata, and scans every key for each listing (docs/decisions/0001).

mod backend;

use opendal_core::Operator;
use opendalfs_core::error::Result;
use opendalfs_core::options::Options;
use opendalfs_core::service::{Service, build_error, register as register_service};

/// Scheme of the store.
pub const SCHEME: &str = "memory";

/// The service.
pub const SERVICE: Service = Service {
    is_local: true,
    ..Service::new(SCHEME, "Memory", &[], build)
};

/// Make the service known to the core.
pub fn register() {
    register_service(SERVICE);
}

fn build(options: &Options, _container: Option<&str>) -> Result<Operator> {
    let root = options.text_or("root", "/").to_owned();
    Operator::new(backend::Builder { root }).map_err(|e| build_error(&e))
}
