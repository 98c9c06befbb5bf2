//! An ordered map of keys behind OpenDAL's `Service` trait.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use opendal_core::raw::{
    OpCopy, OpCreateDir, OpDelete, OpList, OpPresign, OpRead, OpRename, OpStat, OpWrite,
    RpCreateDir, RpPresign, RpRead, RpRename, RpStat, Service, ServiceInfo, Timestamp,
    normalize_root, oio,
};
use opendal_core::{
    Buffer, BytesRange, Capability, Error, ErrorKind, Metadata, MetadataBuilder, OperationContext,
    Result,
};
use opendalfs_core::content_range;

#[derive(Clone, Debug)]
struct Object {
    bytes: Buffer,
    metadata: Metadata,
}

/// All objects of the process. A forked child has its own copy of what was there at the fork.
static OBJECTS: RwLock<BTreeMap<String, Object>> = RwLock::new(BTreeMap::new());
/// Numbers the writes, so that each has an ETag of its own.
static WRITES: AtomicU64 = AtomicU64::new(1);

fn objects() -> RwLockReadGuard<'static, BTreeMap<String, Object>> {
    OBJECTS.read().unwrap_or_else(PoisonError::into_inner)
}

fn objects_mut() -> RwLockWriteGuard<'static, BTreeMap<String, Object>> {
    OBJECTS.write().unwrap_or_else(PoisonError::into_inner)
}

fn missing() -> Error {
    Error::new(ErrorKind::NotFound, "")
}

fn unsupported<T>() -> Result<T> {
    Err(Error::new(ErrorKind::Unsupported, ""))
}

/// Configuration of the backend.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    pub(crate) root: String,
}

impl opendal_core::Builder for Builder {
    /// The house's options come through the builder; OpenDAL's own way in is not used.
    type Config = ();

    fn build(self) -> Result<impl Service> {
        let root = normalize_root(&self.root);
        Ok(Backend {
            info: ServiceInfo::new(crate::SCHEME, &root, ""),
            root: root.trim_start_matches('/').to_owned(),
        })
    }
}

#[derive(Clone, Debug)]
struct Backend {
    info: ServiceInfo,
    /// `a/b/` or nothing.
    root: String,
}

impl Backend {
    fn key(&self, path: &str) -> String {
        if path == "/" {
            return self.root.clone();
        }
        format!("{}{path}", self.root)
    }

    fn get(&self, path: &str) -> Result<Object> {
        objects().get(&self.key(path)).cloned().ok_or_else(missing)
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
            write_can_multi: true,
            write_with_cache_control: true,
            write_with_content_type: true,
            write_with_content_disposition: true,
            write_with_content_encoding: true,
            write_with_if_not_exists: true,
            write_with_user_metadata: true,
            delete: true,
            copy: true,
            rename: true,
            list: true,
            list_with_recursive: true,
            ..Default::default()
        }
    }

    async fn create_dir(
        &self,
        _: &OperationContext,
        _: &str,
        _: OpCreateDir,
    ) -> Result<RpCreateDir> {
        // Directories are implied by keys.
        Ok(RpCreateDir::default())
    }

    async fn stat(&self, _: &OperationContext, path: &str, _: OpStat) -> Result<RpStat> {
        if path == "/" {
            return Ok(RpStat::new(MetadataBuilder::dir().build()));
        }
        Ok(RpStat::new(self.get(path)?.metadata))
    }

    fn read(&self, _: &OperationContext, path: &str, args: OpRead) -> Result<Self::Reader> {
        Ok(oio::StreamReader::new(Reader {
            backend: self.clone(),
            path: path.to_owned(),
            if_match: args.if_match().map(str::to_owned),
        }))
    }

    fn write(&self, _: &OperationContext, path: &str, args: OpWrite) -> Result<Self::Writer> {
        Ok(Writer {
            key: self.key(path),
            args,
            pieces: Vec::new(),
        })
    }

    fn delete(&self, _: &OperationContext) -> Result<Self::Deleter> {
        Ok(oio::OneShotDeleter::new(Deleter(self.clone())))
    }

    fn list(&self, _: &OperationContext, path: &str, args: OpList) -> Result<Self::Lister> {
        Ok(Lister(list(&self.root, &self.key(path), args.recursive())))
    }

    fn copy(&self, _: &OperationContext, from: &str, to: &str, _: OpCopy) -> Result<Self::Copier> {
        let (backend, from, to) = (self.clone(), from.to_owned(), self.key(to));
        Ok(oio::OneShotCopier::new(async move {
            let object = backend.get(&from)?;
            let metadata = stamp(object.metadata.into_builder());
            let object = Object {
                bytes: object.bytes,
                metadata: metadata.clone(),
            };
            objects_mut().insert(to, object);
            Ok(metadata)
        }))
    }

    async fn rename(
        &self,
        _: &OperationContext,
        from: &str,
        to: &str,
        _: OpRename,
    ) -> Result<RpRename> {
        let (from, to) = (self.key(from), self.key(to));
        let mut objects = objects_mut();
        let object = objects.remove(&from).ok_or_else(missing)?;
        objects.insert(to, object);
        Ok(RpRename::default())
    }

    async fn presign(&self, _: &OperationContext, _: &str, _: OpPresign) -> Result<RpPresign> {
        unsupported()
    }
}

/// Give what is written its time and its ETag.
fn stamp(mut builder: MetadataBuilder) -> Metadata {
    builder.last_modified(Timestamp::now());
    builder.etag(format!("\"{:x}\"", WRITES.fetch_add(1, Ordering::Relaxed)));
    builder.build()
}

