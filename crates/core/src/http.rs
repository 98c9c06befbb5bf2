//! The HTTP client of a process, with the waits bounded.
//!
//! Each request may wait `connect_timeout` for a connection and `request_timeout` (plus the
//! time its body needs at a low rate) for the head of the answer, and `request_timeout` for
//! each next piece of the body. These limits sit inside OpenDAL's retry layer: one attempt
//! fails, the next may succeed. An endpoint that never answered anything is not tried again
//! after a time-out: waiting longer for a machine that is not there helps nobody.

use std::collections::{HashMap, HashSet};
use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use http::{Request, Response};
use opendal_core::{Buffer, ErrorKind, HttpBody, HttpTransport, HttpTransporter};
use opendal_http_transport_reqwest::ReqwestTransport;

use crate::error::{Error, Kind, Result};
use crate::options::{Options, parse_flag};
use crate::runtime::PerProcess;

/// The slowest upload that is still called alive.
const MIN_BYTES_PER_SECOND: u64 = 256 * 1024;
const USER_AGENT: &str = concat!("opendalfs/", env!("CARGO_PKG_VERSION"));

/// Marks an error of OpenDAL as a time-out: its kinds have none.
#[derive(Debug)]
pub(crate) struct TimedOut(Duration);

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer within {:.1} s", self.0.as_secs_f64())
    }
}

impl StdError for TimedOut {}

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

/// `scheme://host:port` of the request that caused an error, if one did.
pub(crate) fn endpoint_of(err: &opendal_core::Error) -> Option<String> {
    // The context of OpenDAL's error is only in its text; only our own entry is taken out.
    let text = err.to_string();
    let rest = &text[text.find("endpoint: ")? + "endpoint: ".len()..];
    let end = rest.find([',', ' ', '}'])?;
    Some(rest[..end].to_owned())
}

struct Bounded {
    inner: ReqwestTransport,
    request_timeout: Duration,
    answered: Arc<Mutex<HashSet<String>>>,
}

impl Bounded {
    fn new(settings: &Settings) -> Result<Self> {
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
        Ok(Bounded {
            inner: ReqwestTransport::new(client),
            request_timeout: settings.request_timeout,
            answered: Arc::default(),
        })
    }
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
        let is_known = lock(&self.answered).contains(&endpoint);
        let body_seconds = req.body().len() as u64 / MIN_BYTES_PER_SECOND;
        let patience = self.request_timeout + Duration::from_secs(body_seconds);

        let answer = tokio::time::timeout(patience, self.inner.fetch(req)).await;
        let resp = match answer {
            Ok(Ok(resp)) => resp,
            Ok(Err(err)) => {
                let err = if is_connect_timeout(&err) && !is_known {
                    err.set_permanent()
                } else {
                    err
                };
                return Err(err.with_context("endpoint", &endpoint));
            }
            Err(_) => {
                return Err(timed_out(patience, &endpoint).with_temporary(is_known));
            }
        };
        if !is_known {
            lock(&self.answered).insert(endpoint.clone());
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

struct StallGuard {
    patience: Duration,
    endpoint: String,
}

fn lock(set: &Mutex<HashSet<String>>) -> std::sync::MutexGuard<'_, HashSet<String>> {
    set.lock().unwrap_or_else(PoisonError::into_inner)
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
