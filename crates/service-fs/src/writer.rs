//! Writes that appear whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use opendal_core::raw::{OpWrite, oio};
use opendal_core::{Buffer, Error, ErrorKind, Metadata, Result};
use opendalfs_core::staged::StagedFile;

use crate::confine::Root;
use crate::fault::failed;
use crate::walk::metadata_of;

/// Make a directory and those above it. A file in the way is no directory, rather than
/// something that exists already.
pub(crate) fn make_dirs(path: &Path) -> io::Result<()> {
    match std::fs::create_dir_all(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            Err(io::ErrorKind::NotADirectory.into())
        }
        other => other,
    }
}

/// A file on its way to `target`, whose directory is made.
pub(crate) fn staged_for(target: &Path) -> io::Result<StagedFile> {
    make_dirs(target.parent().unwrap_or(Path::new("/")))?;
    StagedFile::create(target)
}

/// Where a write to `path` must land: at the far end of a symbolic link.
pub(crate) fn target_of(path: PathBuf) -> PathBuf {
    if path.is_symlink() {
        return path.canonicalize().unwrap_or(path);
    }
    path
}

enum Sink {
    /// Nothing was written yet.
    New,
    Staged(StagedFile),
    Closed,
}

/// Writer of one file.
pub(crate) struct Writer {
    root: Root,
    key: String,
    args: OpWrite,
    sink: Sink,
}

impl Writer {
    pub(crate) fn new(root: Root, key: &str, args: OpWrite) -> Self {
        Writer {
            root,
            key: key.to_owned(),
            args,
            sink: Sink::New,
        }
    }

    fn target(&self) -> Result<PathBuf> {
        Ok(target_of(
            self.root.resolve(&self.key, true).map_err(failed)?,
        ))
    }

    fn open(&mut self) -> Result<&mut dyn Write> {
        if matches!(self.sink, Sink::New) {
            let target = self.target()?;
            let staged = staged_for(&target).map_err(failed)?;
            if self.args.append() {
                // On a copy, which shares the extents where the file system can: an append
                // that fails leaves the file as it was.
                match File::open(&target) {
                    Ok(mut present) => {
                        io::copy(&mut present, &mut staged.file()).map_err(failed)?;
                    }
                    Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                    Err(e) => return Err(failed(e)),
                }
            }
            self.sink = Sink::Staged(staged);
        }
        match &mut self.sink {
            Sink::Staged(file) => Ok(file),
            Sink::New | Sink::Closed => {
                Err(Error::new(ErrorKind::Unexpected, "the file is closed"))
            }
        }
    }
}

impl oio::Write for Writer {
    async fn write(&mut self, bytes: Buffer) -> Result<()> {
        let sink = self.open()?;
        for piece in bytes {
            sink.write_all(&piece).map_err(failed)?;
        }
        Ok(())
    }

    async fn close(&mut self) -> Result<Metadata> {
        self.open()?;
        let target = self.target()?;
        match std::mem::replace(&mut self.sink, Sink::Closed) {
            Sink::Staged(file) if self.args.if_not_exists() => {
                file.publish_new().map_err(|e| match e.kind() {
                    io::ErrorKind::AlreadyExists => Error::new(ErrorKind::ConditionNotMatch, ""),
                    _ => failed(e),
                })?;
            }
            Sink::Staged(file) => file.publish().map_err(failed)?,
            Sink::New | Sink::Closed => {}
        }
        metadata_of(&std::fs::metadata(&target).map_err(failed)?)
    }

    async fn abort(&mut self) -> Result<()> {
        self.sink = Sink::Closed;
        Ok(())
    }
}
