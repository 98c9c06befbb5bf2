//! What is known of one file or directory.

use std::time::{Duration, SystemTime};

use opendal_core::Metadata;

/// One file or directory, as listed or looked up.
#[derive(Clone, Debug)]
pub struct Info {
    /// Full path as users write it: `bucket/key` for stores with buckets.
    pub name: String,
    /// A directory, be it real, implied by keys below it, or a bucket.
    pub is_dir: bool,
    /// Bytes; 0 for directories.
    pub size: u64,
    /// What else the service told.
    pub metadata: Option<Metadata>,
}

impl Info {
    /// A directory of which nothing but its name is known.
    #[must_use]
    pub fn directory(name: String) -> Self {
        Info {
            name,
            is_dir: true,
            size: 0,
            metadata: None,
        }
    }

    /// From what a service told of `name`.
    #[must_use]
    pub fn new(name: String, metadata: Metadata) -> Self {
        let is_dir = metadata.is_dir();
        Info {
            name,
            is_dir,
            size: if is_dir { 0 } else { metadata.content_length() },
            metadata: Some(metadata),
        }
    }

    /// Time of the last change, since 1970, if the service told.
    #[must_use]
    pub fn last_modified(&self) -> Option<Duration> {
        let at: SystemTime = self.metadata.as_ref()?.last_modified()?.into();
        at.duration_since(SystemTime::UNIX_EPOCH).ok()
    }
}
