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
    let (seconds, nanos) = (at.as_secs(), at.subsec_nanos());
    format!("\"{number:x}-{seconds:x}.{nanos:x}-{:x}\"", found.len())
}

/// How much of each entry is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Names, and which are directories: what a directory itself tells.
    Names,
    /// Sizes and times too: a look at each file.
    Everything,
}

/// Something found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) key: String,
    pub(crate) is_dir: bool,
    /// Asked for, and there.
    pub(crate) metadata: Option<FsMetadata>,
}

/// Entries for OpenDAL; see [`walk`]. The first is the directory itself.
pub(crate) fn list(root: &Root, key: &str, is_recursive: bool) -> Result<VecDeque<oio::Entry>> {
    let (dir_key, start) = split(key);
    let mut out = VecDeque::new();
    let Some(found) = walk(root, key, is_recursive, Depth::Everything)? else {
        return Ok(out);
    };
    if start.is_empty() {
        // The directory is there, though it may be empty.
        out.push_back(oio::Entry::new(dir_key, MetadataBuilder::dir().build()));
    }
    for one in found {
        let metadata = match &one.metadata {
            Some(found) => metadata_of(found)?,
            None => MetadataBuilder::dir().build(),
        };
        out.push_back(oio::Entry::with(one.key, metadata));
    }
    Ok(out)
}

fn split(key: &str) -> (&str, &str) {
    match key {
        "/" => ("", ""),
        _ => key.split_at(key.rfind('/').map_or(0, |at| at + 1)),
    }
}

/// What is below `key` (`/` or `dir/`), or beside it and begins with it (`dir/na`). `None`: there
/// is no such directory.
pub(crate) fn walk(
    root: &Root,
    key: &str,
    is_recursive: bool,
    depth: Depth,
) -> Result<Option<Vec<Found>>> {
    let (dir_key, start) = split(key);
    let dir = root
        .resolve(if dir_key.is_empty() { "/" } else { dir_key }, true)
        .map_err(failed)?;
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(e) if is_gone(&e) => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    let mut walk = Walk {
        root,
        is_recursive,
        depth,
        seen: HashSet::new(),
        to_enter: Vec::new(),
        out: Vec::new(),
    };
    walk.level(entries, dir_key, start)?;
    // A list rather than recursion: trees may be deeper than a stack, or than there are files
    // to be had open.
    while let Some((dir, dir_key)) = walk.to_enter.pop() {
        match fs::read_dir(dir) {
            Ok(entries) => walk.level(entries, &dir_key, "")?,
            Err(e) if is_gone(&e) => {}
            Err(e) => return Err(failed(e)),
        }
    }
    Ok(Some(walk.out))
}

struct Walk<'a> {
    root: &'a Root,
    is_recursive: bool,
    depth: Depth,
    /// Real places of directories entered through links: a link may lead to its own parent.
    seen: HashSet<PathBuf>,
    /// Directories found and not yet looked into, with their keys.
    to_enter: Vec<(PathBuf, String)>,
    out: Vec<Found>,
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
            let Some((is_dir, is_link, metadata)) = self.kind(&entry) else {
                continue;
            };
            let mut key = String::with_capacity(dir_key.len() + name.len() + 1);
            key.push_str(dir_key);
            key.push_str(&name);
            if !is_dir {
                self.out.push(Found {
                    key,
                    is_dir,
                    metadata,
                });
                continue;
            }
            key.push('/');
            if self.is_recursive && self.may_enter(&entry.path(), is_link) {
                self.to_enter.push((entry.path(), key.clone()));
            }
            self.out.push(Found {
                key,
                is_dir,
                metadata,
            });
        }
        Ok(())
    }

    /// Whether an entry is a directory, whether a link leads there, and what else was asked.
    fn kind(&self, entry: &DirEntry) -> Option<(bool, bool, Option<FsMetadata>)> {
        if self.depth == Depth::Names {
            let kind = entry.file_type().ok()?;
            if !kind.is_symlink() {
                return Some((kind.is_dir(), false, None));
            }
        }
        let (found, is_link) = self.look(entry)?;
        Some((found.is_dir(), is_link, Some(found)))
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
