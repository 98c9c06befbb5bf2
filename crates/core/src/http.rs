//! The HTTP client of a process, with the waits bounded and what fails in passing tried again.
//!
//! Each attempt may wait `connect_timeout` for a connection and `request_timeout` (plus the
//! time its body needs at a low rate) for the head of the answer, and `request_timeout` for
//! each next piece of the body. How often and how long there is another one is said in
//! `retry`. An endpoint that never answered anything is not tried again after a time-out, and
//! after five seconds of failures it is left alone for a moment: waiting longer for a machine
//! that is not there helps nobody, least of all once for each of thousands of files.

use std::collections::HashMap;
use std::error::Error as _;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use http::{Method, Request, Response, StatusCode};
use opendal_core::{Buffer, ErrorKind, HttpBody, HttpTransport, HttpTransporter};
use opendal_http_transport_reqwest::ReqwestTransport;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Kind, Result};
use crate::marks::{AfterDoubt, CallOff};
use crate::options::{Options, parse_flag};
use crate::partial;
use crate::retry::{self, LONGEST_WAIT, Policy};
use crate::runtime::{self, PerProcess};
use crate::translate::timed_out;

/// The slowest upload that is still called alive.
const MIN_BYTES_PER_SECOND: u64 = 256 * 1024;
/// How long an endpoint that never answered may fail before it counts as dead, and how long
/// nobody tries it then. Longer than a short outage, shorter than the retries of many files.
const DEAD_AFTER: Duration = Duration::from_secs(5);
/// The same for one that did answer: longer than any request of its own goes on trying, so that
/// it is only the many of a bulk call who do not wait one after the other.
const GONE_AFTER: Duration = Duration::from_secs(20);
const LEFT_ALONE: Duration = Duration::from_secs(2);
const USER_AGENT: &str = concat!("opendalfs/", env!("CARGO_PKG_VERSION"));

/// What makes one HTTP client differ from another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Settings {
    connect_timeout: Duration,
    request_timeout: Duration,
    max_connections: usize,
    verify: String,
}

static CLIENTS: PerProcess<Mutex<HashMap<Settings, Arc<Bounded>>>> = PerProcess::new();

/// The client for these options, whose answers arrive whole: a body that breaks off is asked
/// for again. Stores with equal settings share one and its connections.
///
/// # Errors
/// `ConfigInvalid` when a bundle of certificate authorities cannot be read.
pub fn transporter(options: &Options) -> Result<HttpTransporter> {
    retrying(options, false)
}

/// The same for long answers, which are passed on as they come; where one breaks off is for
/// the reader to know.
///
/// # Errors
/// As [`transporter`].
pub(crate) fn streaming(options: &Options) -> Result<HttpTransporter> {
    retrying(options, true)
}

/// The same for those who try again by a rule of their own: one attempt, few seconds.
///
/// # Errors
/// As [`transporter`].
pub fn once(options: &Options) -> Result<HttpTransporter> {
    Ok(HttpTransporter::new(Retrying {
        inner: bounded(options)?,
        policy: Policy::of(options).once(),
        is_streaming: false,
    }))
}

fn retrying(options: &Options, is_streaming: bool) -> Result<HttpTransporter> {
    Ok(HttpTransporter::new(Retrying {
        inner: bounded(options)?,
        policy: Policy::of(options),
        is_streaming,
    }))
}

fn bounded(options: &Options) -> Result<Arc<Bounded>> {
    let budget = Policy::of(options).budget();
    let settings = Settings {
        connect_timeout: options.seconds_or("connect_timeout", 5.0),
        request_timeout: options.seconds_or("request_timeout", 10.0).min(budget),
        max_connections: options.count_or("max_connections", 64).max(1),
        verify: options.text_or("verify", "true").to_owned(),
    };
    let mut clients = CLIENTS
        .get(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some(client) = clients.get(&settings) {
        return Ok(Arc::clone(client));
    }
    let client = Arc::new(Bounded::new(&settings)?);
    clients.insert(settings, Arc::clone(&client));
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

/// Tries again what fails for a passing reason.
struct Retrying {
    inner: Arc<Bounded>,
    policy: Policy,
    is_streaming: bool,
}

/// Why the last attempt was the last one.
#[derive(Debug)]
struct GaveUp(usize, Duration);

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "given up after {} attempts in {:.1} s",
            self.0,
            self.1.as_secs_f64()
        )
    }
}

impl std::error::Error for GaveUp {}

