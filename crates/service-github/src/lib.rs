//! Files of a repository on GitHub, or on a GitHub Enterprise server.

mod endpoint;

use opendal_core::HttpTransporter;
use opendal_service_github::Github;
use opendalfs_core::error::Result;
use opendalfs_core::options::OptionKind::{Secret, Text};
use opendalfs_core::options::{OptionSpec, Options, option};
use opendalfs_core::service::{Operator, Service, build_operator, register as register_service};

/// Scheme of the store.
pub const SCHEME: &str = "github";

const OPTIONS: &[OptionSpec] = &[
    option(
        "endpoint",
        &["endpoint_url"],
        Text,
        "https://api.github.com",
        "URL of the API; of a GitHub Enterprise server `https://HOST/api/v3`.",
    ),
    option(
        "owner",
        &["org"],
        Text,
        "",
        "Owner of the repository; required.",
    ),
    option("repo", &[], Text, "", "Name of the repository; required."),
    option(
        "token",
        &[],
        Secret,
        "",
        "Token, needed to write and for private repositories.",
    ),
];

/// The service.
pub const SERVICE: Service = Service {
    has_implicit_dirs: false,
    transport: Some(transport),
    ..Service::new(SCHEME, "GitHub", OPTIONS, build)
};

/// Make the service known to the core.
pub fn register() {
    register_service(SERVICE);
}

fn build(options: &Options, _container: Option<&str>) -> Result<Operator> {
    let pairs = options.pairs().filter(|(name, _)| name != "endpoint");
    build_operator::<Github>(pairs, None)
}

fn transport(
    options: &Options,
    _container: Option<&str>,
    inner: HttpTransporter,
) -> HttpTransporter {
    match options.text("endpoint") {
        Some(endpoint) => HttpTransporter::new(endpoint::Redirected {
            inner,
            endpoint: endpoint.to_owned(),
        }),
        None => inner,
    }
}
