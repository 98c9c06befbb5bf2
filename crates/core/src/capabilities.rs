//! What users can rely on, by the names they are told.

use crate::error::Result;
use crate::service::Writes;
use crate::store::Store;

impl Store {
    /// What the store can do, by name. No request is made.
    ///
    /// # Errors
    /// Those of making an operator.
    pub fn capabilities(&self) -> Result<Vec<(&'static str, bool)>> {
        let (own, can) = (self.own_capability()?, self.capability()?);
        let service = self.service();
        Ok(vec![
            ("read", can.read),
            ("pinned_reads", can.read_with_if_match),
            ("versions", can.read_with_version),
            ("write", can.write),
            (
                "atomic_write",
                can.write && service.writes != Writes::Visible,
            ),
            ("create_only", can.write_with_if_not_exists),
            ("multipart", own.write_can_multi),
            ("append", can.write_can_append && !self.has_implicit_dirs()),
            ("user_metadata", can.write_with_user_metadata),
            ("content_type", can.write_with_content_type),
            ("delete", can.delete),
            ("bulk_delete", can.delete_max_size.is_some_and(|n| n > 1)),
            ("list", can.list),
            ("list_recursive", own.list_with_recursive),
            ("copy", can.copy),
            ("rename", can.rename),
            ("sign", can.presign || service.extras.is_some()),
            ("directories", !self.has_implicit_dirs()),
            ("buckets", service.extension.is_some()),
        ])
    }
}