/// Keys below `start`: all of them, or one level with directories folded.
fn list(root: &str, start: &str, is_recursive: bool) -> VecDeque<oio::Entry> {
    let objects = objects();
    let mut out = VecDeque::new();
    let mut from = Bound::Included(start.to_owned());
    loop {
        let mut range = objects.range::<String, _>((from, Bound::Unbounded));
        let mut next = None;
        for (key, object) in range.by_ref() {
            let Some(rest) = key.strip_prefix(start) else {
                break;
            };
            if !is_recursive && let Some(at) = rest.find('/').filter(|at| at + 1 < rest.len()) {
                let dir = format!("{start}{}", &rest[..=at]);
                out.push_back(oio::Entry::new(
                    &dir[root.len()..],
                    MetadataBuilder::dir().build(),
                ));
                // Skip the directory's contents: the first key that cannot lie below it.
                next = Some(Bound::Included(format!("{}0", &dir[..dir.len() - 1])));
                break;
            }
            let metadata = if key.ends_with('/') {
                MetadataBuilder::dir().build()
            } else {
                object.metadata.clone()
            };
            out.push_back(oio::Entry::new(&key[root.len()..], metadata));
        }
        match next {
            Some(bound) => from = bound,
            None => return out,
        }
    }
}

struct Reader {
    backend: Backend,
    path: String,
    if_match: Option<String>,
}

impl oio::StreamRead for Reader {
    async fn open(&self, range: BytesRange) -> Result<(RpRead, Box<dyn oio::ReadStreamDyn>)> {
        let object = self.backend.get(&self.path)?;
        if self.if_match.is_some() && self.if_match.as_deref() != object.metadata.etag() {
            return Err(Error::new(ErrorKind::ConditionNotMatch, ""));
        }
        let range = content_range(range, object.bytes.len() as u64)?;
        // Inside the object's length, which is a usize.
        let bytes = object.bytes.slice(range.start as usize..range.end as usize);
        Ok((RpRead::new(object.metadata), Box::new(bytes)))
    }
}

struct Writer {
    key: String,
    args: OpWrite,
    pieces: Vec<Buffer>,
}

impl oio::Write for Writer {
    async fn write(&mut self, bytes: Buffer) -> Result<()> {
        self.pieces.push(bytes);
        Ok(())
    }

    async fn close(&mut self) -> Result<Metadata> {
        let mut pieces = std::mem::take(&mut self.pieces);
        let bytes = match pieces.len() {
            1 => pieces.swap_remove(0),
            _ => pieces.into_iter().flatten().collect(),
        };
        let mut builder = MetadataBuilder::file(bytes.len() as u64);
        if let Some(v) = self.args.content_type() {
            builder.content_type(v);
        }
        if let Some(v) = self.args.cache_control() {
            builder.cache_control(v);
        }
        if let Some(v) = self.args.content_disposition() {
            builder.content_disposition(v);
        }
        if let Some(v) = self.args.content_encoding() {
            builder.content_encoding(v);
        }
        if let Some(user) = self.args.user_metadata() {
            builder.user_metadata(user.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())));
        }
        let metadata = stamp(builder);
        let object = Object {
            bytes,
            metadata: metadata.clone(),
        };
        let mut objects = objects_mut();
        if self.args.if_not_exists() && objects.contains_key(&self.key) {
            return Err(Error::new(ErrorKind::ConditionNotMatch, ""));
        }
        objects.insert(std::mem::take(&mut self.key), object);
        Ok(metadata)
    }

    async fn abort(&mut self) -> Result<()> {
        self.pieces.clear();
        Ok(())
    }
}

struct Lister(VecDeque<oio::Entry>);

impl oio::List for Lister {
    async fn next(&mut self) -> Result<Option<oio::Entry>> {
        Ok(self.0.pop_front())
    }
}

struct Deleter(Backend);

impl oio::OneShotDelete for Deleter {
    async fn delete_once(&self, path: String, _: OpDelete) -> Result<()> {
        objects_mut().remove(&self.0.key(&path));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opendal_core::Operator;

    async fn filled(root: &str) -> Operator {
        let op = Operator::new(Builder { root: root.into() }).unwrap();
        for key in ["a/1", "a/b/2", "a-x", "a/b/3", "z"] {
            op.write(key, key.as_bytes().to_vec()).await.unwrap();
        }
        op
    }

    #[tokio::test]
    async fn one_level_folds_directories_once() {
        let op = filled("fold").await;
        let names: Vec<String> = op
            .list("a/")
            .await
            .unwrap()
            .iter()
            .map(|e| e.path().to_owned())
            .collect();
        assert_eq!(names, ["a/1", "a/b/"]);
    }

    #[tokio::test]
    async fn create_only_writes_keep_what_is_there() {
        let op = filled("create").await;
        let err = op
            .write_with("z", b"new".to_vec())
            .if_not_exists(true)
            .await
            .unwrap_err();
        assert_eq!(err.kind(), ErrorKind::ConditionNotMatch);
        assert_eq!(op.read("z").await.unwrap().to_vec(), b"z");
    }

    #[tokio::test]
    async fn copy_keeps_bytes_and_rename_moves_them() {
        let op = filled("move").await;
        op.copy("z", "y").await.unwrap();
        op.rename("y", "x").await.unwrap();
        assert_eq!(op.read("x").await.unwrap().to_vec(), b"z");
        assert!(!op.exists("y").await.unwrap());
    }
}
