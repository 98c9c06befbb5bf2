//! `opendalfs._core`: the only PyO3 crate. Thin classes over `opendalfs-core`; what they do
//! is decided there, what it means to fsspec in `opendalfs/fs.py`.

mod bridge;
mod convert;
mod errors;
mod extras;
mod files;
mod options;
mod store;
mod transfer;

/// Every service compiled in. A new one is one line here and one feature in Cargo.toml.
fn register_services() {
    #[cfg(feature = "azure")]
    opendalfs_service_azure::register();
    #[cfg(feature = "fs")]
    opendalfs_service_fs::register();
    #[cfg(feature = "gcs")]
    opendalfs_service_gcs::register();
    #[cfg(feature = "github")]
    opendalfs_service_github::register();
    #[cfg(feature = "http")]
    opendalfs_service_http::register();
    #[cfg(feature = "memory")]
    opendalfs_service_memory::register();
    #[cfg(any(
        feature = "services-http",
        feature = "services-db",
        feature = "services-extra"
    ))]
    opendalfs_service_opendal::register();
    #[cfg(feature = "s3")]
    opendalfs_service_s3::register();
    #[cfg(all(unix, feature = "sftp"))]
    opendalfs_service_sftp::register();
    #[cfg(feature = "webdav")]
    opendalfs_service_webdav::register();
}

/// The Rust core of opendalfs.
#[pyo3::pymodule(gil_used = false)]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::bridge::{Pending, set_blocking, shutdown};
    #[pymodule_export]
    use super::extras::Extras;
    #[pymodule_export]
    use super::files::{Reader, Writer};
    #[pymodule_export]
    use super::options::{option_table, schemes};
    #[pymodule_export]
    use super::store::Store;
    #[pymodule_export]
    use super::transfer::Transfer;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::register_services();
        // Forks are counted from here on.
        opendalfs_core::runtime::process_number();
        opendalfs_core::http::install_default();
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        let atexit = module.py().import("atexit")?;
        atexit.call_method1("register", (module.getattr("shutdown")?,))?;
        Ok(())
    }
}
