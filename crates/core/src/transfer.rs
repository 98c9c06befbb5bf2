//! Copies and moves inside a store, and between a store and the local disk.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use opendal_core::options::CopyOptions;
use opendal_core::{Buffer, BytesRange, ErrorKind};

use crate::answer::First;
use crate::error::{Error, Kind, Result};
use crate::info::Info;
use crate::pin::Pin;
use crate::read::ObjectReader;
use crate::staged::StagedFile;
use crate::store::Store;
use crate::target::{FilePart, Sink};
use crate::write::WriteOptions;

/// Told what moved: the total once it is known, then each piece. Called on I/O threads.
pub(crate) trait Progress: Send + Sync {
    /// The size of the file, in bytes.
    fn total(&self, bytes: u64);
    /// More bytes moved.
    fn moved(&self, bytes: u64);
}

/// For those who ask for no progress.
pub(crate) fn silent() -> Arc<dyn Progress> {
    Arc::new(())
}

/// Tells of what goes into a part of a file.
struct Counted {
    inner: FilePart,
    progress: Arc<dyn Progress>,
    /// Bytes that come again and were told of.
    told: u64,
}

impl Sink for Counted {
    fn put(&mut self, piece: Buffer) -> Result<()> {
        let bytes = piece.len() as u64;
        self.inner.put(piece)?;
        let known = bytes.min(self.told);
        self.told -= known;
        self.progress.moved(bytes - known);
        Ok(())
    }

    fn rewind(&mut self, bytes: u64) -> bool {
        self.told += bytes;
        self.inner.rewind(bytes)
    }
}

impl Progress for () {
    fn total(&self, _: u64) {}
    fn moved(&self, _: u64) {}
}

impl Store {
    /// Copy one file: on the service where it can, through this machine where it cannot.
    ///
    /// # Errors
    /// `NotFound`; `IsADirectory`.
    pub async fn copy(&self, from: &str, to: &str) -> Result<()> {
        self.copy_with(from, to, &WriteOptions::default(), &silent())
            .await
            .map(drop)
    }

    /// The result is what was copied.
    pub(crate) async fn copy_with(
        &self,
        from: &str,
        to: &str,
        how: &WriteOptions,
        progress: &Arc<dyn Progress>,
    ) -> Result<Info> {
        let source = self.file_place("copy", from)?;
        let target = self.file_place("copy", to)?;
        let info = self
            .stat_file("copy", from)
            .await
            .map_err(|e| e.at("copy", from, self.scheme()))?;
        progress.total(info.size);
        if source.path == target.path && !how.has_changes() && !self.inner.is_derived {
            progress.moved(info.size);
            return Ok(info);
        }
        if let Some(extras) = self.extras() {
            let copied = extras.copy(self.spot(&source)?, self.spot(&target)?, info.size, how);
            copied
                .await
                .map_err(|e| e.at("copy", from, self.scheme()))?;
            progress.moved(info.size);
            return Ok(info);
        }
        if !how.has_changes()
            && source.operator().info().capability().copy
            && source.is_same_store(&target)
        {
            let options = CopyOptions {
                source_content_length_hint: Some(info.size),
                concurrent: self.part_concurrency(),
                ..Default::default()
            };
            let copied = source
                .operator()
                .copy_options(&source.wire(), &target.wire(), options)
                .await;
            match copied {
                Ok(_) => {
                    progress.moved(info.size);
                    return Ok(info);
                }
                Err(e) if e.kind() == ErrorKind::IsSameFile => return Ok(info),
                Err(e) => return Err(self.error("copy", &source, &e)),
            }
        }
        self.copy_through(from, to, how, progress).await?;
        Ok(info)
    }

    async fn copy_through(
        &self,
        from: &str,
        to: &str,
        how: &WriteOptions,
        progress: &Arc<dyn Progress>,
    ) -> Result<()> {
        let reader = self.open_reader(from).await?;
        let metadata = reader.info().metadata.as_ref();
        let kept = |new: &Option<String>, old: Option<&str>| {
            new.clone().or_else(|| old.map(str::to_owned))
        };
        let own = reader.info().user_metadata().map(|user| {
            user.map(|(k, v)| (k.to_owned(), v.to_owned()))
                .collect::<Vec<_>>()
        });
        let how = WriteOptions {
            content_type: kept(&how.content_type, metadata.and_then(|m| m.content_type())),
            cache_control: kept(&how.cache_control, metadata.and_then(|m| m.cache_control())),
            content_encoding: kept(
                &how.content_encoding,
                metadata.and_then(|m| m.content_encoding()),
            ),
            content_disposition: kept(
                &how.content_disposition,
                metadata.and_then(|m| m.content_disposition()),
            ),
            metadata: how.metadata.clone().or(own),
            ..Default::default()
        };
        let size = reader.info().size;
        let step = self.step();
        if size <= step {
            let bytes = reader.read(0, size).await?;
            self.write(to, bytes, &how).await?;
            progress.moved(size);
            return Ok(());
        }
        let mut writer = self.open_writer(to, &how).await?;
        let mut at = 0;
        while at < size {
            let piece = next_piece(&reader, at, step).await?;
            let len = piece.len() as u64;
            writer.write(piece).await?;
            at += len;
            progress.moved(len);
        }
        writer.close().await?;
        Ok(())
    }

