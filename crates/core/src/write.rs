//! Writes: all of an object or nothing.
//!
//! An [`ObjectWriter`] is a task of its own that owns OpenDAL's writer. Whoever writes talks
//! to it through a channel, so that a caller who is cancelled in the middle never leaves an
//! upload half-initiated: the task ends the step it is in, then aborts. Dropping an
//! [`ObjectWriter`] without closing it aborts too. Where the answer to the last request was lost,
//! a look at the object tells whether it is there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opendal_core::{Buffer, ErrorKind, HttpTransporter, Metadata, Operator, Writer, options};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::error::{Error, Kind, Result};
use crate::info::Info;
use crate::place::Place;
use crate::runtime;
use crate::span::Span;
use crate::store::Store;
use crate::upload::{Evidence, Upload};

/// Smallest object whose bytes are worth a server-side copy when it is appended to; also the
/// smallest part S3 takes.
const MIN_COPIED_BYTES: u64 = 5 << 20;

/// How long whoever gets an error waits for an unfinished upload to be removed.
const ABORT_PATIENCE: Duration = Duration::from_secs(5);

/// How an object is to be written.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// Fail with `AlreadyExists` when the object exists; atomic where the service can.
    pub if_not_exists: bool,
    /// Keep the present bytes in front.
    pub append: bool,
    /// MIME type; guessed from the name when missing.
    pub content_type: Option<String>,
    /// `Cache-Control` to keep with the object.
    pub cache_control: Option<String>,
    /// `Content-Encoding` to keep with the object.
    pub content_encoding: Option<String>,
    /// `Content-Disposition` to keep with the object.
    pub content_disposition: Option<String>,
    /// The user's own metadata.
    pub metadata: Option<Vec<(String, String)>>,
    /// Bytes of one part; the store's `part_size` when missing.
    pub part_bytes: Option<usize>,
}

impl WriteOptions {
    /// Whether a copy with these options differs from its source.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.content_type.is_some()
            || self.cache_control.is_some()
            || self.content_encoding.is_some()
            || self.content_disposition.is_some()
            || self.metadata.is_some()
    }

    fn to_opendal(
        &self,
        can_create_only: bool,
        chunk: Option<(usize, usize)>,
    ) -> options::WriteOptions {
        let metadata = self.metadata.iter().flatten().cloned();
        options::WriteOptions {
            if_not_exists: self.if_not_exists && can_create_only,
            content_type: self.content_type.clone(),
            cache_control: self.cache_control.clone(),
            content_encoding: self.content_encoding.clone(),
            content_disposition: self.content_disposition.clone(),
            user_metadata: self.metadata.is_some().then(|| metadata.collect()),
            chunk: chunk.map(|c| c.0),
            concurrent: chunk.map_or(1, |c| c.1),
            ..Default::default()
        }
    }
}

impl Store {
    /// Write a whole object. One request up to twice the part size, a parallel upload beyond.
    ///
    /// # Errors
    /// `AlreadyExists` with `if_not_exists`; `IsADirectory`; `NotFound` for a missing bucket.
    pub async fn write(&self, path: &str, bytes: Buffer, how: &WriteOptions) -> Result<Info> {
        let part = how.part_bytes.unwrap_or(self.part_bytes());
        if how.append || bytes.len() > 2 * part {
            let mut writer = self.open_writer(path, how).await?;
            for piece in bytes.chunks(part) {
                writer.write(piece).await?;
            }
            return writer.close().await;
        }
        let place = self.write_place(path, how)?;
        self.check_create(&place, how).await?;
        let fail = |e: opendal_core::Error| self.write_error(&place, how, &e);
        let can = place
            .operator()
            .info()
            .capability()
            .write_with_if_not_exists;
        let options = how.to_opendal(can, None);
        let (operator, _, evidence) = uploading(&place);
        let writer = operator
            .writer_options(&place.wire(), options)
            .await
            .map_err(fail)?;
        let mut guard = AbortOnDrop(Some(writer));
        let size = bytes.len() as u64;
        let writer = guard.get();
        let done = match writer.write(bytes).await {
            Ok(()) => writer.close().await,
            Err(e) => Err(e),
        };
        match self.settle(&place, how, &evidence, done).await {
            Ok(metadata) => {
                guard.0 = None;
                Ok(written(&place, metadata, size))
            }
            Err(e) => {
                guard.abort().await;
                Err(e)
            }
        }
    }

