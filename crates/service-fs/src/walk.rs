//! Listings: one level, or everything below.

use std::collections::{HashSet, VecDeque};
use std::fs::{self, DirEntry, Metadata as FsMetadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use opendal_core::raw::{Timestamp, oio};
use opendal_core::{Metadata, MetadataBuilder, Result};

use opendalfs_core::staged::TEMPORARY_PREFIX;

use crate::confine::Root;
use crate::fault::failed;

/// What the disk says of an entry.
pub(crate) fn metadata_of(found: &FsMetadata) -> Result<Metadata> {
    let mut builder = if found.is_dir() {
        MetadataBuilder::dir()
    } else {
        MetadataBuilder::file(found.len())
    };
    if let Ok(at) = found.modified() {
        builder.last_modified(Timestamp::try_from(at)?);
        if !found.is_dir() {
            builder.etag(version_of(found, at));
        }
    }
    Ok(builder.build())
}

/// A name for this state of a file: another one after each write through a rename, and after
/// each change in place that moves the clock or the size.
fn version_of(found: &FsMetadata, modified: SystemTime) -> String {
    let at = modified
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(found);
    #[cfg(not(unix))]
    let number = 0;
    format!("\"{number:x}-{:x}-{:x}\"", at.as_nanos(), found.len())
}

/// Entries below `key` (`/` or `dir/`), or beside it those that begin with it (`dir/na`).
pub(crate) fn list(root: &Root, key: &str, is_recursive: bool) -> Result<VecDeque<oio::Entry>> {
    let (dir_key, start) = match key {
        "/" => ("", ""),
        _ => key.split_at(key.rfind('/').map_or(0, |at| at + 1)),
    };
    let dir = root
        .resolve(if dir_key.is_empty() { "/" } else { dir_key }, true)
        .map_err(failed)?;
    let mut out = VecDeque::new();
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(e) if is_gone(&e) => return Ok(out),
        Err(e) => return Err(failed(e)),
    };
    if start.is_empty() {
        // The directory is there, though it may be empty.
        out.push_back(oio::Entry::new(dir_key, MetadataBuilder::dir().build()));
    }
    let mut walk = Walk {
        root,
        is_recursive,
        seen: HashSet::new(),
        out,
    };
    walk.level(entries, dir_key, start)?;
    Ok(walk.out)
}

struct Walk<'a> {
    root: &'a Root,
    is_recursive: bool,
    /// Real places of directories entered through links: a link may lead to its own parent.
    seen: HashSet<PathBuf>,
    out: VecDeque<oio::Entry>,
}

impl Walk<'_> {
    fn level(&mut self, entries: fs::ReadDir, dir_key: &str, start: &str) -> Result<()> {
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(TEMPORARY_PREFIX) || !name.starts_with(start) {
                continue;
            }
            let Some((found, is_link)) = self.look(&entry) else {
                continue;
            };
            let mut key = format!("{dir_key}{name}");
            if !found.is_dir() {
                self.out
                    .push_back(oio::Entry::with(key, metadata_of(&found)?));
                continue;
            }
            key.push('/');
            self.out
                .push_back(oio::Entry::new(&key, metadata_of(&found)?));
            if self.is_recursive && self.may_enter(&entry.path(), is_link) {
                match fs::read_dir(entry.path()) {
                    Ok(below) => self.level(below, &key, "")?,
                    Err(e) if is_gone(&e) => {}
                    Err(e) => return Err(failed(e)),
                }
            }
        }
        Ok(())
    }

    /// What an entry is, links followed while they stay below the root. `None`: gone since.
    fn look(&self, entry: &DirEntry) -> Option<(FsMetadata, bool)> {
        let own = entry.metadata().ok()?;
        if !own.is_symlink() {
            return Some((own, false));
        }
        let path = entry.path();
        if !self.root.contains(&path) {
            return Some((own, true));
        }
        Some((fs::metadata(&path).unwrap_or(own), true))
    }

    fn may_enter(&mut self, path: &Path, is_link: bool) -> bool {
        if !is_link {
            return true;
        }
        let Ok(real) = path.canonicalize() else {
            return false;
        };
        !path.starts_with(&real) && self.seen.insert(real)
    }
}

fn is_gone(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
