//! Google Cloud Storage: OpenDAL's service and the option names of gcsfs beside OpenDAL's.

use opendal_service_gcs::Gcs;
use opendalfs_core::error::Result;
use opendalfs_core::options::OptionKind::{Endpoint, Flag, Secret, Text};
use opendalfs_core::options::{OptionSpec, Options, option};
use opendalfs_core::service::{Operator, Service, build_operator, register as register_service};

/// Scheme of the store.
pub const SCHEME: &str = "gcs";

const OPTIONS: &[OptionSpec] = &[
    option(
        "bucket",
        &[],
        Text,
        "first part of the path",
        "The bucket; paths are then keys in it.",
    ),
    option(
        "endpoint",
        &["endpoint_url"],
        Endpoint,
        "https://storage.googleapis.com",
        "URL of the service.",
    ),
    option(
        "credential",
        &["service_account_key"],
        Secret,
        "",
        "Key of a service account, base64 of its JSON.",
    ),
    option(
        "credential_path",
        &["google_application_credentials"],
        Text,
        "GOOGLE_APPLICATION_CREDENTIALS",
        "Path of the key's file.",
    ),
    option("token", &[], Secret, "", "OAuth2 access token."),
    option(
        "scope",
        &["access"],
        Text,
        "read and write",
        "OAuth2 scope to ask for.",
    ),
    option(
        "service_account",
        &[],
        Text,
        "default",
        "Service account of the machine.",
    ),
    option(
        "project",
        &[],
        Text,
        "",
        "Accepted for gcsfs's sake; objects need no project.",
    ),
    option(
        "skip_signature",
        &["anon", "allow_anonymous"],
        Flag,
        "false",
        "Send unsigned requests, for public buckets.",
    ),
    option(
        "disable_vm_metadata",
        &[],
        Flag,
        "false",
        "Do not ask the machine's metadata service.",
    ),
    option(
        "disable_config_load",
        &[],
        Flag,
        "false",
        "Do not look at the environment and the configuration files.",
    ),
    option(
        "default_storage_class",
        &["storage_class"],
        Text,
        "",
        "Storage class of new objects.",
    ),
    option(
        "predefined_acl",
        &["acl"],
        Text,
        "",
        "Predefined ACL of new objects.",
    ),
];

/// The service.
pub const SERVICE: Service = Service {
    container: Some("bucket"),
    has_prefixes: true,
    signs_raw_keys: true,
    ..Service::new(SCHEME, "Google Cloud Storage", OPTIONS, build)
};

/// Make the service known to the core.
pub fn register() {
    register_service(SERVICE);
}

fn build(options: &Options, container: Option<&str>) -> Result<Operator> {
    // gcsfs says token="anon".
    let is_anonymous = options.text("token") == Some("anon");
    let pairs = options
        .pairs()
        .filter(|(name, value)| name != "project" && !(name == "token" && value == "anon"))
        .chain(is_anonymous.then(|| ("skip_signature".into(), "true".into())));
    build_operator::<Gcs>(pairs, container.map(|c| ("bucket", c)))
}
