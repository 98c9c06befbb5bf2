//! Files on web servers, read-only. The first part of a path is the host, unless `endpoint`
//! is given. Directories are listed by the page a server shows for them.

mod backend;
mod index;

use opendal_core::Configurator;
use opendal_service_http::HttpConfig;
use opendalfs_core::error::Result;
use opendalfs_core::options::OptionKind::{Endpoint, Secret, Text};
use opendalfs_core::options::{OptionSpec, Options, option};
use opendalfs_core::service::{Operator, Service, build_error, register as register_service};

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
    has_implicit_dirs: false,
    ..Service::new("http", "HTTP", OPTIONS, build_plain)
};

/// Files over https.
pub const SECURE: Service = Service {
    container: Some("endpoint"),
    has_implicit_dirs: false,
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
    let endpoint = endpoint.trim_end_matches('/').to_owned();
    let pairs = options
        .pairs()
        .filter(|(name, _)| name != "endpoint")
        .chain([("endpoint".to_owned(), endpoint.clone())]);
    let config = HttpConfig::from_iter(pairs).map_err(|e| build_error(&e))?;
    Operator::new(backend::Builder { endpoint, config }).map_err(|e| build_error(&e))
}
