//! Whole writes, where a service gives less.
//!
//! Some services show a file while it is written (a disk behind SFTP, most WebDAV servers): it
//! goes to a temporary name beside its own, and is renamed when it is complete. Some take a file
//! in one piece only: the pieces are kept until it is complete.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use opendal_core::options::WriteOptions;
use opendal_core::raw::{
    Layer, OpCopy, OpCreateDir, OpDelete, OpList, OpPresign, OpRead, OpRename, OpStat, OpWrite,
    RpCreateDir, RpPresign, RpRename, RpStat, Service, ServiceInfo, Servicer, oio,
};
use opendal_core::{Buffer, Capability, Error, ErrorKind, Metadata, OperationContext, Result};

use crate::staged::TEMPORARY_PREFIX;

/// The layer that makes writes whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WholeWrites {
    /// Files become visible by a rename.
    pub(crate) by_rename: bool,
}

impl Layer for WholeWrites {
    fn apply_service(&self, srv: Servicer) -> Servicer {
        let can = srv.capability_dyn();
        if !can.write || (can.write_can_multi && !self.by_rename) {
            return srv;
        }
        Arc::new(Whole {
            srv,
            by_rename: self.by_rename,
        })
    }
}

struct Whole {
    srv: Servicer,
    by_rename: bool,
}

impl fmt::Debug for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.srv.fmt(f)
    }
}

/// A name nobody else uses, in the directory of `path`.
fn temporary_beside(path: &str) -> String {
    let dir = path.rfind('/').map_or("", |at| &path[..=at]);
    // Every `RandomState` has keys of its own.
    let number = RandomState::new().build_hasher().finish();
    format!("{dir}{TEMPORARY_PREFIX}{number:016x}")
}

fn is_temporary(path: &str) -> bool {
    path.rsplit('/')
        .next()
        .is_some_and(|name| name.starts_with(TEMPORARY_PREFIX))
}

/// Remove one key; what is not there counts as removed.
async fn remove(srv: &Servicer, ctx: &OperationContext, path: &str) -> Result<()> {
    let mut deleter = srv.delete_dyn(ctx)?;
    deleter.delete_dyn(path, OpDelete::default()).await?;
    deleter.close_dyn().await
}

/// Give a file its name, unless a directory has it: some services would replace that.
async fn rename(srv: &Servicer, ctx: &OperationContext, from: &str, to: &str) -> Result<()> {
    let found = srv.stat_dyn(ctx, to, OpStat::default()).await;
    if found.is_ok_and(|there| there.into_metadata().is_dir()) {
        return Err(Error::new(ErrorKind::IsADirectory, ""));
    }
    let how = OpRename::default();
    srv.rename_dyn(ctx, from, to, how).await.map(|_| ())
}

impl Service for Whole {
    type Reader = oio::Reader;
    type Writer = Writer;
    type Lister = Lister;
    type Deleter = Deleter;
    type Copier = oio::Copier;
    type Composer = ();

    fn info(&self) -> ServiceInfo {
        self.srv.info_dyn()
    }

    fn capability(&self) -> Capability {
        Capability {
            write_can_multi: true,
            write_can_empty: true,
            ..self.srv.capability_dyn()
        }
    }

    async fn create_dir(
        &self,
        ctx: &OperationContext,
        path: &str,
        args: OpCreateDir,
    ) -> Result<RpCreateDir> {
        self.srv.create_dir_dyn(ctx, path, args).await
    }

    async fn stat(&self, ctx: &OperationContext, path: &str, args: OpStat) -> Result<RpStat> {
        self.srv.stat_dyn(ctx, path, args).await
    }

    fn read(&self, ctx: &OperationContext, path: &str, args: OpRead) -> Result<Self::Reader> {
        self.srv.read_dyn(ctx, path, args)
    }

    fn write(&self, ctx: &OperationContext, path: &str, args: OpWrite) -> Result<Self::Writer> {
        let gathers = !self.srv.capability_dyn().write_can_multi;
        // What is appended to is visible already.
        let is_renamed = self.by_rename && !args.append();
        Ok(Writer {
            srv: Arc::clone(&self.srv),
            ctx: ctx.clone(),
            path: path.to_owned(),
            temporary: is_renamed.then(|| temporary_beside(path)),
            args,
            sink: match gathers {
                true => Sink::Pieces(Vec::new()),
                false => Sink::New,
            },
        })
    }

