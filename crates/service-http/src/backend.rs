//! OpenDAL's service, which reads; and what it lacks: directories.

use std::collections::VecDeque;

use futures::StreamExt;
use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode, header};
use opendal_core::raw::{
    OpCopy, OpCreateDir, OpList, OpPresign, OpRead, OpRename, OpStat, OpWrite, RpCreateDir,
    RpPresign, RpRename, RpStat, Service, ServiceInfo, Servicer, build_rooted_abs_path,
    format_authorization_by_basic, format_authorization_by_bearer, normalize_root, oio,
    parse_into_metadata, percent_encode_path,
};
use opendal_core::{
    Buffer, Capability, Configurator, Error, ErrorKind, HttpRedirect, Metadata, MetadataBuilder,
    OperationContext, Result,
};
use opendal_service_http::HttpConfig;

use crate::index;

/// Files of a directory that are looked at together.
const LOOKS_AT_ONCE: usize = 16;

/// Configuration of the backend.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    /// Without a slash at its end.
    pub(crate) endpoint: String,
    pub(crate) config: HttpConfig,
}

impl opendal_core::Builder for Builder {
    /// The house's options come through the builder; OpenDAL's own way in is not used.
    type Config = ();

    fn build(self) -> Result<impl Service> {
        let config = &self.config;
        let mut authorization = None;
        if let Some(name) = &config.username {
            let password = config.password.as_deref().unwrap_or_default();
            authorization = Some(format_authorization_by_basic(name, password)?);
        }
        if let Some(token) = &config.token {
            authorization = Some(format_authorization_by_bearer(token)?);
        }
        Ok(Backend {
            root: normalize_root(config.root.as_deref().unwrap_or_default()),
            endpoint: self.endpoint,
            authorization,
            files: std::sync::Arc::new(self.config.into_builder().build()?),
        })
    }
}

#[derive(Clone)]
struct Backend {
    endpoint: String,
    root: String,
    authorization: Option<String>,
    files: Servicer,
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.files.fmt(f)
    }
}

impl Backend {
    fn url(&self, path: &str) -> String {
        let path = build_rooted_abs_path(&self.root, path);
        format!("{}{}", self.endpoint, percent_encode_path(&path))
    }

    async fn send(
        &self,
        ctx: &OperationContext,
        method: Method,
        path: &str,
    ) -> Result<Response<Buffer>> {
        let mut request = Request::builder().method(method).uri(self.url(path));
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.body(Buffer::new()).map_err(|e| {
            Error::new(ErrorKind::ConfigInvalid, "the path makes no URL").set_source(e)
        })?;
        ctx.http_transport().send(request).await
    }

    /// Look at one path. A server leads whoever asks for a directory to its name with a slash.
    async fn look(&self, ctx: &OperationContext, path: &str) -> Result<Metadata> {
        let answer = self.send(ctx, Method::HEAD, path).await?;
        let is_led_to_dir = answer
            .extensions()
            .get::<HttpRedirect>()
            .is_some_and(|to| is_dir_url(to.uri().original_uri()));
        if answer.status().is_success() && (is_led_to_dir || path.ends_with('/')) {
            return Ok(MetadataBuilder::dir().build());
        }
        if !answer.status().is_success() {
            return Err(failed(&answer));
        }
        parse_into_metadata(path, answer.headers())
    }

    /// The keys directly below a directory; nothing where the server shows no page of it.
    async fn names(&self, ctx: &OperationContext, dir: &str) -> Result<VecDeque<String>> {
        let answer = self.send(ctx, Method::GET, dir).await?;
        match answer.status() {
            status if status.is_success() => {}
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => return Ok(VecDeque::new()),
            _ => return Err(failed(&answer)),
        }
        let is_page = answer
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .is_some_and(|kind| kind.starts_with("text/html"));
        if !is_page {
            return Ok(VecDeque::new());
        }
        // Links are relative to the page the server led to.
        let url = match answer.extensions().get::<HttpRedirect>() {
            Some(to) => to.uri().original_uri().to_owned(),
            None => self.url(dir),
        };
        if !is_dir_url(&url) {
            return Ok(VecDeque::new());
        }
        let page = answer.into_body().to_bytes();
        let dir = if dir == "/" { "" } else { dir };
        Ok(index::entries(&String::from_utf8_lossy(&page), &url, dir).into())
    }
}

fn is_dir_url(url: &str) -> bool {
    url.split(['?', '#'])
        .next()
        .unwrap_or_default()
        .ends_with('/')
}

