//! Long recursive listings, in pieces that are fetched at once.
//!
//! An object store gives a listing page after page, each of which names where the next begins:
//! nothing can be asked for ahead. But it can be asked for the level below, and for all keys
//! with a prefix. So when the first page is full, the directories behind it are sorted into
//! groups by the prefix they share, and the groups are listed side by side. A flat directory
//! has no groups and is listed as before, for one request more.

use futures::{FutureExt, StreamExt, TryStreamExt};
use opendal_core::options::ListOptions;
use opendal_core::{Lister, Metadata};

use crate::error::Result;
use crate::exact::disguise;
use crate::place::{Place, wire_of};
use crate::store::Store;

/// Entries of a page: services give no more at once.
const PAGE: usize = 1000;
/// So many groups are enough; more are made only if fewer would be one.
const MIN_GROUPS: usize = 8;
const MAX_GROUPS: usize = 64;
/// Groups that are listed at once, of a listing and of each of its groups.
const AT_ONCE: [usize; 2] = [8, 2];

/// How far down to look for groups.
const MAX_LEVELS: usize = 4;

type Entry = (String, Metadata);

/// What lies directly below a key, all of it.
struct Level {
    base: String,
    dirs: Vec<String>,
    files: Vec<Entry>,
}

fn last_of(found: &[Entry]) -> String {
    found.last().map(|e| e.0.clone()).unwrap_or_default()
}

impl Store {
    /// Entries whose keys begin with `start`, which is exact: nothing, `dir/` or `dir/na`.
    pub(crate) async fn lister(
        &self,
        place: &Place,
        start: &str,
        recursive: bool,
    ) -> Result<Lister> {
        let options = ListOptions {
            recursive,
            ..Default::default()
        };
        let operation = if recursive { "find" } else { "ls" };
        place
            .operator()
            .lister_options(&wire_of(start), options)
            .await
            .map_err(|e| self.error(operation, place, &e))
    }

    /// Every key that begins with `start`, in no particular order. `depth` counts how often
    /// groups were made of groups.
    pub(crate) async fn list_all(
        &self,
        place: &Place,
        start: &str,
        depth: usize,
    ) -> Result<Vec<Entry>> {
        let mut lister = self.lister(place, start, true).await?;
        let mut found = Vec::new();
        let is_over = self.pages(place, &mut lister, &mut found, PAGE).await?
            || self.is_over_now(place, &mut lister, &mut found)?;
        let can = place.operator().info().capability();
        let is_cut = self.has_prefixes() && can.list_with_start_after && depth < AT_ONCE.len();
        if is_over || !is_cut {
            self.pages(place, &mut lister, &mut found, usize::MAX)
                .await?;
            return Ok(found);
        }
        let last = last_of(&found);
        // Meanwhile the next page is on its way. Who may not list levels, or gets keys in an order
        // of their own, is served as before.
        let levels = self.levels(place, start, &last).await;
        let is_sorted = found.is_sorted_by(|a, b| a.0 < b.0);
        let levels = levels.ok().filter(|_| is_sorted).unwrap_or_default();
        let behind = |level: &Level| level.dirs.partition_point(|d| *d <= last);
        let ends = levels.iter().filter_map(|l| l.dirs.get(behind(l)));
        let Some(end) = ends.min().cloned() else {
            self.pages(place, &mut lister, &mut found, usize::MAX)
                .await?;
            return Ok(found);
        };
        let mut parts = Vec::new();
        for level in levels {
            let from = behind(&level);
            let len = level.base.len();
            parts.extend(groups(&level.dirs, from, len).into_iter().map(|g| (g, len)));
            found.extend(level.files.into_iter().filter(|f| f.0 > end));
        }
        let mut rest = Vec::new();
        let others = futures::stream::iter(parts)
            .map(|(group, level)| self.list_group(place, group, level, depth + 1))
            .buffer_unordered(AT_ONCE[depth])
            .try_concat();
        let ((), others) =
            futures::try_join!(self.until(place, &mut lister, &mut rest, &end), others)?;
        found.extend(rest);
        found.extend(others);
        Ok(found)
    }

