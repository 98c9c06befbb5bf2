//! OpenDAL's `Service` trait over `std::fs`.
//!
//! Calls run where they are polled: for files of ordinary size the disk cache answers in less
//! time than a hop to another thread takes. Long reads and copies go to a blocking thread.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use opendal_core::raw::{
    OpCopy, OpCreateDir, OpDelete, OpList, OpPresign, OpRead, OpRename, OpStat, OpWrite,
    RpCreateDir, RpPresign, RpRead, RpRename, RpStat, Service, ServiceInfo, oio,
};
use opendal_core::{
    Buffer, BytesRange, Capability, Error, ErrorKind, MetadataBuilder, OperationContext, Result,
};

use opendalfs_core::content_range;

use crate::confine::Root;
use crate::fault::failed;
use crate::walk::{self, metadata_of};
use crate::writer::{Writer, make_dirs, staged_for, target_of};

/// Reads beyond this go to a blocking thread.
const LONG_READ_BYTES: u64 = 1 << 20;

/// Configuration of the backend.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    pub(crate) root: PathBuf,
}

impl opendal_core::Builder for Builder {
    /// The house's options come through the builder; OpenDAL's own way in is not used.
    type Config = ();

    fn build(self) -> Result<impl Service> {
        let root = Root::open(&self.root).map_err(failed)?;
        Ok(Backend {
            info: ServiceInfo::new(crate::SCHEME, root.path().to_string_lossy(), ""),
            root,
        })
    }
}

#[derive(Clone, Debug)]
struct Backend {
    info: ServiceInfo,
    root: Root,
}

impl Backend {
    fn resolve(&self, path: &str) -> Result<PathBuf> {
        self.root.resolve(path, true).map_err(failed)
    }
}

impl Service for Backend {
    type Reader = oio::StreamReader<Reader>;
    type Writer = Writer;
    type Lister = Lister;
    type Deleter = oio::OneShotDeleter<Deleter>;
    type Copier = oio::OneShotCopier;
    type Composer = ();

    fn info(&self) -> ServiceInfo {
        self.info.clone()
    }

    fn capability(&self) -> Capability {
        Capability {
            stat: true,
            read: true,
            read_with_suffix: true,
            read_with_if_match: true,
            write: true,
            write_can_empty: true,
            write_can_append: true,
            write_can_multi: true,
            write_with_if_not_exists: true,
            create_dir: true,
            delete: true,
            list: true,
            list_with_recursive: true,
            copy: true,
            rename: true,
            shared: true,
            ..Default::default()
        }
    }

    async fn create_dir(
        &self,
        _: &OperationContext,
        path: &str,
        _: OpCreateDir,
    ) -> Result<RpCreateDir> {
        fs::create_dir_all(self.resolve(path)?).map_err(failed)?;
        Ok(RpCreateDir::default())
    }

    async fn stat(&self, _: &OperationContext, path: &str, _: OpStat) -> Result<RpStat> {
        let found = fs::metadata(self.resolve(path)?).map_err(failed)?;
        if path.ends_with('/') && !found.is_dir() {
            return Err(Error::new(ErrorKind::NotFound, ""));
        }
        Ok(RpStat::new(metadata_of(&found)?))
    }

    fn read(&self, _: &OperationContext, path: &str, args: OpRead) -> Result<Self::Reader> {
        Ok(oio::StreamReader::new(Reader {
            backend: self.clone(),
            path: path.to_owned(),
            if_match: args.if_match().map(str::to_owned),
        }))
    }

    fn write(&self, _: &OperationContext, path: &str, args: OpWrite) -> Result<Self::Writer> {
        Ok(Writer::new(self.root.clone(), path, args))
    }

    fn delete(&self, _: &OperationContext) -> Result<Self::Deleter> {
        Ok(oio::OneShotDeleter::new(Deleter(self.clone())))
    }

    fn list(&self, _: &OperationContext, path: &str, args: OpList) -> Result<Self::Lister> {
        Ok(Lister::New(
            self.root.clone(),
            path.to_owned(),
            args.recursive(),
        ))
    }

    fn copy(&self, _: &OperationContext, from: &str, to: &str, _: OpCopy) -> Result<Self::Copier> {
        let (backend, from, to) = (self.clone(), from.to_owned(), to.to_owned());
        Ok(oio::OneShotCopier::new(async move {
            blocking(true, move || {
                let target = target_of(backend.resolve(&to)?);
                let mut source = File::open(backend.resolve(&from)?).map_err(failed)?;
                let mode = source.metadata().map_err(failed)?.permissions();
                let staged = staged_for(&target).map_err(failed)?;
                // Inside the kernel, sharing extents where the file system can.
                let size = io::copy(&mut source, &mut staged.file()).map_err(failed)?;
                staged.set_permissions(mode).map_err(failed)?;
                staged.publish().map_err(failed)?;
                Ok(MetadataBuilder::file(size).build())
            })
            .await
        }))
    }

