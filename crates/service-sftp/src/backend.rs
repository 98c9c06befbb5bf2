//! Files of an SFTP server behind OpenDAL's `Service` trait.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt, TryStreamExt};
use opendal_core::raw::{
    OpCopy, OpCreateDir, OpDelete, OpList, OpPresign, OpRead, OpRename, OpStat, OpWrite,
    RpCreateDir, RpPresign, RpRename, RpStat, Service, ServiceInfo, Timestamp, oio,
};
use opendal_core::{
    Capability, Error, ErrorKind, Metadata, MetadataBuilder, OperationContext, Result,
};
use openssh_sftp_client::metadata::MetaData;

use crate::connection::{Connection, Line, Login};
use crate::file::{Reader, Writer};

/// Configuration of the backend.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    pub(crate) login: Login,
    /// With a slash at both ends.
    pub(crate) root: String,
}

impl opendal_core::Builder for Builder {
    /// The house's options come through the builder; OpenDAL's own way in is not used.
    type Config = ();

    fn build(self) -> Result<impl Service> {
        Ok(Backend {
            info: ServiceInfo::new(crate::SCHEME, &self.root, ""),
            root: self.root,
            line: Arc::new(Line::new(self.login)),
        })
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Backend {
    info: ServiceInfo,
    root: String,
    pub(crate) line: Arc<Line>,
}

/// What is known of a file; of what is neither file nor directory, what a file of it would be.
pub(crate) fn metadata_of(found: &MetaData) -> Metadata {
    let is_dir = found.file_type().is_some_and(|kind| kind.is_dir());
    let mut out = match is_dir {
        true => MetadataBuilder::dir(),
        false => MetadataBuilder::file(found.len().unwrap_or(0)),
    };
    let modified = found.modified().map(|at| at.as_system_time());
    if let Some(at) = modified.and_then(|at| Timestamp::try_from(at).ok()) {
        out.last_modified(at);
    }
    out.build()
}

fn parent_of(path: &str) -> &str {
    path.trim_end_matches('/')
        .rsplit_once('/')
        .map_or("", |(parent, _)| parent)
}

impl Backend {
    /// A path as the server takes it.
    pub(crate) fn full(&self, path: &str) -> String {
        let path = path.trim_end_matches('/');
        format!("{}{path}", self.root)
    }

    /// Look at a full path; at the far end of symbolic links.
    pub(crate) async fn look(&self, connection: &Connection, path: &str) -> Result<Metadata> {
        let mut fs = connection.sftp.fs();
        let found = connection.ask(fs.metadata(path)).await?;
        Ok(metadata_of(&found))
    }

    /// Make a directory and those above it; no error where it is there.
    fn make_dirs<'a>(
        &'a self,
        connection: &'a Connection,
        path: &'a str,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            if path.is_empty() {
                return Ok(());
            }
            let mut fs = connection.sftp.fs();
            let mut made = connection.ask(fs.create_dir(path)).await;
            if made
                .as_ref()
                .is_err_and(|e| e.kind() == ErrorKind::NotFound)
            {
                self.make_parents(connection, path).await?;
                made = connection.ask(fs.create_dir(path)).await;
            }
            let Err(e) = made else { return Ok(()) };
            // What is there already, made a moment ago perhaps, fails like anything else.
            match self.look(connection, path).await {
                Ok(found) if found.is_dir() => Ok(()),
                Ok(_) => Err(Error::new(ErrorKind::NotADirectory, "")),
                Err(_) => Err(e),
            }
        }
        .boxed()
    }

    pub(crate) async fn make_parents(&self, connection: &Connection, path: &str) -> Result<()> {
        let parent = parent_of(path);
        match self.look(connection, parent).await {
            Ok(found) if found.is_dir() => Ok(()),
            Ok(_) => Err(Error::new(ErrorKind::NotADirectory, "")),
            Err(_) => self.make_dirs(connection, parent).await,
        }
    }

    async fn copy_file(&self, from: &str, to: &str) -> Result<Metadata> {
        let connection = self.line.connection().await?;
        let mut source = connection.ask(connection.sftp.open(from)).await?;
        let metadata = metadata_of(&connection.ask(source.metadata()).await?);
        let made = connection.ask(connection.sftp.create(to)).await;
        let mut target = match made {
            Err(e) if e.kind() == ErrorKind::NotFound => {
                self.make_parents(&connection, to).await?;
                connection.ask(connection.sftp.create(to)).await?
            }
            other => other?,
        };
        // As long as it takes: nothing comes back before the end.
        source.copy_all_to(&mut target).await.map_err(|e| {
            Error::new(ErrorKind::Unexpected, "the server did not copy").set_source(e)
        })?;
        connection.ask(target.close()).await?;
        Ok(metadata)
    }

    /// The entries of a directory; nothing where there is none.
    async fn entries(&self, dir: &str) -> Result<VecDeque<oio::Entry>> {
        let connection = self.line.connection().await?;
        let mut fs = connection.sftp.fs();
        let full = self.full(dir);
        let opened = match connection.ask(fs.open_dir(&full)).await {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(VecDeque::new()),
            other => other?,
        };
        let prefix = if dir == "/" { "" } else { dir };
        let mut out = VecDeque::new();
        let mut found = Box::pin(opened.read_dir());
        while let Some(entry) = connection.ask(found.try_next()).await? {
            // A name that is no text cannot be named in a path.
            let Some(name) = entry.filename().to_str() else {
                continue;
            };
            let metadata = match entry.file_type() {
                _ if name == ".." => continue,
                _ if name == "." => {
                    let own = if prefix.is_empty() { "/" } else { prefix };
                    out.push_back(oio::Entry::new(own, MetadataBuilder::dir().build()));
                    continue;
                }
                Some(kind) if kind.is_symlink() => {
                    match self.look(&connection, &format!("{full}/{name}")).await {
                        Ok(metadata) => metadata,
                        // It leads nowhere.
                        Err(e) if e.kind() == ErrorKind::NotFound => continue,
                        Err(e) => return Err(e),
                    }
                }
                _ => metadata_of(&entry.metadata()),
            };
            let slash = if metadata.is_dir() { "/" } else { "" };
            out.push_back(oio::Entry::with(format!("{prefix}{name}{slash}"), metadata));
        }
        Ok(out)
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
            write: true,
            write_can_empty: true,
            write_can_multi: true,
            write_with_if_not_exists: true,
            create_dir: true,
            delete: true,
            copy: true,
            rename: true,
            list: true,
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
        let connection = self.line.connection().await?;
        self.make_dirs(&connection, &self.full(path)).await?;
        Ok(RpCreateDir::default())
    }

    async fn stat(&self, _: &OperationContext, path: &str, _: OpStat) -> Result<RpStat> {
        let connection = self.line.connection().await?;
        let found = self.look(&connection, &self.full(path)).await?;
        if path.ends_with('/') && !found.is_dir() {
            return Err(Error::new(ErrorKind::NotFound, "it is no directory"));
        }
        Ok(RpStat::new(found))
    }

    fn read(&self, _: &OperationContext, path: &str, _: OpRead) -> Result<Self::Reader> {
        Ok(oio::StreamReader::new(Reader {
            backend: self.clone(),
            path: path.to_owned(),
        }))
    }

    fn write(&self, _: &OperationContext, path: &str, args: OpWrite) -> Result<Self::Writer> {
        Ok(Writer::new(self.clone(), path, &args))
    }

    fn delete(&self, _: &OperationContext) -> Result<Self::Deleter> {
        Ok(oio::OneShotDeleter::new(Deleter(self.clone())))
    }

    fn list(&self, _: &OperationContext, path: &str, _: OpList) -> Result<Self::Lister> {
        Ok(Lister {
            backend: self.clone(),
            dir: path.to_owned(),
            found: None,
        })
    }

    fn copy(&self, _: &OperationContext, from: &str, to: &str, _: OpCopy) -> Result<Self::Copier> {
        let (backend, from, to) = (self.clone(), self.full(from), self.full(to));
        Ok(oio::OneShotCopier::new_with(move || {
            let (backend, from, to) = (backend.clone(), from.clone(), to.clone());
            async move { backend.copy_file(&from, &to).await }
        }))
    }

    async fn rename(
        &self,
        _: &OperationContext,
        from: &str,
        to: &str,
        _: OpRename,
    ) -> Result<RpRename> {
        let connection = self.line.connection().await?;
        let (from, to) = (self.full(from), self.full(to));
        let mut fs = connection.sftp.fs();
        match connection.ask(fs.rename(&from, &to)).await {
            Err(e) if e.kind() == ErrorKind::NotFound => {
                self.look(&connection, &from).await?;
                self.make_parents(&connection, &to).await?;
                connection.ask(fs.rename(&from, &to)).await?;
            }
            other => other?,
        }
        Ok(RpRename::default())
    }

    async fn presign(&self, _: &OperationContext, _: &str, _: OpPresign) -> Result<RpPresign> {
        Err(Error::new(ErrorKind::Unsupported, "SFTP has no URLs"))
    }
}

pub(crate) struct Lister {
    backend: Backend,
    dir: String,
    found: Option<VecDeque<oio::Entry>>,
}

impl oio::List for Lister {
    async fn next(&mut self) -> Result<Option<oio::Entry>> {
        if self.found.is_none() {
            self.found = Some(self.backend.entries(&self.dir).await?);
        }
        Ok(self.found.as_mut().and_then(VecDeque::pop_front))
    }
}

pub(crate) struct Deleter(Backend);

impl oio::OneShotDelete for Deleter {
    async fn delete_once(&self, path: String, _: OpDelete) -> Result<()> {
        let connection = self.0.line.connection().await?;
        let mut fs = connection.sftp.fs();
        let full = self.0.full(&path);
        let gone = match path.ends_with('/') {
            true => connection.ask(fs.remove_dir(&full)).await,
            false => connection.ask(fs.remove_file(&full)).await,
        };
        match gone {
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}
