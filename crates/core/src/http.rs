//! The HTTP client of a process, with the waits bounded.
//!
//! Each request may wait `connect_timeout` for a connection and `request_timeout` (plus the
//! time its body needs at a low rate) for the head of the answer, and `request_timeout` for
//! each next piece of the body. These limits sit inside OpenDAL's retry layer: one attempt
//! fails, the next may succeed. An endpoint that never answered anything is not tried again
//! after a time-out, and after five seconds of failures it is left alone for a moment: waiting
//! longer for a machine that is not there helps nobody, least of all once for each of
//! thousands of files.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use http::{Method, Request, Response, StatusCode};
use opendal_core::{Buffer, ErrorKind, HttpBody, HttpTransport, HttpTransporter};
use opendal_http_transport_reqwest::ReqwestTransport;
use tokio::sync::watch;

use crate::error::{Error, Kind, Result};
use crate::options::{Options, parse_flag};
use crate::partial;
use crate::runtime::{self, PerProcess};
use crate::translate::TimedOut;

/// The slowest upload that is still called alive.
const MIN_BYTES_PER_SECOND: u64 = 256 * 1024;
/// How long an endpoint that never answered may fail before it counts as dead, and how long
/// nobody tries it then. Longer than a short outage, shorter than the retries of many files.
const DEAD_AFTER: Duration = Duration::from_secs(5);
const LEFT_ALONE: Duration = Duration::from_secs(2);
const USER_AGENT: &str = concat!("opendalfs/", env!("CARGO_PKG_VERSION"));

/// What makes one HTTP client differ from another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Settings {
    connect_timeout: Duration,
    request_timeout: Duration,
    verify: String,
}

static CLIENTS: PerProcess<Mutex<HashMap<Settings, HttpTransporter>>> = PerProcess::new();

/// The client for these options; stores with equal settings share one and its connections.
///
/// # Errors
/// `ConfigInvalid` when a bundle of certificate authorities cannot be read.
pub fn transporter(options: &Options) -> Result<HttpTransporter> {
    let settings = Settings {
        connect_timeout: options.seconds_or("connect_timeout", 5.0),
        request_timeout: options.seconds_or("request_timeout", 10.0),
        verify: options.text_or("verify", "true").to_owned(),
    };
    let mut clients = CLIENTS
        .get(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some(client) = clients.get(&settings) {
        return Ok(client.clone());
    }
    let client = HttpTransporter::new(Bounded::new(&settings)?);
    clients.insert(settings, client.clone());
    Ok(client)
}

/// Give OpenDAL's own default (used for temporary credentials) a client that belongs to the
/// process and has bounded waits.
pub fn install_default() {
    struct Default;
    impl HttpTransport for Default {
        async fn fetch(&self, req: Request<Buffer>) -> opendal_core::Result<Response<HttpBody>> {
            let client = transporter(&Options::default())
                .map_err(|e| opendal_core::Error::new(ErrorKind::Unexpected, e.to_string()))?;
            client.fetch(req).await
        }
    }
    HttpTransporter::install_default(Default);
}

struct Bounded {
    /// For each of the runtimes its own connections; see [`runtime::is_direct`].
    shared: ReqwestTransport,
    direct: ReqwestTransport,
    request_timeout: Duration,
    peers: Mutex<HashMap<String, Peer>>,
}

/// What is known of an endpoint.
#[derive(Clone, Debug, Default)]
struct Peer {
    has_answered: bool,
    /// Start of the first and end of the last of a row of failures.
    failing: Option<(Instant, Instant)>,
    cause: String,
}

impl Peer {
    /// Never heard of, and not for want of trying.
    fn is_dead(&self) -> bool {
        !self.has_answered
            && self.failing.is_some_and(|(since, last)| {
                since.elapsed() > DEAD_AFTER && last.elapsed() < LEFT_ALONE
            })
    }
}

impl Bounded {
    fn new(settings: &Settings) -> Result<Self> {
        Ok(Bounded {
            shared: client(settings)?,
            direct: client(settings)?,
            request_timeout: settings.request_timeout,
            peers: Mutex::default(),
        })
    }

    fn client(&self) -> &ReqwestTransport {
        if runtime::is_direct() {
            &self.direct
        } else {
            &self.shared
        }
    }
}

fn client(settings: &Settings) -> Result<ReqwestTransport> {
    let mut builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(settings.connect_timeout)
        .tcp_nodelay(true)
        .pool_idle_timeout(Duration::from_secs(60));
    match parse_flag(&settings.verify) {
        Some(true) => {}
        Some(false) => builder = builder.tls_danger_accept_invalid_certs(true),
        None => {
            for certificate in certificates(&settings.verify)? {
                builder = builder.add_root_certificate(certificate);
            }
        }
    }
    let client = builder.build().map_err(|e| {
        Error::new(
            Kind::Unexpected,
            format!("the HTTP client could not start: {e}"),
        )
    })?;
    Ok(ReqwestTransport::new(client))
}

fn certificates(path: &str) -> Result<Vec<reqwest::Certificate>> {
    let invalid = |why: String| {
        Error::new(
            Kind::ConfigInvalid,
            format!("option \"verify\" names {path:?}, which is no bundle of certificates: {why}"),
        )
    };
    let pem = std::fs::read(path).map_err(|e| invalid(e.to_string()))?;
    reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| invalid(e.to_string()))
}

