//! Local files that appear whole or not at all.
//!
//! Where the kernel and the file system can (Linux, most file systems) the file has no name
//! until it is published, so that nobody sees it and not even a killed process leaves anything
//! behind. Elsewhere it has a temporary name beside its target.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// How temporary names begin; listings leave them out.
pub const TEMPORARY_PREFIX: &str = ".opendalfs-";

/// A file on its way to a path.
#[derive(Debug)]
pub struct StagedFile {
    file: Stage,
    target: PathBuf,
}

#[derive(Debug)]
enum Stage {
    #[cfg(target_os = "linux")]
    Unnamed(File),
    Named(NamedTempFile),
}

impl StagedFile {
    /// Begin a file that is to appear at `target`, whose directory exists. It will have the
    /// mode of the file it replaces, or that of any new file.
    ///
    /// # Errors
    /// Those of the file system; `IsADirectory` when the target is one.
    pub fn create(target: &Path) -> io::Result<Self> {
        let old = std::fs::metadata(target).ok();
        if old.as_ref().is_some_and(std::fs::Metadata::is_dir) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let parent = match target.parent() {
            Some(p) if !p.as_os_str().is_empty() => p,
            _ => Path::new("."),
        };
        let staged = StagedFile {
            file: Stage::open(parent)?,
            target: target.to_owned(),
        };
        if let Some(old) = old {
            staged.set_permissions(old.permissions())?;
        }
        Ok(staged)
    }

    /// The open file.
    #[must_use]
    pub fn file(&self) -> &File {
        match &self.file {
            #[cfg(target_os = "linux")]
            Stage::Unnamed(file) => file,
            Stage::Named(file) => file.as_file(),
        }
    }

    /// Change the mode that the file will have.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn set_permissions(&self, permissions: Permissions) -> io::Result<()> {
        self.file().set_permissions(permissions)
    }

    /// Wait until the content is on the disk, so that no crash of the machine makes the name
    /// appear without it.
    ///
    /// # Errors
    /// Those of the file system: a full disk may show only here.
    pub fn sync(&self) -> io::Result<()> {
        self.file().sync_data()
    }

    /// Let the file appear, in place of what is there.
    ///
    /// # Errors
    /// Those of the file system; nothing has changed then.
    pub fn publish(self) -> io::Result<()> {
        match self.file {
            #[cfg(target_os = "linux")]
            Stage::Unnamed(file) => replace(&file, &self.target),
            Stage::Named(file) => file.persist(&self.target).map(drop).map_err(|e| e.error),
        }
    }

    /// Let the file appear unless there is one: `AlreadyExists`, atomically.
    ///
    /// # Errors
    /// Those of the file system; nothing has changed then.
    pub fn publish_new(self) -> io::Result<()> {
        match self.file {
            #[cfg(target_os = "linux")]
            Stage::Unnamed(file) => link(&file, &self.target),
            Stage::Named(file) => file
                .persist_noclobber(&self.target)
                .map(drop)
                .map_err(|e| e.error),
        }
    }
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stage {
    fn open(parent: &Path) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{Mode, OFlags, open};
            let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
            let mode = Mode::from_raw_mode(0o666);
            // Linking the file later needs /proc.
            if Path::new("/proc/self/fd").exists()
                && let Ok(fd) = open(parent, flags, mode)
            {
                return Ok(Stage::Unnamed(File::from(fd)));
            }
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(TEMPORARY_PREFIX);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // The umask takes its share, as it does for any new file.
            builder.permissions(Permissions::from_mode(0o666));
        }
        builder.tempfile_in(parent).map(Stage::Named)
    }
}

/// open(2), O_TMPFILE: how a file without a name gets one.
#[cfg(target_os = "linux")]
fn link(file: &File, target: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    use std::os::fd::AsRawFd;
    let source = format!("/proc/self/fd/{}", file.as_raw_fd());
    linkat(CWD, source.as_str(), CWD, target, AtFlags::SYMLINK_FOLLOW).map_err(io::Error::from)
}

#[cfg(target_os = "linux")]
fn replace(file: &File, target: &Path) -> io::Result<()> {
    match link(file, target) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        other => return other,
    }
    // A link replaces nothing; a rename does. The name is random and lives for a moment.
    let named = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .make_in(target.parent().unwrap_or(Path::new(".")), |name| {
            link(file, name)
        })?;
    named.persist(target).map(drop).map_err(|e| e.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap();
        entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_file_replaces_another_whole_and_keeps_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("f");
        std::fs::write(&target, "old").unwrap();
        let before = std::fs::metadata(&target).unwrap().permissions();
        let mut staged = StagedFile::create(&target).unwrap();
        staged.write_all(b"new").unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"old");
        staged.publish().unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"new");
        assert_eq!(std::fs::metadata(&target).unwrap().permissions(), before);
        assert_eq!(names(dir.path()), ["f"]);
    }

    #[test]
    fn a_dropped_file_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        drop(StagedFile::create(&dir.path().join("f")).unwrap());
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn publishing_a_new_file_never_replaces_one() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("f");
        let staged = StagedFile::create(&target).unwrap();
        std::fs::write(&target, "other").unwrap();
        let err = staged.publish_new().unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&target).unwrap(), b"other");
    }
}
