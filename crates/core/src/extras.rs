//! What some services have beside files: versions, tags, access control, unfinished uploads,
//! copies in parts. The calls that OpenDAL lacks are the service's own, behind [`Extras`].

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt};
use opendal_core::HttpTransporter;
use opendal_core::options::{ListOptions, RestoreOptions};
use opendal_core::raw::percent_encode_path;

use crate::error::{Error, Kind, Result};
use crate::exact::disguise;
use crate::info::Info;
use crate::options::Options;
use crate::place::Place;
use crate::store::{Pairs, Store};
use crate::write::WriteOptions;

/// How many derived stores are kept; beyond that all are made anew.
const MAX_DERIVED: usize = 64;

/// Where in a service a call goes.
#[derive(Clone, Debug)]
pub struct Spot<'a> {
    /// The store's options.
    pub options: &'a Options,
    /// The way to the network.
    pub http: HttpTransporter,
    /// The bucket or container.
    pub container: &'a str,
    /// The exact key; empty for the container itself.
    pub key: &'a str,
    /// The version, unless it is the current one.
    pub version: Option<&'a str>,
}

/// An upload that was begun and neither finished nor given up.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The object it is to become.
    pub key: String,
    /// What the service calls it.
    pub id: String,
    /// When it began, as the service wrote it.
    pub initiated: String,
}

/// Calls on objects and containers that OpenDAL does not have.
pub trait Extras: Send + Sync + std::fmt::Debug {
    /// Copy an object of so many bytes; it keeps what `how` does not change.
    fn copy<'a>(
        &'a self,
        from: Spot<'a>,
        to: Spot<'a>,
        size: u64,
        how: &'a WriteOptions,
    ) -> BoxFuture<'a, Result<()>>;
    /// Make one object of others, in their order; each with its count of bytes.
    fn merge<'a>(
        &'a self,
        to: Spot<'a>,
        from: Vec<(Spot<'a>, u64)>,
        how: &'a WriteOptions,
    ) -> BoxFuture<'a, Result<()>>;
    /// A URL for one call of `method`, with more parameters of the service.
    fn sign<'a>(
        &'a self,
        at: Spot<'a>,
        method: &'a str,
        parameters: &'a [(String, String)],
        expires: Duration,
    ) -> BoxFuture<'a, Result<String>>;
    /// The tags of an object.
    fn tags<'a>(&'a self, at: Spot<'a>) -> BoxFuture<'a, Result<Pairs>>;
    /// Give an object these tags and no others.
    fn put_tags<'a>(
        &'a self,
        at: Spot<'a>,
        tags: &'a [(String, String)],
    ) -> BoxFuture<'a, Result<()>>;
    /// Say by a word of the service who may use an object or a container.
    fn set_acl<'a>(&'a self, at: Spot<'a>, acl: &'a str) -> BoxFuture<'a, Result<()>>;
    /// Whether a container keeps versions.
    fn is_versioned<'a>(&'a self, at: Spot<'a>) -> BoxFuture<'a, Result<bool>>;
    /// Have a container keep versions, or no longer.
    fn set_versioned<'a>(&'a self, at: Spot<'a>, versioned: bool) -> BoxFuture<'a, Result<()>>;
    /// The unfinished uploads of a container.
    fn uploads<'a>(&'a self, at: Spot<'a>) -> BoxFuture<'a, Result<Vec<Upload>>>;
    /// Give an upload up.
    fn abort_upload<'a>(&'a self, at: Spot<'a>, id: &'a str) -> BoxFuture<'a, Result<()>>;
    /// Remove these keys of one container, each with its version, if one is meant; each has an
    /// outcome of its own. A key that is not there is no error.
    fn remove_many<'a>(
        &'a self,
        at: Spot<'a>,
        keys: &'a [(String, Option<String>)],
    ) -> BoxFuture<'a, Result<Vec<Result<()>>>>;
    /// Forget where containers were found to be.
    fn forget_regions(&self);
}