impl HttpTransport for Bounded {
    async fn fetch(&self, req: Request<Buffer>) -> opendal_core::Result<Response<HttpBody>> {
        let uri = req.uri();
        let endpoint = match (uri.scheme_str(), uri.authority()) {
            // Without user information: it may hold a password.
            (Some(scheme), Some(at)) => match at.port() {
                Some(port) => format!("{scheme}://{}:{port}", at.host()),
                None => format!("{scheme}://{}", at.host()),
            },
            _ => String::new(),
        };
        let peer = lock(&self.peers)
            .get(&endpoint)
            .cloned()
            .unwrap_or_default();
        if peer.is_dead() {
            let err =
                opendal_core::Error::new(ErrorKind::Unexpected, "the endpoint does not answer");
            return Err(err.with_context("endpoint", &endpoint));
        }
        let is_known = peer.has_answered;
        let range = req.headers().get(http::header::RANGE).cloned();
        let body_seconds = req.body().len() as u64 / MIN_BYTES_PER_SECOND;
        let patience = self.request_timeout + Duration::from_secs(body_seconds);

        let begin = Instant::now();
        let answer = tokio::time::timeout(patience, self.client().fetch(req)).await;
        let resp = match answer {
            Ok(Ok(resp)) => resp,
            Ok(Err(err)) => {
                self.note_failure(&endpoint, begin, Error::from_opendal(&err).detail());
                let err = if is_connect_timeout(&err) && !is_known {
                    err.set_permanent()
                } else {
                    err
                };
                return Err(err.with_context("endpoint", &endpoint));
            }
            Err(_) => {
                self.note_failure(&endpoint, begin, "timed out");
                return Err(timed_out(patience, &endpoint).with_temporary(is_known));
            }
        };
        if !is_known {
            let peer = Peer {
                has_answered: true,
                ..Peer::default()
            };
            lock(&self.peers).insert(endpoint.clone(), peer);
        }
        let resp = partial::cut(range.as_ref(), resp);
        if resp.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            // Most of OpenDAL's services call this unexpected.
            let err = opendal_core::Error::new(ErrorKind::RangeNotSatisfied, "");
            return Err(err.with_context("endpoint", &endpoint));
        }
        let (parts, body) = resp.into_parts();
        let patience = self.request_timeout;
        let body = body.map_inner(|stream| {
            let stalls = StallGuard { patience, endpoint };
            Box::new(Box::pin(futures::stream::unfold(
                (stream, stalls),
                |(mut stream, stalls)| async move {
                    match tokio::time::timeout(stalls.patience, stream.next()).await {
                        Ok(None) => None,
                        Ok(Some(item)) => Some((item, (stream, stalls))),
                        Err(_) => {
                            let err = timed_out(stalls.patience, &stalls.endpoint);
                            Some((Err(err.set_temporary()), (stream, stalls)))
                        }
                    }
                },
            )))
        });
        Ok(Response::from_parts(parts, body))
    }
}

/// The transport of one upload that can be called off.
///
/// After the cancellation nothing more is sent but removals: parts under way are dropped, the
/// request that would publish the object is refused. What was begun by a POST (the start of an
/// upload, its completion) is waited for: whether the service did it would not be known.
pub(crate) struct Cancellable {
    inner: HttpTransporter,
    is_cancelled: watch::Receiver<bool>,
}

impl Cancellable {
    /// The transport, and what calls it off.
    pub(crate) fn new(inner: HttpTransporter) -> (Self, watch::Sender<bool>) {
        let (cancel, is_cancelled) = watch::channel(false);
        let out = Cancellable {
            inner,
            is_cancelled,
        };
        (out, cancel)
    }
}

impl HttpTransport for Cancellable {
    async fn fetch(&self, req: Request<Buffer>) -> opendal_core::Result<Response<HttpBody>> {
        let cancelled = || opendal_core::Error::new(ErrorKind::Unexpected, "cancelled");
        if req.method() == Method::DELETE {
            return self.inner.fetch(req).await;
        }
        let mut is_cancelled = self.is_cancelled.clone();
        if *is_cancelled.borrow() {
            return Err(cancelled());
        }
        if req.method() == Method::POST {
            return self.inner.fetch(req).await;
        }
        let called_off = async {
            if is_cancelled.wait_for(|c| *c).await.is_err() {
                // Nobody is left who could call it off.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            answer = self.inner.fetch(req) => answer,
            () = called_off => Err(cancelled()),
        }
    }
}

struct StallGuard {
    patience: Duration,
    endpoint: String,
}

impl Bounded {
    fn note_failure(&self, endpoint: &str, begin: Instant, cause: &str) {
        let mut peers = lock(&self.peers);
        let peer = peers.entry(endpoint.to_owned()).or_default();
        let since = match peer.failing {
            // The row goes on when nobody waited in between.
            Some((since, last)) if begin < last + LEFT_ALONE => since,
            _ => begin,
        };
        peer.failing = Some((since, Instant::now()));
        cause.clone_into(&mut peer.cause);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn timed_out(patience: Duration, endpoint: &str) -> opendal_core::Error {
    opendal_core::Error::new(ErrorKind::Unexpected, "")
        .with_context("endpoint", endpoint)
        .set_source(TimedOut(patience))
}

fn is_connect_timeout(err: &opendal_core::Error) -> bool {
    err.source()
        .and_then(|e| e.downcast_ref::<reqwest::Error>())
        .is_some_and(|e| e.is_connect() && e.is_timeout())
}