    /// Bytes that one turn of a streaming loop moves.
    fn step(&self) -> u64 {
        (self.part_bytes() * self.part_concurrency()) as u64
    }

    /// Move one file: a rename where the service has one, else a copy and a removal.
    ///
    /// # Errors
    /// As [`Store::copy`].
    pub async fn rename(&self, from: &str, to: &str) -> Result<()> {
        let source = self.file_place("mv", from)?;
        let target = self.file_place("mv", to)?;
        if source.path == target.path {
            self.stat(from).await?;
            return Ok(());
        }
        if source.operator().info().capability().rename && source.is_same_store(&target) {
            return source
                .operator()
                .rename(&source.wire(), &target.wire())
                .await
                .map_err(|e| self.error("mv", &source, &e));
        }
        let (how, quiet) = (WriteOptions::default(), silent());
        let copied = self.copy_with(from, to, &how, &quiet).await?;
        self.still_is(from, &copied).await?;
        source
            .operator()
            .delete_options(&source.wire(), source.delete_options())
            .await
            .map_err(|e| self.error("mv", &source, &e))
    }

    /// Check that a file is what was copied of it: what somebody else wrote meanwhile must not
    /// be removed.
    async fn still_is(&self, path: &str, copied: &Info) -> Result<()> {
        let pin = copied.metadata.as_ref().map(Pin::of).unwrap_or_default();
        let now = self.stat_file("mv", path).await?;
        let held = now.metadata.as_ref().map_or(Ok(()), |now| pin.check(now));
        held.map_err(|e| {
            let why = "the copy that was made of it before stays beside it";
            e.with_remark(why).at("mv", path, self.scheme())
        })
    }

    /// Download one file. The local file appears whole or not at all.
    ///
    /// # Errors
    /// `NotFound`; those of the local disk.
    pub async fn download(&self, from: &str, to: &Path) -> Result<()> {
        self.download_with(from, to, &silent()).await
    }

    pub(crate) async fn download_with(
        &self,
        from: &str,
        to: &Path,
        progress: &Arc<dyn Progress>,
    ) -> Result<()> {
        let local = |e: &std::io::Error| {
            Error::from_io(e).at("get", &to.to_string_lossy(), "the local disk")
        };
        let place = self.file_place("get", from)?;
        let first = self.begin(&place, BytesRange::default()).await?;
        let file = StagedFile::create(to).map_err(|e| local(&e))?;
        let open = Arc::new(file.file().try_clone().map_err(|e| local(&e))?);
        let (name, told) = (Arc::<Path>::from(to), Arc::clone(progress));
        let sink = move |range: Range<u64>| Counted {
            inner: FilePart {
                file: Arc::clone(&open),
                at: range.start,
                path: Arc::clone(&name),
            },
            progress: Arc::clone(&told),
            told: 0,
        };
        match first {
            First::Nothing => progress.total(0),
            First::Whole(answer) => {
                let size = self.stat_file("get", from).await?.size;
                progress.total(size);
                self.drain(&place, answer, &mut sink(0..size)).await?;
            }
            First::Sized(head) => {
                progress.total(head.span.end);
                self.finish(&place, head, sink).await?;
            }
        }
        file.sync().map_err(|e| local(&e))?;
        file.publish().map_err(|e| local(&e))?;
        Ok(())
    }

    /// Upload one local file.
    ///
    /// # Errors
    /// As [`Store::write`]; those of the local disk.
    pub async fn upload(&self, from: &Path, to: &str, how: &WriteOptions) -> Result<()> {
        self.upload_with(from, to, how, &silent()).await
    }

    pub(crate) async fn upload_with(
        &self,
        from: &Path,
        to: &str,
        how: &WriteOptions,
        progress: &Arc<dyn Progress>,
    ) -> Result<()> {
        let local = |e: &std::io::Error| {
            Error::from_io(e).at("put", &from.to_string_lossy(), "the local disk")
        };
        let mut file = File::open(from).map_err(|e| local(&e))?;
        let size = file.metadata().map_err(|e| local(&e))?.len();
        progress.total(size);
        let part = how.part_bytes.unwrap_or(self.part_bytes());
        let single = 2 * part as u64;
        if size <= single && !how.append {
            let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
            file.read_to_end(&mut bytes).map_err(|e| local(&e))?;
            let len = bytes.len() as u64;
            self.write(to, Buffer::from(bytes), how).await?;
            progress.moved(len);
            return Ok(());
        }
        let mut writer = self.open_writer(to, how).await?;
        loop {
            let mut bytes = Vec::with_capacity(part);
            let n = (&mut file)
                .take(part as u64)
                .read_to_end(&mut bytes)
                .map_err(|e| local(&e))?;
            if n == 0 {
                break;
            }
            writer.write(Buffer::from(Bytes::from(bytes))).await?;
            progress.moved(n as u64);
        }
        writer.close().await?;
        Ok(())
    }
}

/// The next bytes of a file that must not be shorter than it was when it was opened.
async fn next_piece(reader: &ObjectReader, at: u64, step: u64) -> Result<Buffer> {
    let piece = reader.read(at, at + step).await?;
    if piece.is_empty() {
        let name = &reader.info().name;
        return Err(Error::new(Kind::Changed, "it became shorter").at("read", name, ""));
    }
    Ok(piece)
}
