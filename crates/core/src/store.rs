//! [`Store`]: options in, paths in, objects out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use opendal_core::layers::SimulateLayer;
use opendal_core::options::ListOptions;
use opendal_core::{Capability, HttpTransporter, Operator};
use opendal_layer_mime_guess::MimeGuessLayer;

use crate::error::{Error, Kind, Result};
use crate::exact::{ExactKeys, has_reserved};
use crate::http;
use crate::info::Info;
use crate::options::Options;
use crate::place::{Doors, Place};
use crate::retry::{Attempts, Policy};
use crate::runtime::PerProcess;
use crate::service::{self, Service, Writes};
use crate::whole::WholeWrites;

/// Names with their values.
pub type Pairs = Vec<(String, String)>;

/// What in a path separates a key from its version, where paths may name one.
const VERSION_MARK: &str = "?versionId=";

/// One configured place to keep objects. Cheap to clone; usable from any thread; in a forked
/// child its connections are made anew.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) service: Service,
    pub(crate) options: Options,
    /// The container given as an option: paths are then keys.
    pub(crate) fixed: Option<String>,
    operators: PerProcess<Mutex<HashMap<String, Arc<Doors>>>>,
    /// Stores that differ in some options, made for single calls.
    pub(crate) derived: PerProcess<Mutex<HashMap<Pairs, Store>>>,
    /// Whether this is one of those.
    pub(crate) is_derived: bool,
    /// Whether paths may name a version.
    is_version_aware: bool,
    max_concurrency: usize,
    part_bytes: usize,
    part_concurrency: usize,
}

impl Store {
    /// A store of `scheme` with these options; no request is made.
    ///
    /// # Errors
    /// `ConfigInvalid` for an unknown scheme or option (naming the nearest) or a bad value.
    pub fn new<'a>(
        scheme: &str,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self> {
        let service = service::find(scheme)?;
        let options = Options::parse(scheme, service.options, service.is_open, pairs)?;
        Store::of(service, options, false)
    }

    pub(crate) fn of(service: Service, options: Options, is_derived: bool) -> Result<Self> {
        let fixed = service
            .container
            .and_then(|name| options.text(name))
            .map(str::to_owned);
        let store = Store {
            inner: Arc::new(Inner {
                max_concurrency: options.count_or("max_concurrency", 32).max(1),
                part_bytes: options.count_or("part_size", 8 << 20),
                part_concurrency: options.count_or("part_concurrency", 4).max(1),
                service,
                fixed,
                operators: PerProcess::new(),
                derived: PerProcess::new(),
                is_derived,
                is_version_aware: options.flag("version_aware"),
                options,
            }),
        };
        // Bad values are found now, not at the first request.
        store.any_doors()?;
        Ok(store)
    }

