//! Keys exactly as the user wrote them.
//!
//! OpenDAL's `Operator` trims blanks at both ends of a path and folds `//` to `/`, so that
//! two different keys of an object store become one. A key that this would change is sent
//! through the `Operator` in disguise, and [`ExactKeys`], the layer right below it, takes the
//! disguise off again. All other keys pass untouched and cost one comparison.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use opendal_core::raw::oio;
use opendal_core::raw::{
    Layer, OpCopy, OpCreateDir, OpDelete, OpList, OpPresign, OpRead, OpRename, OpStat, OpWrite,
    RpCreateDir, RpPresign, RpRename, RpStat, Service, ServiceInfo, Servicer,
};
use opendal_core::{Capability, OperationContext, Result};

/// Noncharacters of Unicode: never part of text that is exchanged.
const MARK: char = '\u{10FFFE}';
const SLASH: char = '\u{10FFFF}';
const END: char = '\u{FFFFE}';

/// Whether the disguise could not tell its own marks from the key's text.
pub(crate) fn has_reserved(key: &str) -> bool {
    key.contains([MARK, SLASH, END])
}

/// The form of a key that passes through an `Operator` unchanged.
pub(crate) fn disguise(key: &str) -> Cow<'_, str> {
    let is_safe = !key.contains("//") && !key.starts_with('/') && key.trim() == key;
    if is_safe {
        return Cow::Borrowed(key);
    }
    // A key that ends with a slash names a directory: the last slash stays visible.
    let (body, tail) = match key.strip_suffix('/') {
        Some(body) => (body, "/"),
        None => (key, ""),
    };
    let mut out = String::with_capacity(key.len() + 16);
    out.push(MARK);
    out.extend(body.chars().map(|c| if c == '/' { SLASH } else { c }));
    out.push(END);
    out.push_str(tail);
    Cow::Owned(out)
}

pub(crate) fn reveal(path: &str) -> Cow<'_, str> {
    let Some(rest) = path.strip_prefix(MARK) else {
        return Cow::Borrowed(path);
    };
    Cow::Owned(
        rest.chars()
            .filter(|c| *c != END)
            .map(|c| if c == SLASH { '/' } else { c })
            .collect(),
    )
}

/// The layer that takes the disguise off.
#[derive(Debug)]
pub(crate) struct ExactKeys;

impl Layer for ExactKeys {
    fn apply_service(&self, srv: Servicer) -> Servicer {
        Arc::new(Exact { srv })
    }
}

struct Exact {
    srv: Servicer,
}

impl fmt::Debug for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.srv.fmt(f)
    }
}

impl Service for Exact {
    type Reader = oio::Reader;
    type Writer = oio::Writer;
    type Lister = oio::Lister;
    type Deleter = Deleter;
    type Copier = oio::Copier;
    type Composer = ();

    fn info(&self) -> ServiceInfo {
        self.srv.info_dyn()
    }

    fn capability(&self) -> Capability {
        self.srv.capability_dyn()
    }

    async fn create_dir(
        &self,
        ctx: &OperationContext,
        path: &str,
        args: OpCreateDir,
    ) -> Result<RpCreateDir> {
        self.srv.create_dir_dyn(ctx, &reveal(path), args).await
    }

    async fn stat(&self, ctx: &OperationContext, path: &str, args: OpStat) -> Result<RpStat> {
        self.srv.stat_dyn(ctx, &reveal(path), args).await
    }

    fn read(&self, ctx: &OperationContext, path: &str, args: OpRead) -> Result<Self::Reader> {
        self.srv.read_dyn(ctx, &reveal(path), args)
    }

    fn write(&self, ctx: &OperationContext, path: &str, args: OpWrite) -> Result<Self::Writer> {
        self.srv.write_dyn(ctx, &reveal(path), args)
    }

    fn delete(&self, ctx: &OperationContext) -> Result<Self::Deleter> {
        Ok(Deleter(self.srv.delete_dyn(ctx)?))
    }

    fn list(&self, ctx: &OperationContext, path: &str, args: OpList) -> Result<Self::Lister> {
        self.srv.list_dyn(ctx, &reveal(path), args)
    }

    fn copy(
        &self,
        ctx: &OperationContext,
        from: &str,
        to: &str,
        args: OpCopy,
    ) -> Result<Self::Copier> {
        self.srv.copy_dyn(ctx, &reveal(from), &reveal(to), args)
    }

    async fn rename(
        &self,
        ctx: &OperationContext,
        from: &str,
        to: &str,
        args: OpRename,
    ) -> Result<RpRename> {
        self.srv
            .rename_dyn(ctx, &reveal(from), &reveal(to), args)
            .await
    }

    async fn presign(
        &self,
        ctx: &OperationContext,
        path: &str,
        args: OpPresign,
    ) -> Result<RpPresign> {
        self.srv.presign_dyn(ctx, &reveal(path), args).await
    }
}

pub(crate) struct Deleter(oio::Deleter);

impl oio::Delete for Deleter {
    async fn delete(&mut self, path: &str, args: OpDelete) -> Result<()> {
        self.0.delete_dyn(&reveal(path), args).await
    }

    async fn close(&mut self) -> Result<()> {
        self.0.close_dyn().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_keys_pass_untouched() {
        for key in ["a", "a/b c/d+e", "d/", "\u{e4}/%2F"] {
            assert!(matches!(disguise(key), Cow::Borrowed(k) if k == key));
        }
    }

    #[test]
    fn every_disguise_comes_off_and_survives_normalising() {
        for key in [
            " a",
            "a ",
            "a//b",
            "/a",
            "a// /b ",
            "//",
            "a//",
            " d/",
            "\u{3000}x",
        ] {
            let hidden = disguise(key);
            assert_eq!(
                opendal_core::raw::normalize_path(&hidden),
                hidden,
                "{key:?}"
            );
            assert_eq!(reveal(&hidden), key);
        }
    }
}
