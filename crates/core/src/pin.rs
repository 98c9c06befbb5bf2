//! Which version of an object a read is held to.

use opendal_core::Metadata;

use crate::error::{Error, Kind, Result};

/// What was known of an object when a read of it began. Every later answer has to fit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pin {
    etag: Option<String>,
    /// In whole seconds: listings know more of them than the heads of answers.
    modified: Option<i64>,
    size: Option<u64>,
}

impl Pin {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Pin {
            etag: metadata.etag().map(str::to_owned),
            modified: metadata.last_modified().map(|t| t.into_inner().as_second()),
            size: Some(metadata.content_length()).filter(|n| *n > 0),
        }
    }

    /// The same with another size.
    pub(crate) fn of_size(self, size: u64) -> Self {
        Pin {
            size: Some(size),
            ..self
        }
    }

    /// For `If-Match`. A weak `ETag` never matches there.
    pub(crate) fn etag(&self) -> Option<&str> {
        self.etag.as_deref().filter(|e| !e.starts_with("W/"))
    }

    /// Whether this can tell two versions apart.
    pub(crate) fn holds(&self) -> bool {
        self.etag.is_some() || self.modified.is_some()
    }

    /// Compare with what came with another answer: not every server that takes an `If-Match`
    /// also obeys it.
    ///
    /// # Errors
    /// `Changed`.
    pub(crate) fn check(&self, found: &Metadata) -> Result<()> {
        let found = Pin::of(found);
        let is_same = match (&self.etag, &found.etag) {
            // Listings leave the quotes out.
            (Some(old), Some(new)) => old.trim_matches('"') == new.trim_matches('"'),
            _ => fits(self.modified.as_ref(), found.modified.as_ref()),
        };
        if is_same && fits(self.size.as_ref(), found.size.as_ref()) {
            return Ok(());
        }
        Err(Error::new(Kind::Changed, "it was replaced meanwhile"))
    }
}

fn fits<T: PartialEq>(old: Option<&T>, new: Option<&T>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => old == new,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opendal_core::MetadataBuilder;

    fn found(etag: Option<&str>, size: u64) -> Metadata {
        let mut out = MetadataBuilder::file(size);
        if let Some(etag) = etag {
            out.etag(etag);
        }
        out.build()
    }

    #[test]
    fn another_etag_or_size_is_another_version() {
        let pin = Pin::of(&found(Some("\"a\""), 3));
        assert!(pin.check(&found(Some("\"a\""), 3)).is_ok());
        assert!(pin.check(&found(Some("\"b\""), 3)).is_err());
        assert!(pin.check(&found(Some("\"a\""), 4)).is_err());
        assert!(pin.check(&found(None, 3)).is_ok());
        assert!(!Pin::default().holds());
    }

    #[test]
    fn a_weak_etag_is_compared_and_not_sent() {
        let pin = Pin::of(&found(Some("W/\"a\""), 3));
        assert_eq!(pin.etag(), None);
        assert!(pin.check(&found(Some("W/\"b\""), 3)).is_err());
    }
}
