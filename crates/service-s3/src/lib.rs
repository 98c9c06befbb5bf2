//! S3 and what speaks its protocol: OpenDAL's service, the option names of s3fs beside
//! OpenDAL's, where credentials come from, and the calls that OpenDAL does not have.

mod acl;
mod buckets;
mod calls;
mod config;
mod copies;
mod credentials;
mod encryption;
mod extras;
mod headers;
mod integrity;
mod merge;
mod presign;
mod removals;
mod tagging;
mod transport;
mod uploads;
mod versions;

use opendalfs_core::service::{Service, register as register_service};

/// Scheme of the store.
pub const SCHEME: &str = "s3";

/// The service.
pub const SERVICE: Service = Service {
    container: Some("bucket"),
    has_prefixes: true,
    refuse_key: config::refuse_key,
    extension: Some(&buckets::Buckets),
    // A sum of the whole cannot be told for parts that the service copies.
    copying: &[(integrity::OPTION, integrity::MD5)],
    extras: Some(&extras::S3Extras),
    transport: Some(transport::through),
    refuse_metadata: headers::refuse_metadata,
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
