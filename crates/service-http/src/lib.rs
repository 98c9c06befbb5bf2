//! Files on web servers, read-only. The first part of a path is the host, unless `endpoint`
//! is given.

use opendal_service_http::Http;
use opendalfs_core::error::Result;
use opendalfs_core::options::OptionKind::{Endpoint, Secret, Text};
use opendalfs_core::options::{OptionSpec, Options, option};
use opendalfs_core::service::{Operator, Service, build_operator, register as register_service};

const OPTIONS: &[OptionSpec] = &[
    option(
        "endpoint",
        &["endpoint_url"],
        Endpoint,
        "first part of the path",
        "URL under which all paths lie.",
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
];

/// Files over http.
pub const PLAIN: Service = Service {
    container: Some("endpoint"),
    ..Service::new("http", "HTTP", OPTIONS, build_plain)
};

/// Files over https.
pub const SECURE: Service = Service {
    container: Some("endpoint"),
    ..Service::new("https", "HTTPS", OPTIONS, build_secure)
};

/// Make the services known to the core.
pub fn register() {
    register_service(PLAIN);
    register_service(SECURE);
}

fn build_plain(options: &Options, host: Option<&str>) -> Result<Operator> {
    build(options, host, "http")
}

fn build_secure(options: &Options, host: Option<&str>) -> Result<Operator> {
    build(options, host, "https")
}

fn build(options: &Options, host: Option<&str>, scheme: &str) -> Result<Operator> {
    let host = host.unwrap_or_default();
    let endpoint = if host.contains("://") {
        host.to_owned()
    } else {
        format!("{scheme}://{host}")
    };
    build_operator::<Http>(options.pairs(), Some(("endpoint", &endpoint)))
}