    /// What became of an object whose last request has been sent.
    async fn settle(
        &self,
        place: &Place,
        how: &WriteOptions,
        evidence: &Evidence,
        done: opendal_core::Result<Metadata>,
    ) -> Result<Metadata> {
        let err = match done {
            Ok(metadata) => return Ok(metadata),
            Err(e) => self.write_error(place, how, &e),
        };
        if !evidence.is_doubtful() {
            return Err(err);
        }
        match self.stat(&place.path).await {
            Ok(Info {
                metadata: Some(found),
                ..
            }) if evidence.is_proven_by(&found) => Ok(found),
            _ => Err(err.with_remark("an answer was lost: the object may have been stored")),
        }
    }

    /// Write many objects at once, each with its own outcome, in the order given.
    pub async fn write_many(
        &self,
        items: Vec<(String, Buffer)>,
        how: &WriteOptions,
    ) -> Vec<Result<Info>> {
        use futures::StreamExt;
        futures::stream::iter(items)
            .map(|(path, bytes)| async move { self.write(&path, bytes, how).await })
            .buffered(self.max_concurrency())
            .collect()
            .await
    }

    /// Begin an object. Nothing is visible before [`ObjectWriter::close`] returns.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn open_writer(&self, path: &str, how: &WriteOptions) -> Result<ObjectWriter> {
        let place = self.write_place(path, how)?;
        self.check_create(&place, how).await?;
        let capability = place.operator().info().capability();
        let copying = self.inner.service.copying;
        if how.append && !capability.write_can_copy_from && !copying.is_empty() {
            let pairs = copying
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
            let store = self.with(pairs.collect())?;
            return Box::pin(store.open_writer(path, how)).await;
        }
        let part = how.part_bytes.unwrap_or(self.part_bytes());
        let chunk = capability.write_can_multi.then_some((
            part.max(capability.write_multi_min_size.unwrap_or(0)),
            self.part_concurrency(),
        ));
        let mut options = how.to_opendal(capability.write_with_if_not_exists, chunk);
        // S3's append is one of S3 Express alone: there it is read, copied or written again.
        let is_native_append =
            how.append && !self.has_implicit_dirs() && capability.write_can_append;
        options.append = is_native_append;
        if is_native_append {
            options.chunk = None;
            options.concurrent = 1;
        }
        let fail = |e: opendal_core::Error| self.write_error(&place, how, &e);
        let (operator, cancel, evidence) = uploading(&place);
        let writer = operator
            .writer_options(&place.wire(), options)
            .await
            .map_err(fail)?;
        let upload = (cancel, evidence);
        let mut out = ObjectWriter::start(self.clone(), place, how.clone(), writer, upload)?;
        if how.append && !is_native_append {
            out.copy_present(path).await?;
        }
        Ok(out)
    }

    /// The place of a file to be written; what the service would not keep is refused.
    fn write_place(&self, path: &str, how: &WriteOptions) -> Result<Place> {
        let place = self.file_place("write", path)?;
        let invalid =
            |why: String| Error::new(Kind::ConfigInvalid, why).at("write", path, self.scheme());
        if place.version.is_some() {
            return Err(invalid("an old version cannot be written".to_owned()));
        }
        for (name, value) in how.metadata.iter().flatten() {
            if let Some(why) = (self.inner.service.refuse_metadata)(name, value) {
                return Err(invalid(format!("metadata {name:?}: {why}")));
            }
        }
        Ok(place)
    }

    /// For services without a conditional write: look first. Not atomic.
    async fn check_create(&self, place: &Place, how: &WriteOptions) -> Result<()> {
        if !how.if_not_exists
            || place
                .operator()
                .info()
                .capability()
                .write_with_if_not_exists
        {
            return Ok(());
        }
        match self.stat(&place.path).await {
            Ok(_) => {
                Err(Error::new(Kind::AlreadyExists, "").at("write", &place.path, self.scheme()))
            }
            Err(e) if e.kind() == Kind::NotFound => Ok(()),
            Err(e) => Err(e),
        }
    }

    fn write_error(&self, place: &Place, how: &WriteOptions, err: &opendal_core::Error) -> Error {
        let is_lost_race = how.if_not_exists
            && matches!(
                err.kind(),
                ErrorKind::ConditionNotMatch | ErrorKind::AlreadyExists
            );
        if is_lost_race {
            return Error::new(Kind::AlreadyExists, "").at("write", &place.path, self.scheme());
        }
        self.error("write", place, err)
    }
}