    /// Up to `most` further entries; whether these were the last.
    async fn pages(
        &self,
        place: &Place,
        lister: &mut Lister,
        found: &mut Vec<Entry>,
        most: usize,
    ) -> Result<bool> {
        for _ in 0..most {
            let next = lister.try_next().await;
            match next.map_err(|e| self.error("find", place, &e))? {
                Some(entry) => found.push(entry.into_parts()),
                None => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Whether a listing knows without asking that nothing follows. If not, it has begun to ask.
    fn is_over_now(
        &self,
        place: &Place,
        lister: &mut Lister,
        found: &mut Vec<Entry>,
    ) -> Result<bool> {
        match lister.next().now_or_never() {
            Some(Some(Ok(entry))) => found.push(entry.into_parts()),
            Some(Some(Err(e))) => return Err(self.error("find", place, &e)),
            Some(None) => return Ok(true),
            None => {}
        }
        Ok(false)
    }

    /// Further entries before `end`.
    async fn until(
        &self,
        place: &Place,
        lister: &mut Lister,
        found: &mut Vec<Entry>,
        end: &str,
    ) -> Result<()> {
        loop {
            let next = lister.try_next().await;
            match next.map_err(|e| self.error("find", place, &e))? {
                Some(entry) if entry.path() < end => found.push(entry.into_parts()),
                _ => return Ok(()),
            }
        }
    }

    /// The levels on the way from `base` down to `last`, as far as each is small.
    async fn levels(&self, place: &Place, base: &str, last: &str) -> Result<Vec<Level>> {
        let mut levels = Vec::new();
        let mut base = base.to_owned();
        for _ in 0..MAX_LEVELS {
            let mut lister = self.lister(place, &base, false).await?;
            let mut entries = Vec::new();
            let is_all = self.pages(place, &mut lister, &mut entries, PAGE).await?;
            entries.retain(|e| e.0 != base && e.0 != "/");
            // Keys that need a disguise are no good as prefixes.
            if !is_all || entries.iter().any(|e| *disguise(&e.0) != *e.0) {
                break;
            }
            let (dirs, files): (Vec<_>, Vec<_>) =
                entries.into_iter().partition(|e| e.0.ends_with('/'));
            let mut dirs: Vec<String> = dirs.into_iter().map(|e| e.0).collect();
            dirs.sort_unstable();
            let below = dirs.iter().find(|d| last.starts_with(*d)).cloned();
            levels.push(Level { base, dirs, files });
            match below {
                Some(below) => base = below,
                None => break,
            }
        }
        Ok(levels)
    }

    /// What lies below the directories whose keys begin with `group`. Files beside them, of
    /// which no slash follows the first `level` bytes, are known already.
    async fn list_group(
        &self,
        place: &Place,
        group: String,
        level: usize,
        depth: usize,
    ) -> Result<Vec<Entry>> {
        let mut found = Box::pin(self.list_all(place, &group, depth)).await?;
        let is_below = |key: &str| key.get(level..).is_some_and(|rest| rest.contains('/'));
        found.retain(|e| e.0.starts_with(&group) && is_below(&e.0));
        Ok(found)
    }
}

/// Prefixes that together cover `dirs[behind..]` and nothing of what is before. `dirs` are
/// sorted; they share their first `level` bytes.
fn groups(dirs: &[String], behind: usize, level: usize) -> Vec<String> {
    let (before, wanted) = dirs.split_at(behind);
    let longest = wanted.iter().map(String::len).max().unwrap_or(0);
    let mut best: Vec<&str> = Vec::new();
    for len in level + 1..=longest {
        let mut cut: Vec<&str> = wanted.iter().map(|d| head(d, len)).collect();
        cut.dedup();
        if cut.len() > MAX_GROUPS && best.len() > 1 {
            break;
        }
        best = cut;
        if best.len() >= MIN_GROUPS {
            break;
        }
    }
    let mut out = Vec::new();
    for group in best {
        let members = wanted.iter().filter(|d| d.starts_with(group));
        if before.iter().any(|d| d.starts_with(group)) || members.clone().count() == 1 {
            out.extend(members.cloned());
        } else {
            out.push(group.to_owned());
        }
    }
    out
}

/// The first `len` bytes, or a little more where a character would be cut.
fn head(text: &str, len: usize) -> &str {
    let end = (len..text.len()).find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dirs(names: impl IntoIterator<Item = String>) -> Vec<String> {
        let mut out: Vec<String> = names.into_iter().map(|n| format!("top/{n}/")).collect();
        out.sort();
        out
    }

    /// Each directory behind the cut is in one group, none before it is in any.
    fn check(dirs: &[String], behind: usize) -> Vec<String> {
        let made = groups(dirs, behind, "top/".len());
        for (i, dir) in dirs.iter().enumerate() {
            let count = made.iter().filter(|g| dir.starts_with(*g)).count();
            assert_eq!(count, usize::from(i >= behind), "{dir} in {made:?}");
        }
        made
    }

    #[test]
    fn groups_cover_what_is_behind_and_nothing_before() {
        let numbers = dirs((0..200).map(|i| format!("{i:03}")));
        let days = dirs((1..=9).flat_map(|m| (10..29).map(move |d| format!("2024-0{m}-{d}"))));
        let odd = dirs(
            [
                "a",
                "ab",
                "abc",
                "\u{e4}",
                "\u{e4}x",
                "\u{20ac}",
                "\u{20ac}1",
            ]
            .map(str::to_owned),
        );
        let one = dirs(["only".to_owned()]);
        for dirs in [numbers, days, odd, one] {
            for behind in 0..dirs.len() {
                check(&dirs, behind);
            }
        }
    }

    #[test]
    fn nothing_behind_makes_no_groups() {
        assert!(groups(&dirs(["a".to_owned()]), 1, 4).is_empty());
        assert!(groups(&[], 0, 0).is_empty());
    }

    #[test]
    fn many_directories_make_few_groups() {
        let numbers = dirs((0..200).map(|i| format!("{i:03}")));
        assert_eq!(check(&numbers, 0).len(), 20);
        let words = dirs((0..500).map(|i| format!("{}-{i}", char::from(b'a' + (i % 26) as u8))));
        assert_eq!(check(&words, 0).len(), 26);
    }
}