    /// Name of the service.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        self.inner.service.scheme
    }

    /// Whether the first segment of a path names a container.
    #[must_use]
    pub fn has_containers(&self) -> bool {
        self.inner.service.container.is_some() && self.inner.fixed.is_none()
    }

    /// Whether names begin with a slash.
    #[must_use]
    pub fn is_absolute(&self) -> bool {
        self.inner.service.is_absolute && self.inner.options.text_or("root", "/") == "/"
    }

    /// Whether directories exist only as prefixes of keys.
    #[must_use]
    pub fn has_implicit_dirs(&self) -> bool {
        self.inner.service.has_implicit_dirs
    }

    /// What the service can do.
    ///
    /// # Errors
    /// Those of making an operator.
    pub fn capability(&self) -> Result<Capability> {
        Ok(self.any_doors()?.operator.info().capability())
    }

    /// The same without what the layers of this crate add.
    pub(crate) fn own_capability(&self) -> Result<Capability> {
        Ok(self.any_doors()?.reads.info().capability())
    }

    /// The ways to any one container.
    fn any_doors(&self) -> Result<Arc<Doors>> {
        let any = self.inner.service.container.map(|_| "opendalfs");
        self.doors(self.inner.fixed.as_deref().or(any))
    }

    pub(crate) fn service(&self) -> &Service {
        &self.inner.service
    }

    pub(crate) fn has_prefixes(&self) -> bool {
        self.inner.service.has_prefixes
    }

    pub(crate) fn service_names(&self) -> Option<service::Names> {
        self.inner.service.names
    }

    pub(crate) fn options(&self) -> &Options {
        &self.inner.options
    }

    /// Whether the content is on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.inner.service.is_local
    }

    pub(crate) fn max_concurrency(&self) -> usize {
        self.inner.max_concurrency
    }

    pub(crate) fn part_bytes(&self) -> usize {
        self.inner.part_bytes
    }

    pub(crate) fn part_concurrency(&self) -> usize {
        self.inner.part_concurrency
    }

    /// The attempts of one read. What is on this machine fails for good.
    pub(crate) fn attempts(&self) -> Attempts {
        let policy = match self.is_local() {
            true => Policy::NEVER,
            false => Policy::of(&self.inner.options),
        };
        policy.attempts()
    }

    /// The way to the network for one container; answers come whole.
    pub(crate) fn http(&self, container: Option<&str>) -> Result<HttpTransporter> {
        Ok(self.through(container, http::transporter(&self.inner.options)?))
    }

    fn through(&self, container: Option<&str>, plain: HttpTransporter) -> HttpTransporter {
        match self.inner.service.transport {
            Some(through) => through(&self.inner.options, container, plain),
            None => plain,
        }
    }

    /// The operator of one container, made on first use in this process.
    fn doors(&self, container: Option<&str>) -> Result<Arc<Doors>> {
        let mut operators = self
            .inner
            .operators
            .get(Mutex::default)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let name = container.unwrap_or_default();
        if let Some(doors) = operators.get(name) {
            return Ok(Arc::clone(doors));
        }
        let bare = (self.inner.service.build)(&self.inner.options, container)
            .map_err(|e| e.at("open", name, self.scheme()))?;
        let options = &self.inner.options;
        let streaming = self.through(container, http::streaming(options)?);
        let streaming = bare.context().with_http_transport(streaming);
        let context = bare.context().with_http_transport(self.http(container)?);
        let retry = Policy::of(options).layer();
        let reads = Operator::from_parts(streaming, bare.base_service().clone());
        // What is on this machine has no content types but those written: nothing to guess.
        let reads = match self.is_local() {
            true => reads,
            false => reads
                .layer(MimeGuessLayer::default())
                .layer(SimulateLayer::default()),
        };
        let doors = Arc::new(Doors {
            reads,
            operator: bare
                .with_context(context)
                .layer(WholeWrites {
                    by_rename: self.inner.service.writes == Writes::Renamed,
                })
                .layer(MimeGuessLayer::default())
                .layer(ExactKeys)
                .layer(retry),
        });
        operators.insert(name.to_owned(), Arc::clone(&doors));
        Ok(doors)
    }

    /// Where `path` leads. The key is empty for a container or the root itself.
    pub(crate) fn place(&self, operation: &'static str, path: &str) -> Result<Place> {
        let invalid =
            |why: &str| Error::new(Kind::ConfigInvalid, why).at(operation, path, self.scheme());
        let (container, key) = self.split(path);
        let (key, version) = match key.split_once(VERSION_MARK) {
            Some((key, version)) if self.inner.is_version_aware => (key, Some(version)),
            _ => (key, None),
        };
        if self.has_containers() && container.is_none() {
            return Err(invalid("the path names no bucket"));
        }
        if key.contains('\0') || has_reserved(key) {
            return Err(invalid("the path has characters that no store keeps"));
        }
        if let Some(why) = (self.inner.service.refuse_key)(key) {
            return Err(invalid(why));
        }
        let prefix = match container {
            Some(container) => format!("{container}/"),
            None if self.is_absolute() => "/".to_owned(),
            None => String::new(),
        };
        let container = container.or(self.inner.fixed.as_deref());
        let doors = self
            .doors(container)
            .map_err(|e| e.at(operation, path, self.scheme()))?;
        Ok(Place {
            doors,
            container: container.map(str::to_owned),
            key: key.to_owned(),
            version: version.filter(|v| !v.is_empty()).map(str::to_owned),
            prefix,
            path: path.to_owned(),
        })
    }

    /// `bucket/key` into its parts; this is the only place that does.
    fn split<'a>(&self, path: &'a str) -> (Option<&'a str>, &'a str) {
        let path = if self.is_absolute() {
            path.strip_prefix('/').unwrap_or(path)
        } else {
            path
        };
        if !self.has_containers() {
            return (None, path);
        }
        match path.split_once('/') {
            _ if path.is_empty() => (None, ""),
            Some((container, key)) => (Some(container), key),
            None => (Some(path), ""),
        }
    }

    /// The path of a version, where paths may name one.
    pub(crate) fn versioned_path(&self, place: &Place, version: &str) -> String {
        if !self.inner.is_version_aware || place.version.is_some() {
            return place.path.clone();
        }
        format!("{}{VERSION_MARK}{version}", place.path)
    }

    /// An error of OpenDAL in the house's terms; a missing bucket is named as such.
    pub(crate) fn error(
        &self,
        operation: &'static str,
        place: &Place,
        err: &opendal_core::Error,
    ) -> Error {
        let out = Error::from_opendal(err);
        let out = if out.kind() == Kind::NotFound && err.message().contains("NoSuchBucket") {
            out.about(place.prefix.trim_end_matches('/'))
        } else {
            out
        };
        out.at(operation, &place.path, self.scheme())
    }

    /// Look up one path: a file, or a directory (real, implied by keys below it, a bucket).
    /// One request for a file; one more when there is none of that name.
    ///
    /// # Errors
    /// `NotFound` and whatever the service answers.
    pub async fn stat(&self, path: &str) -> Result<Info> {
        if self.has_containers() && path.is_empty() {
            return Ok(Info::directory(String::new()));
        }
        let place = self.place("info", path)?;
        if place.key.is_empty() {
            return self.stat_root(&place).await;
        }
        let name = place.name_of(&place.key);
        // The service is asked directly: OpenDAL's checks of paths are not for exact keys.
        let (service, context) = (place.reads().service(), place.reads().context());
        let mut attempts = self.attempts();
        let ask = || service.stat_dyn(context, &place.key, place.stat_options());
        let answer = attempts.make(ask).await;
        match answer {
            Ok(answer) => Ok(Info::new(name, answer.into_metadata())),
            Err(err)
                if err.kind() == opendal_core::ErrorKind::NotFound
                    && self.has_implicit_dirs()
                    && place.version.is_none() =>
            {
                if self.has_entries(&place).await? {
                    return Ok(Info::directory(name));
                }
                Err(self.error("info", &place, &err))
            }
            Err(err) => Err(self.error("info", &place, &err)),
        }
    }

    async fn stat_root(&self, place: &Place) -> Result<Info> {
        let name = place.name_of("");
        // One request only where everything below is listed at once.
        if self.has_containers() && place.operator().info().capability().list_with_recursive {
            // An empty bucket lists nothing; a missing one is an error.
            self.has_entries(place).await?;
        }
        let name = if self.is_absolute() {
            "/".to_owned()
        } else {
            name.trim_end_matches('/').to_owned()
        };
        Ok(Info::directory(name))
    }

    /// Whether any key lies below this one. One request.
    pub(crate) async fn has_entries(&self, place: &Place) -> Result<bool> {
        if !place.operator().info().capability().list {
            return Ok(false);
        }
        let options = ListOptions {
            limit: Some(1),
            recursive: true,
            ..Default::default()
        };
        let fail = |e: opendal_core::Error| self.error("info", place, &e);
        let mut lister = place
            .operator()
            .lister_options(&place.wire_dir(), options)
            .await
            .map_err(fail)?;
        Ok(futures::TryStreamExt::try_next(&mut lister)
            .await
            .map_err(fail)?
            .is_some())
    }

    /// Names of the containers.
    ///
    /// # Errors
    /// `Unsupported` where the service has no such call.
    pub async fn list_containers(&self) -> Result<Vec<String>> {
        let extension = self.extension("ls", "")?;
        extension
            .list_containers(&self.inner.options, self.http(None)?)
            .await
            .map_err(|e| e.at("ls", "", self.scheme()))
    }

    /// Make a directory: a container where the path is one, a real directory where the
    /// service has them, nothing at all on object stores.
    ///
    /// # Errors
    /// `AlreadyExists`, or `NotFound` for a missing parent, where directories are real.
    pub async fn create_dir(&self, path: &str, create_parents: bool) -> Result<()> {
        if self.has_containers() && !path.is_empty() && !path.contains('/') {
            let extension = self.extension("mkdir", path)?;
            let made = extension
                .create_container(&self.inner.options, self.http(Some(path))?, path)
                .await;
            return made.map_err(|e| e.at("mkdir", path, self.scheme()));
        }
        let place = self.place("mkdir", path)?;
        if self.has_implicit_dirs() || place.key.is_empty() {
            return Ok(());
        }
        match self.stat(path).await {
            Ok(_) => {
                return Err(Error::new(Kind::AlreadyExists, "").at("mkdir", path, self.scheme()));
            }
            Err(e) if e.kind() == Kind::NotFound => {}
            Err(e) => return Err(e),
        }
        if !create_parents && let Some((parent, _)) = place.key.rsplit_once('/') {
            self.stat(&place.name_of(parent)).await?;
        }
        place
            .operator()
            .create_dir(&place.wire_dir())
            .await
            .map_err(|e| self.error("mkdir", &place, &e))
    }

    /// Remove an empty directory or container.
    ///
    /// # Errors
    /// `NotEmpty`; `NotFound`.
    pub async fn remove_dir(&self, path: &str) -> Result<()> {
        if self.has_containers() && !path.contains('/') {
            let extension = self.extension("rmdir", path)?;
            let gone = extension
                .delete_container(&self.inner.options, self.http(Some(path))?, path)
                .await;
            return gone.map_err(|e| e.at("rmdir", path, self.scheme()));
        }
        let info = self.stat(path).await?;
        if !info.is_dir {
            return Err(Error::new(Kind::NotADirectory, "").at("rmdir", path, self.scheme()));
        }
        if self.list(path).await?.iter().any(|e| e.name != info.name) {
            return Err(Error::new(Kind::NotEmpty, "").at("rmdir", path, self.scheme()));
        }
        let place = self.place("rmdir", path)?;
        place
            .operator()
            .delete(&place.wire_dir())
            .await
            .map_err(|e| self.error("rmdir", &place, &e))
    }

    fn extension(
        &self,
        operation: &'static str,
        path: &str,
    ) -> Result<&'static dyn service::Extension> {
        self.inner.service.extension.ok_or_else(|| {
            Error::new(
                Kind::Unsupported,
                "it has no call for buckets or containers here",
            )
            .at(operation, path, self.scheme())
        })
    }
}
