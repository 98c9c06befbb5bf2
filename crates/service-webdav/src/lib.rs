//! WebDAV servers.

use opendal_service_webdav::Webdav;
use opendalfs_core::error::Result;
use opendalfs_core::options::OptionKind::{Endpoint, Flag, Secret, Text};
use opendalfs_core::options::{OptionSpec, Options, option};
use opendalfs_core::service::{Operator, Service, build_operator, register as register_service};

/// Scheme of the store.
pub const SCHEME: &str = "webdav";

const OPTIONS: &[OptionSpec] = &[
    option(
        "endpoint",
        &["endpoint_url", "base_url"],
        Endpoint,
        "",
        "URL of the server; required.",
    ),
    option(
        "username",
        &["user"],
        Text,
        "",
        "User for basic authentication.",
    ),
    option(
        "password",
        &[],
        Secret,
        "",
        "Password for basic authentication.",
    ),
    option("token", &[], Secret, "", "Bearer token."),
    option(
        "disable_copy",
        &[],
        Flag,
        "false",
        "Copy through this machine.",
    ),
];

/// The service.
pub const SERVICE: Service = Service {
    has_implicit_dirs: false,
    ..Service::new(SCHEME, "WebDAV", OPTIONS, build)
};

/// Make the service known to the core.
pub fn register() {
    register_service(SERVICE);
}

fn build(options: &Options, _container: Option<&str>) -> Result<Operator> {
    build_operator::<Webdav>(options.pairs(), None)
}