fn failed(answer: &Response<Buffer>) -> Error {
    let status = answer.status();
    let kind = match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => ErrorKind::NotFound,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ErrorKind::PermissionDenied,
        _ => ErrorKind::Unexpected,
    };
    let is_temporary = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
    Error::new(kind, format!("the server answered {status}")).with_temporary(is_temporary)
}

fn read_only<T>() -> Result<T> {
    Err(Error::new(ErrorKind::Unsupported, "HTTP is read-only here"))
}

impl Service for Backend {
    type Reader = oio::Reader;
    type Writer = ();
    type Lister = Lister;
    type Deleter = ();
    type Copier = ();
    type Composer = ();

    fn info(&self) -> ServiceInfo {
        self.files.info_dyn()
    }

    fn capability(&self) -> Capability {
        Capability {
            list: true,
            ..self.files.capability_dyn()
        }
    }

    async fn create_dir(
        &self,
        _: &OperationContext,
        _: &str,
        _: OpCreateDir,
    ) -> Result<RpCreateDir> {
        read_only()
    }

    async fn stat(&self, ctx: &OperationContext, path: &str, _: OpStat) -> Result<RpStat> {
        if path == "/" {
            return Ok(RpStat::new(MetadataBuilder::dir().build()));
        }
        self.look(ctx, path).await.map(RpStat::new)
    }

    fn read(&self, ctx: &OperationContext, path: &str, args: OpRead) -> Result<Self::Reader> {
        self.files.read_dyn(ctx, path, args)
    }

    fn write(&self, _: &OperationContext, _: &str, _: OpWrite) -> Result<Self::Writer> {
        read_only()
    }

    fn delete(&self, _: &OperationContext) -> Result<Self::Deleter> {
        read_only()
    }

    fn list(&self, ctx: &OperationContext, path: &str, _: OpList) -> Result<Self::Lister> {
        Ok(Lister {
            backend: self.clone(),
            ctx: ctx.clone(),
            dir: path.to_owned(),
            names: None,
            looked: VecDeque::new(),
        })
    }

    fn copy(&self, _: &OperationContext, _: &str, _: &str, _: OpCopy) -> Result<Self::Copier> {
        read_only()
    }

    async fn rename(
        &self,
        _: &OperationContext,
        _: &str,
        _: &str,
        _: OpRename,
    ) -> Result<RpRename> {
        read_only()
    }

    async fn presign(
        &self,
        ctx: &OperationContext,
        path: &str,
        args: OpPresign,
    ) -> Result<RpPresign> {
        self.files.presign_dyn(ctx, path, args).await
    }
}

/// One directory. Pages name files and little else: each is looked at.
struct Lister {
    backend: Backend,
    ctx: OperationContext,
    dir: String,
    names: Option<VecDeque<String>>,
    looked: VecDeque<oio::Entry>,
}

impl Lister {
    fn look(&self, key: String) -> BoxFuture<'static, Result<Option<oio::Entry>>> {
        let (backend, ctx) = (self.backend.clone(), self.ctx.clone());
        Box::pin(async move {
            if key.ends_with('/') {
                return Ok(Some(oio::Entry::with(key, MetadataBuilder::dir().build())));
            }
            match backend.look(&ctx, &key).await {
                Ok(metadata) if metadata.is_dir() => {
                    Ok(Some(oio::Entry::with(format!("{key}/"), metadata)))
                }
                Ok(metadata) => Ok(Some(oio::Entry::with(key, metadata))),
                // A page may name what is gone, and what not everyone may see.
                Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
                    Ok(None)
                }
                Err(e) if e.is_temporary() => Err(e),
                // It is there, and nobody tells its size.
                Err(_) => Ok(Some(oio::Entry::with(
                    key,
                    MetadataBuilder::file(0).build(),
                ))),
            }
        })
    }
}

impl oio::List for Lister {
    async fn next(&mut self) -> Result<Option<oio::Entry>> {
        let mut names = match self.names.take() {
            Some(names) => names,
            None => self.backend.names(&self.ctx, &self.dir).await?,
        };
        while self.looked.is_empty() && !names.is_empty() {
            let some = names.len().min(LOOKS_AT_ONCE);
            let looks: Vec<_> = names.drain(..some).map(|key| self.look(key)).collect();
            let mut looks = futures::stream::iter(looks).buffered(LOOKS_AT_ONCE);
            while let Some(entry) = looks.next().await {
                self.looked.extend(entry?);
            }
        }
        self.names = Some(names);
        Ok(self.looked.pop_front())
    }
}