impl HttpTransport for Retrying {
    async fn fetch(&self, req: Request<Buffer>) -> opendal_core::Result<Response<HttpBody>> {
        let endpoint = endpoint_of(&req);
        let mut attempts = self.policy.attempts();
        let (begin, mut count, mut is_doubtful) = (Instant::now(), 0, false);
        loop {
            count += 1;
            // A large body is given the time it needs on a slow line, beyond the budget if need be.
            let left = attempts.left() + body_time(&req);
            let answer = self.attempt(req.clone(), &endpoint, left).await;
            let (err, told) = match answer {
                Ok(Answer::Good(mut answer)) => {
                    if is_doubtful {
                        answer.extensions_mut().insert(AfterDoubt);
                    }
                    return Ok(answer);
                }
                Ok(Answer::Passing(err, told)) => (err, told),
                Err(err) => {
                    if !err.is_temporary() {
                        return Err(err);
                    }
                    (err, None)
                }
            };
            is_doubtful |= !is_connect_error(&err);
            let Some(wait) = attempts.again(told) else {
                // Nothing above is to begin anew.
                let err = err.set_permanent();
                return Err(match err.source() {
                    Some(_) => err,
                    None => err.set_source(GaveUp(count, begin.elapsed())),
                });
            };
            match req.extensions().get::<CallOff>() {
                None => tokio::time::sleep(wait).await,
                Some(call_off) => tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    err = call_off.clone().called_off() => return Err(err),
                },
            }
        }
    }
}

enum Answer {
    Good(Response<HttpBody>),
    /// A refusal that may pass, and how long the service wants to be left alone.
    Passing(opendal_core::Error, Option<Duration>),
}

impl Retrying {
    async fn attempt(
        &self,
        req: Request<Buffer>,
        endpoint: &str,
        left: Duration,
    ) -> opendal_core::Result<Answer> {
        let may_be_error = matches!(*req.method(), Method::POST | Method::PUT);
        let answer = self.inner.attempt(req, endpoint, left).await?;
        let status = answer.status();
        let is_error = status.is_client_error() || status.is_server_error();
        if self.is_streaming && !is_error {
            return Ok(Answer::Good(answer));
        }
        let (parts, mut body) = answer.into_parts();
        let body = body.to_buffer().await?;
        // S3 begins some long answers with status 200 and may end them with an error.
        if is_error || (may_be_error && retry::is_error_document(&body)) {
            let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
            if retry::is_passing(status, &text) {
                let told = retry::retry_after(&parts.headers);
                return Ok(Answer::Passing(refusal(status, &text, endpoint), told));
            }
        }
        let body = HttpBody::new(stream::iter([Ok(body)]), None);
        Ok(Answer::Good(Response::from_parts(parts, body)))
    }
}

/// The error that stands for a refusal, in the form of OpenDAL's services: see `translate`.
fn refusal(status: StatusCode, body: &str, endpoint: &str) -> opendal_core::Error {
    let code = retry::code_of(body);
    let kind = match code.as_deref() {
        Some("SlowDown") => ErrorKind::RateLimited,
        Some("ConditionalRequestConflict") => ErrorKind::ConditionNotMatch,
        _ if status == StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
        _ => ErrorKind::Unexpected,
    };
    let message = retry::message_of(body).unwrap_or_default();
    let text = match code {
        Some(code) => format!("code: {code:?}, message: {message:?}"),
        None => format!("HTTP status {status}"),
    };
    opendal_core::Error::new(kind, text)
        .with_context("endpoint", endpoint)
        .set_temporary()
}

/// Where a request goes: `scheme://host:port`.
fn endpoint_of(req: &Request<Buffer>) -> String {
    let uri = req.uri();
    match (uri.scheme_str(), uri.authority()) {
        // Without user information: it may hold a password.
        (Some(scheme), Some(at)) => match at.port() {
            Some(port) => format!("{scheme}://{}:{port}", at.host()),
            None => format!("{scheme}://{}", at.host()),
        },
        _ => String::new(),
    }
}

/// What the body of a request may take on its way.
fn body_time(req: &Request<Buffer>) -> Duration {
    Duration::from_secs(req.body().len() as u64 / MIN_BYTES_PER_SECOND)
}

/// The process's client with its waits bounded; one attempt a request.
struct Bounded {
    /// For each of the runtimes its own connections; see [`runtime::is_direct`].
    shared: ReqwestTransport,
    direct: ReqwestTransport,
    request_timeout: Duration,
    /// Room for requests under way: an answer that is being read may wait for whoever writes
    /// what it brings, so each side has its own.
    downloads: Arc<Semaphore>,
    others: Arc<Semaphore>,
    peers: Mutex<HashMap<String, Peer>>,
}

/// What is known of an endpoint.
#[derive(Clone, Debug, Default)]
struct Peer {
    has_answered: bool,
    /// Start of the first and end of the last of a row of failures.
    failing: Option<(Instant, Instant)>,
}

impl Peer {
    /// Not heard of for long, and not for want of trying.
    fn is_dead(&self) -> bool {
        let enough = match self.has_answered {
            true => GONE_AFTER,
            false => DEAD_AFTER,
        };
        self.failing
            .is_some_and(|(since, last)| since.elapsed() > enough && last.elapsed() < LEFT_ALONE)
    }
}