    async fn rename(
        &self,
        _: &OperationContext,
        from: &str,
        to: &str,
        _: OpRename,
    ) -> Result<RpRename> {
        let from = self.root.resolve(from, false).map_err(failed)?;
        let to = self.root.resolve(to, false).map_err(failed)?;
        if let Some(parent) = to.parent() {
            fs::symlink_metadata(&from).map_err(failed)?;
            make_dirs(parent).map_err(failed)?;
        }
        fs::rename(from, to).map_err(failed)?;
        Ok(RpRename::default())
    }

    async fn presign(&self, _: &OperationContext, _: &str, _: OpPresign) -> Result<RpPresign> {
        Err(Error::new(ErrorKind::Unsupported, ""))
    }
}

/// Run on a blocking thread when it may take long.
async fn blocking<T: Send + 'static>(
    is_long: bool,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    if !is_long {
        return work();
    }
    tokio::task::spawn_blocking(work).await.map_err(|e| {
        Error::new(ErrorKind::Unexpected, "the blocking task ended early").set_source(e)
    })?
}

struct Reader {
    backend: Backend,
    path: String,
    if_match: Option<String>,
}

impl oio::StreamRead for Reader {
    async fn open(&self, range: BytesRange) -> Result<(RpRead, Box<dyn oio::ReadStreamDyn>)> {
        let file = File::open(self.backend.resolve(&self.path)?).map_err(failed)?;
        let found = file.metadata().map_err(failed)?;
        if found.is_dir() {
            return Err(Error::new(ErrorKind::IsADirectory, ""));
        }
        let metadata = metadata_of(&found)?;
        if self.if_match.is_some() && self.if_match.as_deref() != metadata.etag() {
            return Err(Error::new(ErrorKind::ConditionNotMatch, ""));
        }
        let range = content_range(range, found.len())?;
        let is_long = range.end - range.start > LONG_READ_BYTES;
        let bytes = blocking(is_long, move || read_at(&file, range)).await?;
        Ok((RpRead::new(metadata), Box::new(bytes)))
    }
}

fn read_at(file: &File, range: std::ops::Range<u64>) -> Result<Buffer> {
    use std::io::{Read, Seek, SeekFrom};
    let length = range.end - range.start;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    let mut file = file;
    file.seek(SeekFrom::Start(range.start)).map_err(failed)?;
    file.take(length).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Buffer::from(bytes))
}

enum Lister {
    New(Root, String, bool),
    Found(VecDeque<oio::Entry>),
}

impl oio::List for Lister {
    async fn next(&mut self) -> Result<Option<oio::Entry>> {
        if let Lister::New(root, path, is_recursive) = self {
            *self = Lister::Found(walk::list(root, path, *is_recursive)?);
        }
        match self {
            Lister::Found(entries) => Ok(entries.pop_front()),
            Lister::New(..) => Ok(None),
        }
    }
}

struct Deleter(Backend);

impl oio::OneShotDelete for Deleter {
    async fn delete_once(&self, path: String, _: OpDelete) -> Result<()> {
        let full = self.0.root.resolve(&path, false).map_err(failed)?;
        let gone = if path.ends_with('/') {
            fs::remove_dir(full)
        } else {
            fs::remove_file(full)
        };
        match gone {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opendal_core::Operator;

    fn operator() -> (tempfile::TempDir, Operator) {
        let dir = tempfile::tempdir().unwrap();
        let op = Operator::new(Builder {
            root: dir.path().into(),
        })
        .unwrap();
        (dir, op)
    }

    #[tokio::test]
    async fn an_aborted_write_keeps_the_old_file_and_leaves_no_other() {
        let (dir, op) = operator();
        op.write("f", "old").await.unwrap();
        let mut writer = op.writer("f").await.unwrap();
        writer.write("new").await.unwrap();
        writer.abort().await.unwrap();
        assert_eq!(op.read("f").await.unwrap().to_vec(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn create_only_writes_keep_what_is_there() {
        let (_dir, op) = operator();
        op.write("f", "old").await.unwrap();
        let err = op
            .write_with("f", "new")
            .if_not_exists(true)
            .await
            .unwrap_err();
        assert_eq!(err.kind(), ErrorKind::ConditionNotMatch);
        assert_eq!(op.read("f").await.unwrap().to_vec(), b"old");
    }

    #[tokio::test]
    async fn unfinished_files_are_not_listed() {
        let (_dir, op) = operator();
        let mut writer = op.writer("d/f").await.unwrap();
        writer.write("new").await.unwrap();
        let names: Vec<String> = op
            .list_with("/")
            .recursive(true)
            .await
            .unwrap()
            .iter()
            .map(|e| e.path().to_owned())
            .collect();
        assert_eq!(names, ["/", "d/"]);
        writer.abort().await.unwrap();
    }
}
