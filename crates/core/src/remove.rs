//! Removing files, and trees of them.

use futures::StreamExt;

use crate::error::{Error, Kind, Result};
use crate::extras::Extras;
use crate::place::Place;
use crate::store::Store;

impl Store {
    /// Remove one file. Two requests on object stores, which do not tell a missing key.
    ///
    /// # Errors
    /// `NotFound`; `IsADirectory`.
    pub async fn remove_file(&self, path: &str) -> Result<()> {
        let place = self.file_place("rm", path)?;
        // Of a version, a marker of a deletion say, nothing can be told.
        if place.version.is_none() {
            self.stat_file("rm", path)
                .await
                .map_err(|e| e.at("rm", path, self.scheme()))?;
        }
        place
            .operator()
            .delete_options(&place.wire(), place.delete_options())
            .await
            .map_err(|e| self.error("rm", &place, &e))
    }

    /// Remove files and emptied directories, in batches where the service has them; each with
    /// its own outcome, in the order given. A key that is already gone counts as removed.
    pub async fn remove_many(&self, items: Vec<(String, bool)>) -> Vec<Result<()>> {
        let mut out: Vec<Result<()>> = items.iter().map(|_| Ok(())).collect();
        let mut files = Vec::new();
        let mut dirs = Vec::new();
        for (index, (path, is_dir)) in items.iter().enumerate() {
            if *is_dir && !self.has_implicit_dirs() {
                dirs.push(index);
                continue;
            }
            match self.place("rm", path) {
                // A container or the root: its contents go, it stays.
                Ok(place) if place.key.is_empty() => {}
                Ok(place) => files.push((index, place, *is_dir)),
                Err(e) => out[index] = Err(e),
            }
        }
        for (index, result) in self.remove_keys(files).await {
            out[index] = result;
        }
        // Real directories, the deepest first.
        dirs.sort_by_key(|i| std::cmp::Reverse(items[*i].0.matches('/').count()));
        for index in dirs {
            let path = &items[index].0;
            if let Err(e) = self.remove_dir(path).await
                && e.kind() != Kind::NotFound
            {
                out[index] = Err(e);
            }
        }
        out
    }

    async fn remove_keys(&self, files: Vec<(usize, Place, bool)>) -> Vec<(usize, Result<()>)> {
        // One batch talks to one operator.
        let mut groups: Vec<Vec<(usize, Place, bool)>> = Vec::new();
        let mut files = files;
        files.sort_by(|a, b| a.1.prefix.cmp(&b.1.prefix));
        for item in files {
            let limit = item
                .1
                .operator()
                .info()
                .capability()
                .delete_max_size
                .unwrap_or(1)
                .max(1);
            match groups.last_mut() {
                Some(g) if g.len() < limit && g[0].1.is_same_store(&item.1) => g.push(item),
                _ => groups.push(vec![item]),
            }
        }
        futures::stream::iter(groups)
            .map(|group| self.remove_group(group))
            .buffer_unordered(self.max_concurrency())
            .flat_map(futures::stream::iter)
            .collect()
            .await
    }

    async fn remove_group(&self, group: Vec<(usize, Place, bool)>) -> Vec<(usize, Result<()>)> {
        if let Some(extras) = self.extras() {
            return self.remove_together(extras, group).await;
        }
        let outcome: Result<(), opendal_core::Error> = async {
            let mut deleter = group[0].1.operator().deleter().await?;
            for (_, place, is_dir) in &group {
                // An implied directory may have a marker object; removing one that is not
                // there is no error.
                let key = if *is_dir {
                    place.wire_dir()
                } else {
                    place.wire().into_owned()
                };
                deleter.delete((key, place.delete_options())).await?;
            }
            deleter.close().await
        }
        .await;
        match outcome {
            Ok(()) => group
                .into_iter()
                .map(|(index, ..)| (index, Ok(())))
                .collect(),
            Err(_) if group.len() > 1 => {
                // Find out which: one by one.
                let mut out = Vec::with_capacity(group.len());
                for item in group {
                    out.extend(Box::pin(self.remove_group(vec![item])).await);
                }
                out
            }
            Err(e) => {
                let (index, place, is_dir) = &group[0];
                let err: Error = self.error("rm", place, &e);
                let is_gone = *is_dir && err.kind() == Kind::NotFound;
                vec![(*index, if is_gone { Ok(()) } else { Err(err) })]
            }
        }
    }

    /// By the service's own call for many keys of one container, which tells of each.
    async fn remove_together(
        &self,
        extras: &'static dyn Extras,
        group: Vec<(usize, Place, bool)>,
    ) -> Vec<(usize, Result<()>)> {
        // XML cannot carry these; a request for each can.
        let is_plain = |key: &str| !key.chars().any(|c| c.is_control() && c != '\t');
        let (plain, odd): (Vec<_>, Vec<_>) = group
            .into_iter()
            .partition(|(_, place, _)| is_plain(&place.key));
        let mut out = Vec::new();
        for (index, place, is_dir) in odd {
            let key = match is_dir {
                true => place.wire_dir(),
                false => place.wire().into_owned(),
            };
            let options = place.delete_options();
            let gone = place.operator().delete_options(&key, options).await;
            out.push((index, gone.map_err(|e| self.error("rm", &place, &e))));
        }
        let keys: Vec<(String, Option<String>)> = plain
            .iter()
            .map(|(_, place, is_dir)| match is_dir {
                // An implied directory may have a marker object.
                true => (place.dir_key(), None),
                false => (place.key.clone(), place.version.clone()),
            })
            .collect();
        let Some((_, first, _)) = plain.first() else {
            return out;
        };
        let outcomes = match self.spot(first) {
            Ok(spot) => extras.remove_many(spot, &keys).await,
            Err(e) => Err(e),
        };
        for (at, (index, place, _)) in plain.iter().enumerate() {
            let outcome = match &outcomes {
                Ok(outcomes) => outcomes[at].clone(),
                Err(e) => Err(e.clone()),
            };
            let outcome = outcome.map_err(|e| e.at("rm", &place.path, self.scheme()));
            out.push((*index, outcome));
        }
        out
    }
}
