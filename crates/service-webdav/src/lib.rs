//! WebDAV servers.

use opendal_core::layers::CapabilityOverrideLayer;
use opendal_service_webdav::Webdav;
use opendalfs_core::error::Result;
use opendalfs_core::options::OptionKind::{Endpoint, Flag, Secret, Text};
use opendalfs_core::options::{OptionSpec, Options, option};
use opendalfs_core::service::{
    Operator, Service, Writes, build_operator, register as register_service,
};

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
        "user_metadata",
        &[],
        Flag,
        "false",
        "Keep `metadata=` as properties of the file; not every server takes them.",
    ),
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
    writes: Writes::Renamed,
    ..Service::new(SCHEME, "WebDAV", OPTIONS, build)
};

/// Make the service known to the core.
pub fn register() {
    register_service(SERVICE);
}

fn build(options: &Options, _container: Option<&str>) -> Result<Operator> {
    let keeps_metadata = options.flag("user_metadata");
    let pairs = options.pairs().filter(|(name, _)| name != "user_metadata");
    let operator = build_operator::<Webdav>(pairs, None)?;
    Ok(operator.layer(CapabilityOverrideLayer::new(move |mut can| {
        can.write_with_user_metadata = keeps_metadata;
        can
    })))
}
