//! Listings: one directory, or everything below.

use futures::{StreamExt, TryStreamExt};

use crate::error::{Error, Kind, Result};
use crate::info::Info;
use crate::place::Place;
use crate::service::{Names, refuse_dots};
use crate::store::Store;

impl Store {
    /// The entries of a directory, sorted by name; of a file, the file itself.
    ///
    /// # Errors
    /// `NotFound` when there is neither.
    pub async fn list(&self, path: &str) -> Result<Vec<Info>> {
        if self.has_containers() && path.is_empty() {
            let names = self.list_containers().await?;
            return Ok(names.into_iter().map(Info::directory).collect());
        }
        let place = self.place("ls", path)?;
        let (mut found, has_self) = self.entries(&place, &place.dir_key(), false).await?;
        if found.is_empty() && !has_self && !place.key.is_empty() {
            let info = self
                .stat(path)
                .await
                .map_err(|e| e.at("ls", path, self.scheme()))?;
            if info.is_dir {
                return Ok(Vec::new());
            }
            return Ok(vec![info]);
        }
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Every file below a directory whose name begins with `path/prefix`, sorted by name, and
    /// the directories that the service itself lists. No error when there is nothing.
    ///
    /// With `depth`, so many levels: one listing for each directory on the way, those of a level
    /// at once. Without, one listing of the whole tree.
    ///
    /// # Errors
    /// Whatever the service answers; `NotFound` for a missing bucket.
    pub async fn find(&self, path: &str, prefix: &str, depth: Option<usize>) -> Result<Vec<Info>> {
        if let Some(depth) = depth {
            return self.find_levels(path, prefix, depth).await;
        }
        if self.has_containers() && path.is_empty() {
            return self.find_in_containers(prefix).await;
        }
        let place = self.place("find", path)?;
        let mut found = self.below(&place, prefix, true).await?;
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// The names of [`Store::list`], sorted.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub async fn list_names(&self, path: &str) -> Result<Vec<String>> {
        if let Some((place, names)) = self.bare_names(path)? {
            let found = self.names("ls", &place, names, false)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(self.list(path).await?.into_iter().map(|e| e.name).collect())
    }

    /// The names of the files of [`Store::find`], sorted.
    ///
    /// # Errors
    /// As [`Store::find`].
    pub async fn find_names(
        &self,
        path: &str,
        prefix: &str,
        depth: Option<usize>,
    ) -> Result<Vec<String>> {
        if depth.is_none()
            && prefix.is_empty()
            && let Some((place, names)) = self.bare_names(path)?
        {
            return self.names("find", &place, names, true);
        }
        let found = self.find(path, prefix, depth).await?;
        let mut found: Vec<String> = found
            .into_iter()
            .filter(|e| !e.is_dir)
            .map(|e| e.name)
            .collect();
        found.dedup();
        Ok(found)
    }

    /// The place of a path on a service that lists names alone.
    fn bare_names(&self, path: &str) -> Result<Option<(Place, Names)>> {
        match self.service_names() {
            Some(names) if !self.has_containers() => Ok(Some((self.place("ls", path)?, names))),
            _ => Ok(None),
        }
    }

    /// The entries of a directory, sorted; with `recursive`, the files below it.
    fn names(
        &self,
        operation: &'static str,
        place: &Place,
        names: Names,
        recursive: bool,
    ) -> Result<Vec<String>> {
        let dir = match place.dir_key() {
            key if key.is_empty() => "/".to_owned(),
            key => key,
        };
        let found = names(self.options(), &dir, recursive)
            .map_err(|e| e.at(operation, &place.path, self.scheme()))?;
        let wanted = found.into_iter().flatten().filter(|f| !(recursive && f.1));
        let mut found: Vec<String> = wanted.map(|(key, _)| place.name_of(&key)).collect();
        found.sort_unstable();
        Ok(found)
    }

    async fn find_in_containers(&self, prefix: &str) -> Result<Vec<Info>> {
        let mut found = Vec::new();
        for name in self.list_containers().await? {
            if name.starts_with(prefix) {
                found.extend(Box::pin(self.find(&name, "", None)).await?);
            }
        }
        Ok(found)
    }

    async fn find_levels(&self, path: &str, prefix: &str, depth: usize) -> Result<Vec<Info>> {
        let mut found = if self.has_containers() && path.is_empty() {
            let names = self.list_containers().await?.into_iter();
            names
                .filter(|n| n.starts_with(prefix))
                .map(Info::directory)
                .collect()
        } else {
            let place = self.place("find", path)?;
            self.below(&place, prefix, false).await?
        };
        let mut level = 0..found.len();
        for _ in 1..depth {
            let dirs: Vec<Place> = found[level]
                .iter()
                .filter(|e| e.is_dir)
                .map(|e| self.place("find", &e.name))
                .collect::<Result<_>>()?;
            let listed: Vec<Vec<Info>> = futures::stream::iter(dirs)
                .map(|dir| async move { self.below(&dir, "", false).await })
                .buffered(self.max_concurrency())
                .try_collect()
                .await?;
            let start = found.len();
            found.extend(listed.into_iter().flatten());
            level = start..found.len();
        }
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// What lies below a directory and begins with `prefix` there.
    async fn below(&self, place: &Place, prefix: &str, recursive: bool) -> Result<Vec<Info>> {
        if prefix.is_empty() {
            return Ok(self.entries(place, &place.dir_key(), recursive).await?.0);
        }
        let start = if place.key.is_empty() {
            prefix.to_owned()
        } else {
            format!("{}/{prefix}", place.key)
        };
        // Some services refuse a prefix whose last segment is "." or "..": list more there.
        let asked = match refuse_dots(&start) {
            Some(_) => place.dir_key(),
            None => start.clone(),
        };
        let (mut found, _) = self.entries(place, &asked, recursive).await?;
        // Services that cannot list by prefix give more.
        let wanted = place.name_of(&start);
        found.retain(|e| e.name.starts_with(&wanted));
        Ok(found)
    }

    /// Entries below `start`, without the directory's own; that one is reported apart.
    async fn entries(
        &self,
        place: &Place,
        start: &str,
        recursive: bool,
    ) -> Result<(Vec<Info>, bool)> {
        let operation = if recursive { "find" } else { "ls" };
        if !place.operator().info().capability().list {
            let why = Error::new(Kind::Unsupported, "it cannot list");
            return Err(why.at(operation, &place.path, self.scheme()));
        }
        let own = format!("{}/", place.key);
        let (mut found, mut has_self) = (Vec::new(), false);
        if recursive {
            for (key, metadata) in self.list_all(place, start, 0).await? {
                if key == "/" || key == own {
                    has_self = true;
                } else {
                    found.push(Info::new(place.name_of(&key), metadata));
                }
            }
            return Ok((found, has_self));
        }
        let mut lister = self.lister(place, start, false).await?;
        let fail = |e: opendal_core::Error| self.error(operation, place, &e);
        while let Some(entry) = lister.try_next().await.map_err(fail)? {
            let (key, metadata) = entry.into_parts();
            if key == "/" || key == own {
                has_self = true;
                continue;
            }
            if key.ends_with("//") {
                // A directory without a name ("a//b") cannot be named in a path: what lies
                // below it is listed here, under its exact key.
                let (below, _) = Box::pin(self.entries(place, &key, true)).await?;
                found.extend(below.into_iter().filter(|e| !e.is_dir));
                continue;
            }
            found.push(Info::new(place.name_of(&key), metadata));
        }
        Ok((found, has_self))
    }
}