impl Bounded {
    fn new(settings: &Settings) -> Result<Self> {
        Ok(Bounded {
            shared: client(settings)?,
            direct: client(settings)?,
            request_timeout: settings.request_timeout,
            downloads: Arc::new(Semaphore::new(settings.max_connections)),
            others: Arc::new(Semaphore::new(settings.max_connections)),
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

impl Bounded {
    /// One attempt, which may take `left` until its answer begins.
    async fn attempt(
        &self,
        req: Request<Buffer>,
        endpoint: &str,
        left: Duration,
    ) -> opendal_core::Result<Response<HttpBody>> {
        let room = self.room(req.method()).await?;
        let peer = lock(&self.peers).get(endpoint).cloned().unwrap_or_default();
        if peer.is_dead() {
            let err =
                opendal_core::Error::new(ErrorKind::Unexpected, "the endpoint does not answer");
            return Err(err.with_context("endpoint", endpoint));
        }
        let is_known = peer.has_answered;
        let range = req.headers().get(http::header::RANGE).cloned();
        let patience = (self.request_timeout + body_time(&req)).min(left);

        let begin = Instant::now();
        let answer = tokio::time::timeout(patience, self.client().fetch(req)).await;
        let resp = match answer {
            Ok(Ok(resp)) => resp,
            Ok(Err(err)) => {
                // Who did answer once and takes connections is slow, not gone.
                let is_dead =
                    (!is_known || is_connect_error(&err)) && self.note_failure(endpoint, begin);
                let is_lasting = is_dead || (is_connect_timeout(&err) && !is_known);
                let err = match is_lasting || is_no_use(&err) {
                    true => err.set_permanent(),
                    false => err,
                };
                return Err(err.with_context("endpoint", endpoint));
            }
            Err(_) => {
                if !is_known {
                    self.note_failure(endpoint, begin);
                }
                return Err(timed_out(patience)
                    .with_context("endpoint", endpoint)
                    .with_temporary(is_known));
            }
        };
        if !is_known || peer.failing.is_some() {
            let peer = Peer {
                has_answered: true,
                ..Peer::default()
            };
            lock(&self.peers).insert(endpoint.to_owned(), peer);
        }
        let resp = partial::cut(range.as_ref(), resp);
        if resp.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            // Most of OpenDAL's services call this unexpected.
            let err = opendal_core::Error::new(ErrorKind::RangeNotSatisfied, "");
            return Err(err.with_context("endpoint", endpoint));
        }
        if partial::is_elsewhere(range.as_ref(), &resp) {
            let why = "the answer is another part than the one that was asked for";
            let err = opendal_core::Error::new(ErrorKind::Unexpected, why).set_temporary();
            return Err(err.with_context("endpoint", endpoint));
        }
        let (parts, body) = resp.into_parts();
        let (patience, endpoint) = (self.request_timeout, endpoint.to_owned());
        let body = body.map_inner(|stream| {
            let rest = (stream, endpoint, room);
            Box::new(Box::pin(stream::unfold(
                rest,
                move |(mut stream, endpoint, room)| async move {
                    match tokio::time::timeout(patience, stream.next()).await {
                        Ok(None) => None,
                        Ok(Some(item)) => Some((item, (stream, endpoint, room))),
                        Err(_) => {
                            let err = timed_out(patience)
                                .with_context("endpoint", &endpoint)
                                .set_temporary();
                            Some((Err(err), (stream, endpoint, room)))
                        }
                    }
                },
            )))
        });
        Ok(Response::from_parts(parts, body))
    }

    /// Wait for room for one more request.
    async fn room(&self, method: &Method) -> opendal_core::Result<OwnedSemaphorePermit> {
        let room = match *method {
            Method::GET => &self.downloads,
            _ => &self.others,
        };
        Arc::clone(room)
            .acquire_owned()
            .await
            .map_err(|e| opendal_core::Error::new(ErrorKind::Unexpected, e.to_string()))
    }
}

impl Bounded {
    /// Remember a failure; whether the endpoint counts as dead now.
    fn note_failure(&self, endpoint: &str, begin: Instant) -> bool {
        let mut peers = lock(&self.peers);
        let peer = peers.entry(endpoint.to_owned()).or_default();
        let since = match peer.failing {
            // The row goes on when nobody waited in between.
            Some((since, last)) if begin < last + LONGEST_WAIT + LEFT_ALONE => since,
            _ => begin,
        };
        peer.failing = Some((since, Instant::now()));
        peer.is_dead()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_connect_timeout(err: &opendal_core::Error) -> bool {
    err.source()
        .and_then(|e| e.downcast_ref::<reqwest::Error>())
        .is_some_and(|e| e.is_connect() && e.is_timeout())
}

fn is_connect_error(err: &opendal_core::Error) -> bool {
    err.source()
        .and_then(|e| e.downcast_ref::<reqwest::Error>())
        .is_some_and(reqwest::Error::is_connect)
}

/// Whether it would end the same way again: a certificate that is not trusted, a request that
/// cannot be made.
fn is_no_use(err: &opendal_core::Error) -> bool {
    let mut at = err.source();
    while let Some(source) = at {
        let is_of_builder = source
            .downcast_ref::<reqwest::Error>()
            .is_some_and(reqwest::Error::is_builder);
        if is_of_builder || source.to_string().contains("invalid peer certificate") {
            return true;
        }
        at = source.source();
    }
    false
}