    fn delete(&self, ctx: &OperationContext) -> Result<Self::Deleter> {
        Ok(Deleter {
            inner: self.srv.delete_dyn(ctx)?,
            srv: Arc::clone(&self.srv),
            ctx: ctx.clone(),
            by_rename: self.by_rename,
        })
    }

    fn list(&self, ctx: &OperationContext, path: &str, args: OpList) -> Result<Self::Lister> {
        Ok(Lister {
            inner: self.srv.list_dyn(ctx, path, args)?,
            by_rename: self.by_rename,
        })
    }

    fn copy(
        &self,
        ctx: &OperationContext,
        from: &str,
        to: &str,
        args: OpCopy,
    ) -> Result<Self::Copier> {
        if !self.by_rename {
            return self.srv.copy_dyn(ctx, from, to, args);
        }
        let (srv, ctx) = (Arc::clone(&self.srv), ctx.clone());
        let (from, to) = (from.to_owned(), to.to_owned());
        let copier = oio::OneShotCopier::new_with(move || {
            let (srv, ctx, args) = (Arc::clone(&srv), ctx.clone(), args.clone());
            let (from, to) = (from.clone(), to.clone());
            async move {
                let temporary = temporary_beside(&to);
                let done = async {
                    let mut copier = srv.copy_dyn(&ctx, &from, &temporary, args)?;
                    while copier.next_dyn().await?.is_some() {}
                    let metadata = copier.close_dyn().await?;
                    rename(&srv, &ctx, &temporary, &to).await?;
                    Ok(metadata)
                };
                let done: Result<Metadata> = done.await;
                if done.is_err() {
                    // The first error is the one to tell.
                    let _ = remove(&srv, &ctx, &temporary).await;
                }
                done
            }
        });
        Ok(Box::new(copier))
    }

    async fn rename(
        &self,
        ctx: &OperationContext,
        from: &str,
        to: &str,
        args: OpRename,
    ) -> Result<RpRename> {
        if !self.by_rename {
            return self.srv.rename_dyn(ctx, from, to, args).await;
        }
        rename(&self.srv, ctx, from, to).await?;
        Ok(RpRename::default())
    }

    async fn presign(
        &self,
        ctx: &OperationContext,
        path: &str,
        args: OpPresign,
    ) -> Result<RpPresign> {
        self.srv.presign_dyn(ctx, path, args).await
    }
}

enum Sink {
    /// The service takes one piece: these are kept until the end.
    Pieces(Vec<Buffer>),
    /// Nothing was written yet.
    New,
    Open(oio::Writer),
    /// The service has all of it, under its temporary name if it has one.
    Complete(Metadata),
}

pub(crate) struct Writer {
    srv: Servicer,
    ctx: OperationContext,
    path: String,
    temporary: Option<String>,
    args: OpWrite,
    sink: Sink,
}

impl Writer {
    fn open(&self) -> Result<oio::Writer> {
        let Some(temporary) = &self.temporary else {
            return self.srv.write_dyn(&self.ctx, &self.path, self.args.clone());
        };
        let can = self.srv.capability_dyn();
        let user = self.args.user_metadata();
        // Nobody else has the name: a condition is for the rename.
        let options = WriteOptions {
            content_type: self.args.content_type().map(str::to_owned),
            user_metadata: user.filter(|_| can.write_with_user_metadata).map(|user| {
                user.into_iter()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect()
            }),
            ..Default::default()
        };
        let (args, _) = OpWrite::from_options(&can, options)?;
        self.srv.write_dyn(&self.ctx, temporary, args)
    }

    /// Hand the service all that is left.
    async fn complete(&mut self) -> Result<Metadata> {
        let mut writer = match &self.sink {
            Sink::Complete(metadata) => return Ok(metadata.clone()),
            Sink::Pieces(pieces) => {
                let mut writer = self.open()?;
                let all: Buffer = pieces.iter().cloned().flatten().collect();
                writer.write_dyn(all).await?;
                writer
            }
            Sink::New => self.open()?,
            Sink::Open(_) => match std::mem::replace(&mut self.sink, Sink::New) {
                Sink::Open(writer) => writer,
                _ => unreachable!("looked at right before"),
            },
        };
        let metadata = writer.close_dyn().await?;
        self.sink = Sink::Complete(metadata.clone());
        Ok(metadata)
    }

