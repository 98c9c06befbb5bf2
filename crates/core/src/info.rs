//! What is known of one file or directory.

use std::time::{Duration, SystemTime};

use opendal_core::Metadata;

/// Marks entries of the user's metadata that are not the user's: OpenDAL's own has no room for
/// all that a service tells. A service's [`Transport`](crate::service::Transport) puts them
/// there as `~storage-class`.
pub const TOLD: char = '~';

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

    /// The user's own metadata, if the service told.
    pub fn user_metadata(&self) -> Option<impl Iterator<Item = (&str, &str)>> {
        let all = self.metadata.as_ref()?.user_metadata()?;
        Some(all.into_iter().filter(|(name, _)| !name.starts_with(TOLD)))
    }

    /// What else the service told, under names such as `StorageClass`.
    pub fn told(&self) -> impl Iterator<Item = (String, &str)> {
        let all = self.metadata.as_ref().and_then(Metadata::user_metadata);
        all.into_iter().flatten().filter_map(|(name, value)| {
            let words = name.strip_prefix(TOLD)?.split('-');
            let name = words
                .map(|w| w[..1].to_ascii_uppercase() + &w[1..])
                .collect();
            Some((name, value))
        })
    }

    /// Time of the last change, since 1970, if the service told.
    #[must_use]
    pub fn last_modified(&self) -> Option<Duration> {
        let at: SystemTime = self.metadata.as_ref()?.last_modified()?.into();
        at.duration_since(SystemTime::UNIX_EPOCH).ok()
    }
}
