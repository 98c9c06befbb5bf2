//! The core of opendalfs: one [`Store`] over Apache OpenDAL.
//!
//! Here live the rules that every front door shares, each once: options and their
//! aliases ([`options`]), which services exist ([`service`]), how `bucket/key` reaches an
//! operator ([`store`]), the errors ([`error`]), the process's runtime ([`runtime`]) and
//! HTTP client ([`http`]), and what OpenDAL lacks: exact keys ([`exact`]), directories,
//! copies, renames and appends where a service has none.
//!
//! Not here: Python (crates/python), fsspec's meanings (opendalfs/fs.py), and whatever one
//! service alone needs (crates/service-*).

mod ahead;
mod answer;
mod bulk;
mod capabilities;
mod checksum;
pub mod error;
mod exact;
pub mod extras;
mod fetch;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod http;
pub mod info;
mod list;
mod many;
mod marks;
pub mod options;
mod partial;
mod pin;
mod place;
mod read;
mod remove;
mod retry;
pub mod runtime;
pub mod service;
mod shards;
mod span;
pub mod staged;
pub mod store;
pub mod target;
mod transfer;
mod translate;
mod upload;
mod whole;
mod write;

pub use bulk::{Event, Job, Transfer};
pub use error::{Error, Kind, Result};
pub use extras::Upload;
pub use info::Info;
pub use many::{Got, Wanted};
pub use opendal_core::Buffer;
pub use read::{Begun, ObjectReader, SizedRead};
pub use retry::is_error_document;
pub use service::Service;
pub use span::{Span, content_range};
pub use store::Store;
pub use target::Target;
pub use upload::etag_of_parts;
pub use write::{ObjectWriter, WriteOptions};