/// The operator of a place with the transport of one upload.
fn uploading(place: &Place) -> (Operator, watch::Sender<bool>, Evidence) {
    let context = place.operator().context();
    let (transport, cancel, evidence) = Upload::new(context.http_transport().clone());
    let context = context.with_http_transport(HttpTransporter::new(transport));
    let operator = place.operator().clone().with_context(context);
    (operator, cancel, evidence)
}

fn written(place: &Place, metadata: Metadata, size: u64) -> Info {
    let mut info = Info::new(place.name_of(&place.key), metadata);
    info.is_dir = false;
    info.size = info.size.max(size);
    info
}

/// Aborts a writer that was not closed.
struct AbortOnDrop(Option<Writer>);

impl AbortOnDrop {
    fn get(&mut self) -> &mut Writer {
        self.0
            .as_mut()
            .expect("taken only by the one who forgets the guard")
    }

    /// Abort, and wait for the end of that for a while. It goes on in the background.
    async fn abort(&mut self) {
        let (done, ended) = oneshot::channel();
        self.begin_abort(Some(done));
        let _ = tokio::time::timeout(ABORT_PATIENCE, ended).await;
    }

    fn begin_abort(&mut self, done: Option<oneshot::Sender<()>>) {
        let Some(mut writer) = self.0.take() else {
            return;
        };
        runtime::spawn_cleanup(async move {
            // Services without an abort had nothing visible to take back.
            let _ = writer.abort().await;
            done.map(|done| done.send(()));
        });
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.begin_abort(None);
    }
}

/// Calls an upload off, and has whoever was cancelled wait until it has ended.
struct CancelOnDrop(Option<JoinHandle<()>>, watch::Sender<bool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            self.1.send_replace(true);
            runtime::spawn_cleanup(async move {
                let _ = task.await;
            });
        }
    }
}

enum Command {
    Write(Buffer),
    Close(oneshot::Sender<Result<Metadata>>),
    Abort(oneshot::Sender<()>),
    Copy(u64, oneshot::Sender<Result<()>>),
}

/// An object being written. At most `part_concurrency` + 2 parts are in memory.
#[derive(Debug)]
pub struct ObjectWriter {
    store: Store,
    place: Place,
    /// Bytes so far.
    size: u64,
    commands: Option<mpsc::Sender<Command>>,
    task: Option<JoinHandle<()>>,
    cancel: watch::Sender<bool>,
    evidence: Evidence,
    /// The process whose runtime the task belongs to.
    process: u32,
    failure: Arc<Mutex<Option<Error>>>,
}

impl ObjectWriter {
    fn start(
        store: Store,
        place: Place,
        how: WriteOptions,
        writer: Writer,
        (cancel, evidence): (watch::Sender<bool>, Evidence),
    ) -> Result<Self> {
        let (commands, mut inbox) = mpsc::channel(1);
        let failure = Arc::new(Mutex::new(None));
        let mut out = ObjectWriter {
            store: store.clone(),
            place: place.clone(),
            size: 0,
            commands: Some(commands),
            task: None,
            cancel,
            evidence: evidence.clone(),
            process: runtime::process_number(),
            failure: Arc::clone(&failure),
        };
        let task = runtime::spawn(async move {
            let mut guard = AbortOnDrop(Some(writer));
            let fail = |e: &opendal_core::Error| store.write_error(&place, &how, e);
            let note = |e: Error| *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(e);
            while let Some(command) = inbox.recv().await {
                match command {
                    Command::Write(bytes) => {
                        if let Err(e) = guard.get().write(bytes).await {
                            note(fail(&e));
                            return guard.abort().await;
                        }
                    }
                    Command::Copy(bytes, reply) => {
                        let done = guard.get().copy_from(&place.wire(), 0..bytes).await;
                        let _ = reply.send(done.map_err(|e| fail(&e)));
                    }
                    // Whoever asked is gone: nothing is published.
                    Command::Close(reply) if reply.is_closed() => return,
                    Command::Close(reply) => {
                        let done = guard.get().close().await;
                        let done = store.settle(&place, &how, &evidence, done).await;
                        match done {
                            Ok(_) => guard.0 = None,
                            Err(_) => guard.abort().await,
                        }
                        let _ = reply.send(done);
                        return;
                    }
                    Command::Abort(reply) => {
                        guard.abort().await;
                        let _ = reply.send(());
                        return;
                    }
                }
            }
        })?;
        out.task = Some(task);
        Ok(out)
    }