impl Store {
    /// This store with some options changed, for single calls. Equal changes give one store.
    ///
    /// # Errors
    /// As [`Store::new`].
    pub fn with(&self, mut changes: Pairs) -> Result<Store> {
        changes.sort();
        let mut derived = self
            .inner
            .derived
            .get(Mutex::default)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = derived.get(&changes) {
            return Ok(known.clone());
        }
        let service = self.inner.service;
        let options = self.inner.options.changed(
            service.scheme,
            service.options,
            changes.iter().map(|(k, v)| (k.as_str(), v.as_str())),
        )?;
        let made = Store::of(service, options, true)?;
        if derived.len() >= MAX_DERIVED {
            derived.clear();
        }
        derived.insert(changes, made.clone());
        Ok(made)
    }

    pub(crate) fn extras(&self) -> Option<&'static dyn Extras> {
        self.inner.service.extras
    }

    fn extras_of(&self, operation: &'static str, path: &str) -> Result<&'static dyn Extras> {
        self.extras()
            .ok_or_else(|| Error::new(Kind::Unsupported, "").at(operation, path, self.scheme()))
    }

    /// The spot of a place.
    pub(crate) fn spot<'a>(&'a self, place: &'a Place) -> Result<Spot<'a>> {
        let container = place.container.as_deref().unwrap_or_default();
        Ok(Spot {
            options: &self.inner.options,
            http: place.operator().context().http_transport().clone(),
            container,
            key: &place.key,
            version: place.version.as_deref(),
        })
    }

    /// The versions and delete markers of one file, the latest first.
    ///
    /// # Errors
    /// `NotFound` when there are none; `Unsupported` where there are no versions.
    pub async fn versions(&self, path: &str) -> Result<Vec<Info>> {
        let place = self.file_place("versions", path)?;
        let mut found = self.all_versions(&place, &place.wire(), true).await?;
        found.retain(|e| e.name == place.name_of(&place.key));
        if found.is_empty() {
            return Err(Error::new(Kind::NotFound, "").at("versions", path, self.scheme()));
        }
        Ok(found)
    }

    /// The entries of a directory, each file once for each of its versions, with the markers of
    /// those that were deleted.
    ///
    /// # Errors
    /// As [`Store::versions`], but nothing there is no error.
    pub async fn list_versions(&self, path: &str) -> Result<Vec<Info>> {
        let place = self.place("ls", path)?;
        self.all_versions(&place, &place.wire_dir(), false).await
    }

    async fn all_versions(&self, place: &Place, start: &str, recursive: bool) -> Result<Vec<Info>> {
        let operation = "versions";
        let can = place.operator().info().capability();
        if !can.list_with_versions {
            return Err(Error::new(Kind::Unsupported, "").at(
                operation,
                &place.path,
                self.scheme(),
            ));
        }
        let options = ListOptions {
            versions: true,
            deleted: can.list_with_deleted,
            recursive,
            ..Default::default()
        };
        let fail = |e: opendal_core::Error| self.error(operation, place, &e);
        let mut lister = place
            .operator()
            .lister_options(start, options)
            .await
            .map_err(fail)?;
        let mut found = Vec::new();
        while let Some(entry) = lister.try_next().await.map_err(fail)? {
            let (key, metadata) = entry.into_parts();
            if key != "/" && key != place.dir_key() {
                found.push(Info::new(place.name_of(&key), metadata));
            }
        }
        // The service lists markers apart from versions.
        let rank = |e: &Info| {
            let metadata = e.metadata.as_ref();
            let is_current = metadata.and_then(|m| m.is_current()) == Some(true);
            let time = e.last_modified();
            (e.name.clone(), !is_current, std::cmp::Reverse(time))
        };
        found.sort_by_cached_key(rank);
        Ok(found)
    }

    /// Make an old version the current one: that of the path, or the last before a deletion.
    ///
    /// # Errors
    /// `NotFound`; `Unsupported` where there are no versions.
    pub async fn restore(&self, path: &str) -> Result<()> {
        let place = self.file_place("restore", path)?;
        if place.version.is_some() {
            // A copy of our own keeps what the object carries.
            return self.copy(path, &place.name_of(&place.key)).await;
        }
        let (service, context) = (place.reads().service(), place.reads().context());
        service
            .restore_dyn(context, &place.key, RestoreOptions::default().into())
            .await
            .map(|_| ())
            .map_err(|e| self.error("restore", &place, &e))
    }

    /// Make one file of others, in their order, on the service's side. The others stay.
    ///
    /// # Errors
    /// `NotFound`; `Unsupported` where the service cannot.
    pub async fn merge(&self, path: &str, from: &[String], how: &WriteOptions) -> Result<()> {
        let extras = self.extras_of("merge", path)?;
        let target = self.file_place("merge", path)?;
        let mut places = Vec::with_capacity(from.len());
        for path in from {
            let size = self.stat_file("merge", path).await?.size;
            places.push((self.file_place("merge", path)?, size));
        }
        let parts = places
            .iter()
            .map(|(place, size)| Ok((self.spot(place)?, *size)))
            .collect::<Result<_>>()?;
        extras
            .merge(self.spot(&target)?, parts, how)
            .await
            .map_err(|e| e.at("merge", path, self.scheme()))
    }

    /// A URL that anyone can use for `method` (GET, PUT, HEAD or DELETE) until it expires.
    ///
    /// # Errors
    /// `Unsupported` where the service signs no URLs, or none with parameters.
    pub async fn sign(
        &self,
        path: &str,
        method: &str,
        parameters: &[(String, String)],
        expires: Duration,
    ) -> Result<String> {
        let method = method.to_ascii_uppercase();
        let at = |e: Error| e.at("sign", path, self.scheme());
        if !["GET", "PUT", "HEAD", "DELETE"].contains(&method.as_str()) {
            let why = format!("method {method:?} cannot be signed: GET, PUT, HEAD or DELETE");
            return Err(at(Error::new(Kind::ConfigInvalid, why)));
        }
        let place = self.place("sign", path)?;
        if let Some(extras) = self.extras() {
            let signed = extras.sign(self.spot(&place)?, &method, parameters, expires);
            return signed.await.map_err(at);
        }
        if !parameters.is_empty() {
            return Err(at(Error::new(Kind::Unsupported, "parameters of a URL")));
        }
        if !place.operator().info().capability().presign {
            // Azure's would be signed with a key, for reading, writing and removing alike.
            return Err(at(Error::new(
                Kind::Unsupported,
                "it signs no URLs with these options",
            )));
        }
        let key = match self.service().signs_raw_keys {
            true => disguise(&percent_encode_path(&place.key)).into_owned(),
            false => place.wire().into_owned(),
        };
        let op = place.operator();
        let signed = match method.as_str() {
            "GET" => op.presign_read(&key, expires).await,
            "PUT" => op.presign_write(&key, expires).await,
            "HEAD" => op.presign_stat(&key, expires).await,
            _ => op.presign_delete(&key, expires).await,
        };
        let signed = signed.map_err(|e| self.error("sign", &place, &e))?;
        Ok(signed.uri().to_string())
    }

    /// The tags of a file.
    ///
    /// # Errors
    /// `NotFound`; `Unsupported` where there are none.
    pub async fn tags(&self, path: &str) -> Result<Pairs> {
        let extras = self.extras_of("get_tags", path)?;
        let place = self.file_place("get_tags", path)?;
        let tags = extras.tags(self.spot(&place)?).await;
        tags.map_err(|e| e.at("get_tags", path, self.scheme()))
    }

    /// Give a file these tags; with `merge`, beside those it has.
    ///
    /// # Errors
    /// As [`Store::tags`].
    pub async fn put_tags(&self, path: &str, tags: Pairs, merge: bool) -> Result<()> {
        let extras = self.extras_of("put_tags", path)?;
        let place = self.file_place("put_tags", path)?;
        let spot = self.spot(&place)?;
        let at = |e: Error| e.at("put_tags", path, self.scheme());
        let mut all = match merge {
            true => extras.tags(spot.clone()).await.map_err(at)?,
            false => Vec::new(),
        };
        all.retain(|(name, _)| !tags.iter().any(|(new, _)| new == name));
        all.extend(tags);
        extras.put_tags(spot, &all).await.map_err(at)
    }

    /// Say by a word of the service who may use files or buckets; each with its own outcome, in
    /// the order given.
    pub async fn set_acl(&self, paths: Vec<String>, acl: &str) -> Vec<Result<()>> {
        futures::stream::iter(paths)
            .map(|path| async move { self.set_one_acl(&path, acl).await })
            .buffered(self.max_concurrency())
            .collect()
            .await
    }

    async fn set_one_acl(&self, path: &str, acl: &str) -> Result<()> {
        let extras = self.extras_of("chmod", path)?;
        let place = self.place("chmod", path)?;
        let done = extras.set_acl(self.spot(&place)?, acl).await;
        done.map_err(|e| e.at("chmod", path, self.scheme()))
    }

    /// Whether a bucket keeps versions.
    ///
    /// # Errors
    /// `NotFound`; `Unsupported`.
    pub async fn is_versioned(&self, bucket: &str) -> Result<bool> {
        let extras = self.extras_of("is_bucket_versioned", bucket)?;
        let place = self.place("is_bucket_versioned", bucket)?;
        let answer = extras.is_versioned(self.spot(&place)?).await;
        answer.map_err(|e| e.at("is_bucket_versioned", bucket, self.scheme()))
    }

    /// Have a bucket keep versions, or no longer.
    ///
    /// # Errors
    /// As [`Store::is_versioned`].
    pub async fn set_versioned(&self, bucket: &str, versioned: bool) -> Result<()> {
        let extras = self.extras_of("make_bucket_versioned", bucket)?;
        let place = self.place("make_bucket_versioned", bucket)?;
        let done = extras.set_versioned(self.spot(&place)?, versioned).await;
        done.map_err(|e| e.at("make_bucket_versioned", bucket, self.scheme()))
    }

    /// The unfinished uploads of a bucket.
    ///
    /// # Errors
    /// `NotFound`; `Unsupported`.
    pub async fn uploads(&self, bucket: &str) -> Result<Vec<Upload>> {
        let extras = self.extras_of("list_multipart_uploads", bucket)?;
        let place = self.place("list_multipart_uploads", bucket)?;
        let found = extras.uploads(self.spot(&place)?).await;
        found.map_err(|e| e.at("list_multipart_uploads", bucket, self.scheme()))
    }

    /// Give up all unfinished uploads of a bucket.
    ///
    /// # Errors
    /// As [`Store::uploads`]; the first of those that could not be given up.
    pub async fn clear_uploads(&self, bucket: &str) -> Result<()> {
        let found = self.uploads(bucket).await?;
        let given_up = futures::stream::iter(found).map(|upload| async move {
            let path = format!("{bucket}/{}", upload.key);
            match self.abort_upload(&path, &upload.id).await {
                // Somebody was faster.
                Err(e) if e.kind() == Kind::NotFound => Ok(()),
                other => other,
            }
        });
        let limit = self.max_concurrency();
        given_up.buffer_unordered(limit).try_collect().await
    }

    /// Give up one unfinished upload to `path`.
    ///
    /// # Errors
    /// `NotFound`; `Unsupported`.
    pub async fn abort_upload(&self, path: &str, id: &str) -> Result<()> {
        let extras = self.extras_of("abort_mpu", path)?;
        let place = self.file_place("abort_mpu", path)?;
        let done = extras.abort_upload(self.spot(&place)?, id).await;
        done.map_err(|e| e.at("abort_mpu", path, self.scheme()))
    }

    /// Forget where buckets were found to be.
    pub fn forget_regions(&self) {
        if let Some(extras) = self.extras() {
            extras.forget_regions();
        }
    }
}
