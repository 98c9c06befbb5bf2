//! S3 and what speaks its protocol: OpenDAL's service, the option names of s3fs beside
//! OpenDAL's, where credentials come from, and the bucket calls that OpenDAL does not have.

mod buckets;
mod config;
mod credentials;

use opendalfs_core::service::{Service, register as register_service};

/// Scheme of the store.
pub const SCHEME: &str = "s3";

/// The service.
pub const SERVICE: Service = Service {
    container: Some("bucket"),
    has_prefixes: true,
    refuse_key: config::refuse_key,
    extension: Some(&buckets::Buckets),
    explain: Some(credentials::explain),
    ..Service::new(
        SCHEME,
        "Amazon S3 and compatible",
        config::OPTIONS,
        config::build,
    )
};

/// Make the service known to the core.
pub fn register() {
    register_service(SERVICE);
}
