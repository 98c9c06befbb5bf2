//! Files of a repository on GitHub.

use opendal_service_github::Github;
use opendalfs_core::error::Result;
use opendalfs_core::options::OptionKind::{Secret, Text};
use opendalfs_core::options::{OptionSpec, Options, option};
use opendalfs_core::service::{Operator, Service, build_operator, register as register_service};

/// Scheme of the store.
pub const SCHEME: &str = "github";

const OPTIONS: &[OptionSpec] = &[
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
    ..Service::new(SCHEME, "GitHub", OPTIONS, build)
};

/// Make the service known to the core.
pub fn register() {
    register_service(SERVICE);
}

fn build(options: &Options, _container: Option<&str>) -> Result<Operator> {
    build_operator::<Github>(options.pairs(), None)
}