    /// Hand over bytes. Returns when they are queued; an error of earlier bytes shows here or
    /// at the next call.
    ///
    /// # Errors
    /// The first failure of the upload; `ConfigInvalid` after closing.
    pub async fn write(&mut self, bytes: Buffer) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.size += bytes.len() as u64;
        self.send(Command::Write(bytes)).await
    }

    /// Publish the object.
    ///
    /// # Errors
    /// As [`ObjectWriter::write`]; the object is then not published.
    pub async fn close(&mut self) -> Result<Info> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Close(reply)).await?;
        self.commands = None;
        let mut closing = CancelOnDrop(self.task.take(), self.cancel.clone());
        let metadata = answer.await.map_err(|_| self.why_gone())??;
        closing.0 = None;
        Ok(written(&self.place, metadata, self.size))
    }

    /// Give up: nothing is published, and nothing stays behind on the service.
    ///
    /// # Errors
    /// None today.
    pub async fn abort(&mut self) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.cancel.send_replace(true);
        if self.send(Command::Abort(reply)).await.is_ok() {
            let _ = answer.await;
        }
        self.commands = None;
        Ok(())
    }

    /// Put the object's present bytes in front: copied by the service where it can.
    async fn copy_present(&mut self, path: &str) -> Result<()> {
        let (size, etag) = match self.store.stat_file("append", path).await {
            Ok(info) => (
                info.size,
                info.metadata.and_then(|m| m.etag().map(str::to_owned)),
            ),
            Err(e) if e.kind() == Kind::NotFound => return Ok(()),
            Err(e) => return Err(e),
        };
        if size >= MIN_COPIED_BYTES
            && self
                .place
                .operator()
                .info()
                .capability()
                .write_can_copy_from
        {
            self.evidence.copies_from(etag.as_deref());
            let (reply, answer) = oneshot::channel();
            self.send(Command::Copy(size, reply)).await?;
            self.size += size;
            return answer.await.map_err(|_| self.why_gone())?;
        }
        let present = self.store.read(path, Span::default()).await?;
        self.write(present).await
    }

    async fn send(&mut self, command: Command) -> Result<()> {
        let Some(commands) = &self.commands else {
            let why = Error::new(Kind::ConfigInvalid, "the file is closed");
            return Err(why.at("write", &self.place.path, self.store.scheme()));
        };
        if self.process != runtime::process_number() {
            let why = "the file was opened before a fork, by the parent process";
            return Err(Error::new(Kind::Unexpected, why).at(
                "write",
                &self.place.path,
                self.store.scheme(),
            ));
        }
        commands.send(command).await.map_err(|_| self.why_gone())
    }

    fn why_gone(&self) -> Error {
        let noted = self
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        noted.unwrap_or_else(|| {
            Error::new(Kind::Unexpected, "the upload was abandoned").at(
                "write",
                &self.place.path,
                self.store.scheme(),
            )
        })
    }
}

impl Drop for ObjectWriter {
    fn drop(&mut self) {
        // The task ends its step and aborts when the channel closes; whoever waits for things
        // to settle waits for that.
        let commands = self.commands.take();
        if self.process != runtime::process_number() {
            // The task lives in the parent: telling it anything from here would be wrong.
            std::mem::forget((commands, self.task.take()));
            return;
        }
        if commands.is_some() {
            drop(commands);
            drop(CancelOnDrop(self.task.take(), self.cancel.clone()));
        }
    }
}
