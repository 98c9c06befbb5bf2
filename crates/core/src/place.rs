//! Where a path leads.

use std::borrow::Cow;
use std::sync::Arc;

use opendal_core::Operator;
use opendal_core::options::{DeleteOptions, StatOptions};
use opendal_core::raw::OpStat;

use crate::exact::disguise;

/// The ways to one container.
#[derive(Clone, Debug)]
pub(crate) struct Doors {
    pub(crate) operator: Operator,
    /// For reads and looks at one key. Without OpenDAL's check that a read returns as many bytes
    /// as were asked for: spans may reach past the end, and the first read of a file does not
    /// know where that is.
    pub(crate) reads: Operator,
}

/// Where a path leads: an operator and the key there.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) doors: Arc<Doors>,
    /// The bucket or container, where the service has them.
    pub(crate) container: Option<String>,
    /// The key, without a slash in front or a disguise.
    pub(crate) key: String,
    /// The version meant; the current one when there is none.
    pub(crate) version: Option<String>,
    /// What precedes keys in the names given to users: `bucket/`, `/` or nothing.
    pub(crate) prefix: String,
    /// The path as given.
    pub(crate) path: String,
}

/// An exact key as OpenDAL's operator takes it; `/` for the root.
pub(crate) fn wire_of(key: &str) -> Cow<'_, str> {
    match key {
        "" => "/".into(),
        key => disguise(key),
    }
}

impl Place {
    pub(crate) fn operator(&self) -> &Operator {
        &self.doors.operator
    }

    /// The same for reads; see [`Store::open`].
    pub(crate) fn reads(&self) -> &Operator {
        &self.doors.reads
    }

    /// The key as OpenDAL's operator takes it.
    pub(crate) fn wire(&self) -> Cow<'_, str> {
        disguise(&self.key)
    }

    /// The key as a directory: with a slash at its end, `/` for the root.
    pub(crate) fn wire_dir(&self) -> String {
        wire_of(&self.dir_key()).into_owned()
    }

    /// The exact key as a directory: nothing for the root.
    pub(crate) fn dir_key(&self) -> String {
        match self.key.as_str() {
            "" => String::new(),
            key => format!("{key}/"),
        }
    }

    pub(crate) fn name_of(&self, key: &str) -> String {
        let key = key.strip_suffix('/').unwrap_or(key);
        let mut name = String::with_capacity(self.prefix.len() + key.len());
        name.push_str(&self.prefix);
        name.push_str(key);
        name
    }

    /// Removes the version meant.
    pub(crate) fn delete_options(&self) -> DeleteOptions {
        DeleteOptions {
            version: self.version.clone(),
            ..Default::default()
        }
    }

    pub(crate) fn stat_options(&self) -> OpStat {
        StatOptions {
            version: self.version.clone(),
            ..Default::default()
        }
        .into()
    }

    /// Whether reads can be held to one version by its ETag.
    pub(crate) fn can_pin(&self) -> bool {
        self.operator().info().capability().read_with_if_match
    }

    pub(crate) fn is_same_store(&self, other: &Place) -> bool {
        Arc::ptr_eq(self.operator().service(), other.operator().service())
    }
}
