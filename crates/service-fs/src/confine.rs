//! Paths that stay below a root.

use std::io;
use std::path::{Path, PathBuf};

/// A directory that paths must not leave.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    path: PathBuf,
    /// The whole disk: nothing to leave.
    is_everything: bool,
}

impl Root {
    /// The root at `path`, made if it is missing.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        let path = path.canonicalize()?;
        Ok(Root {
            is_everything: path.parent().is_none(),
            path,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where a key lies on disk. Every directory on the way, and with `follow` the entry
    /// itself, must resolve to a place below the root. Segments `.` and `..` were refused
    /// before.
    pub(crate) fn resolve(&self, key: &str, follow: bool) -> io::Result<PathBuf> {
        if key == "/" {
            return Ok(self.path.clone());
        }
        let full = self.path.join(key.trim_end_matches('/'));
        if self.is_everything {
            return Ok(full);
        }
        let mut probe = full.as_path();
        if !follow {
            probe = probe.parent().unwrap_or(&self.path);
        }
        loop {
            match probe.canonicalize() {
                Ok(real) if real.starts_with(&self.path) => return Ok(full),
                Ok(_) => return Err(escape()),
                // A dangling link would be created at its far end.
                Err(_) if probe.is_symlink() => return Err(escape()),
                Err(e) if e.kind() == io::ErrorKind::NotFound => match probe.parent() {
                    Some(parent) => probe = parent,
                    None => return Err(escape()),
                },
                // A file where a directory was named: the operation itself will tell.
                Err(e) if e.kind() == io::ErrorKind::NotADirectory => return Ok(full),
                Err(e) => return Err(e),
            }
        }
    }

    /// Whether something found while walking may be shown through a link.
    pub(crate) fn contains(&self, path: &Path) -> bool {
        self.is_everything || path.canonicalize().is_ok_and(|p| p.starts_with(&self.path))
    }
}

fn escape() -> io::Error {
    io::Error::new(
        io::ErrorKind::PermissionDenied,
        "the path leads out of the root through a symbolic link",
    )
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_out_of_the_root_are_refused_and_links_inside_are_not() {
        let outside = tempfile::tempdir().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let root = Root::open(dir.path()).unwrap();
        std::fs::create_dir(dir.path().join("d")).unwrap();
        symlink(outside.path(), dir.path().join("out")).unwrap();
        symlink(dir.path().join("d"), dir.path().join("in")).unwrap();
        symlink("/nowhere", dir.path().join("dangling")).unwrap();
        assert!(root.resolve("in/x", true).is_ok());
        assert!(root.resolve("d/new/deep", true).is_ok());
        for key in ["out", "out/x", "out/new/deep", "dangling"] {
            assert!(root.resolve(key, true).is_err(), "{key}");
        }
        // The link itself may be removed.
        assert!(root.resolve("out", false).is_ok());
    }
}
