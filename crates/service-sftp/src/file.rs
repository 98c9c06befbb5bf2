//! Bytes of files: several requests are under way at once, in each direction.

use std::io::SeekFrom;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use opendal_core::raw::{OpWrite, RpRead, oio};
use opendal_core::{Buffer, BytesRange, Error, ErrorKind, Metadata, MetadataBuilder, Result};
use openssh_sftp_client::file::File;
use tokio::io::AsyncSeek;

use crate::backend::{Backend, metadata_of};
use crate::connection::Connection;

/// Requests of one file that are under way at once.
const AT_ONCE: usize = 16;
/// Bytes of one; a server that takes less is asked again.
const STEP: usize = 256 << 10;

/// The same file at another place; its own offset is nobody else's.
fn at(file: &File, offset: u64) -> Result<File> {
    let mut file = file.clone();
    // A seek of this kind asks nobody.
    Pin::new(&mut file)
        .start_seek(SeekFrom::Start(offset))
        .map_err(|e| Error::new(ErrorKind::Unexpected, "the offset is no offset").set_source(e))?;
    Ok(file)
}

pub(crate) struct Reader {
    pub(crate) backend: Backend,
    pub(crate) path: String,
}

impl oio::StreamRead for Reader {
    async fn open(&self, range: BytesRange) -> Result<(RpRead, Box<dyn oio::ReadStreamDyn>)> {
        let connection = self.backend.line.connection().await?;
        let path = self.backend.full(&self.path);
        let mut file = connection.ask(connection.sftp.open(&path)).await?;
        let metadata = metadata_of(&connection.ask(file.metadata()).await?);
        if metadata.is_dir() {
            return Err(Error::new(ErrorKind::IsADirectory, ""));
        }
        let range = opendalfs_core::content_range(range, metadata.content_length())?;
        let starts = range.clone().step_by(STEP);
        let pieces = futures::stream::iter(starts).map(move |start| {
            let end = range.end.min(start + STEP as u64);
            piece(Arc::clone(&connection), at(&file, start), start..end)
        });
        let stream = Stream(Mutex::new(pieces.buffered(AT_ONCE).boxed()));
        Ok((RpRead::new(metadata), Box::new(stream)))
    }
}

/// One piece; a server may give less than it was asked for, and is asked again.
async fn piece(
    connection: Arc<Connection>,
    file: Result<File>,
    range: std::ops::Range<u64>,
) -> Result<Buffer> {
    let file = file?;
    let mut parts = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let len = u32::try_from(range.end - start).unwrap_or(u32::MAX);
        let mut here = at(&file, start)?;
        let memory = BytesMut::with_capacity(len as usize);
        match connection.ask(here.read(len, memory)).await? {
            Some(bytes) if !bytes.is_empty() => {
                start += bytes.len() as u64;
                parts.push(bytes.freeze());
            }
            // Shorter than it was: whoever reads counts.
            _ => break,
        }
    }
    Ok(parts.into_iter().collect())
}

/// In a mutex for being shareable alone: it has one owner.
struct Stream(Mutex<BoxStream<'static, Result<Buffer>>>);

impl oio::ReadStream for Stream {
    async fn read(&mut self) -> Result<Buffer> {
        let stream = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        stream.next().await.unwrap_or_else(|| Ok(Buffer::new()))
    }
}

pub(crate) struct Writer {
    backend: Backend,
    path: String,
    is_new: bool,
    open: Option<(Arc<Connection>, File)>,
    written: u64,
}

impl Writer {
    pub(crate) fn new(backend: Backend, path: &str, args: &OpWrite) -> Self {
        Writer {
            backend,
            path: path.to_owned(),
            is_new: args.if_not_exists(),
            open: None,
            written: 0,
        }
    }

    async fn open(&mut self) -> Result<(Arc<Connection>, File)> {
        if let Some((connection, file)) = &self.open {
            return Ok((Arc::clone(connection), file.clone()));
        }
        let connection = self.backend.line.connection().await?;
        let path = self.backend.full(&self.path);
        let mut how = connection.sftp.options();
        how.write(true);
        match self.is_new {
            true => how.create_new(true),
            false => how.create(true).truncate(true),
        };
        let file = match connection.ask(how.open(&path)).await {
            Err(e) if e.kind() == ErrorKind::NotFound => {
                self.backend.make_parents(&connection, &path).await?;
                connection.ask(how.open(&path)).await?
            }
            Err(e) if e.kind() == ErrorKind::Unexpected => {
                // All that is said is that it failed.
                let there = self.backend.look(&connection, &path).await;
                return Err(match there {
                    Ok(found) if found.is_dir() => Error::new(ErrorKind::IsADirectory, ""),
                    Ok(_) if self.is_new => Error::new(ErrorKind::ConditionNotMatch, ""),
                    _ => e,
                });
            }
            other => other?,
        };
        self.open = Some((Arc::clone(&connection), file.clone()));
        Ok((connection, file))
    }
}

impl oio::Write for Writer {
    async fn write(&mut self, bytes: Buffer) -> Result<()> {
        let (connection, file) = self.open().await?;
        let (mut start, len) = (self.written, bytes.len() as u64);
        let mut pieces: Vec<(u64, Bytes)> = Vec::new();
        for mut bytes in bytes {
            while !bytes.is_empty() {
                let piece = bytes.split_to(bytes.len().min(STEP));
                let next = start + piece.len() as u64;
                pieces.push((start, piece));
                start = next;
            }
        }
        futures::stream::iter(pieces)
            .map(|(start, piece)| {
                let (here, connection) = (at(&file, start), &connection);
                async move { connection.ask(here?.write_all(&piece)).await }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        self.written += len;
        Ok(())
    }

    async fn close(&mut self) -> Result<Metadata> {
        let (connection, file) = self.open().await?;
        self.open = None;
        connection.ask(file.close()).await?;
        Ok(MetadataBuilder::file(self.written).build())
    }

    async fn abort(&mut self) -> Result<()> {
        self.open = None;
        Ok(())
    }
}