    /// Give the complete file its name.
    async fn publish(&self, temporary: &str) -> Result<()> {
        let has_place = self.args.if_not_exists();
        if has_place {
            // A rename replaces what is there. So the name is taken first, by a file without
            // content: of several who try, one gets it.
            let options = WriteOptions {
                if_not_exists: true,
                ..Default::default()
            };
            let (args, _) = OpWrite::from_options(&self.srv.capability_dyn(), options)?;
            let mut place = self.srv.write_dyn(&self.ctx, &self.path, args)?;
            place.close_dyn().await?;
        }
        let done = rename(&self.srv, &self.ctx, temporary, &self.path).await;
        if done.is_err() && has_place {
            let _ = remove(&self.srv, &self.ctx, &self.path).await;
        }
        done
    }
}

impl oio::Write for Writer {
    async fn write(&mut self, bytes: Buffer) -> Result<()> {
        if matches!(self.sink, Sink::New) {
            self.sink = Sink::Open(self.open()?);
        }
        match &mut self.sink {
            Sink::Pieces(pieces) => pieces.push(bytes),
            // Tried again, what had been written of this piece would be there twice.
            Sink::Open(writer) => writer
                .write_dyn(bytes)
                .await
                .map_err(Error::set_permanent)?,
            Sink::New | Sink::Complete(_) => {
                let why = "the file is closed";
                return Err(Error::new(ErrorKind::Unexpected, why));
            }
        }
        Ok(())
    }

    async fn close(&mut self) -> Result<Metadata> {
        let is_streamed = matches!(self.sink, Sink::Open(_));
        let metadata = match self.complete().await {
            // The writer is used up: another try would publish less than was written.
            Err(e) if is_streamed => return Err(e.set_permanent()),
            other => other?,
        };
        if let Some(temporary) = &self.temporary {
            self.publish(temporary).await?;
            self.temporary = None;
        }
        Ok(metadata)
    }

    async fn abort(&mut self) -> Result<()> {
        let sink = std::mem::replace(&mut self.sink, Sink::Pieces(Vec::new()));
        if let Sink::Open(mut writer) = sink {
            // Not every service has an abort; the removal below is what counts.
            let _ = writer.abort_dyn().await;
        }
        match self.temporary.take() {
            Some(temporary) => remove(&self.srv, &self.ctx, &temporary).await,
            None => Ok(()),
        }
    }
}

/// Leaves out what is not complete.
pub(crate) struct Lister {
    inner: oio::Lister,
    by_rename: bool,
}

impl oio::List for Lister {
    async fn next(&mut self) -> Result<Option<oio::Entry>> {
        loop {
            match self.inner.next_dyn().await? {
                Some(entry) if self.by_rename && is_temporary(entry.path()) => {}
                other => return Ok(other),
            }
        }
    }
}

pub(crate) struct Deleter {
    inner: oio::Deleter,
    srv: Servicer,
    ctx: OperationContext,
    by_rename: bool,
}

impl Deleter {
    /// Remove what writers that were killed left in a directory; whether there was anything.
    async fn sweep(&self, dir: &str) -> Result<bool> {
        let mut lister = self.srv.list_dyn(&self.ctx, dir, OpList::default())?;
        let mut has_any = false;
        while let Some(entry) = lister.next_dyn().await? {
            if is_temporary(entry.path()) {
                remove(&self.srv, &self.ctx, entry.path()).await?;
                has_any = true;
            }
        }
        Ok(has_any)
    }
}

impl oio::Delete for Deleter {
    async fn delete(&mut self, path: &str, args: OpDelete) -> Result<()> {
        let done = self.inner.delete_dyn(path, args.clone()).await;
        // A directory that looks empty may hold what listings leave out.
        if done.is_err() && self.by_rename && path.ends_with('/') && self.sweep(path).await? {
            return self.inner.delete_dyn(path, args).await;
        }
        done
    }

    async fn close(&mut self) -> Result<()> {
        self.inner.close_dyn().await
    }
}
