//! Where credentials come from: looked for once, kept while they are good, renewed before they
//! end.
//!
//! The order is that of AWS's own tools: what the options say, the environment, the profile, a
//! web identity, the container, the instance. A place that says nothing is passed over; one that
//! is there and fails ends the search: credentials of somebody else would be worse than none.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>

mod machine;
pub(crate) mod profile;
mod search;
mod sso;
mod sts;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::header::HOST;
use http::request::Parts;
use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::http::once;
use opendalfs_core::options::Options;
use opendalfs_core::runtime::PerProcess;
use reqsign_aws_v4::{Credential, RequestSigner};
use reqsign_core::time::Timestamp;
use reqsign_core::{Context, OsEnv, ProvideCredential, Signer, SigningCredential};
use reqsign_file_read_tokio::TokioFileRead;

use search::Search;

/// How long a failure is believed: thousands of requests must not each wait for it again.
const FAILURE_COUNTS: Duration = Duration::from_secs(5);
/// Credentials that end sooner are of no use for a request.
const HEADROOM: Duration = Duration::from_secs(10);
/// Sets of options kept beyond those in use.
const MAX_IDLE: usize = 64;

/// Sign a request for a region, unless the options say not to: in its headers, or
/// with `expires` in its URL.
///
/// # Errors
/// `PermissionDenied` naming the places where no credentials were; what a place that has some
/// answered.
pub(crate) async fn sign(
    options: &Options,
    region: &str,
    parts: &mut Parts,
    expires: Option<Duration>,
) -> Result<()> {
    if options.flag("skip_signature") {
        return Ok(());
    }
    let ctx = Context::new()
        .with_file_read(TokioFileRead)
        .with_http_send(once(options)?)
        .with_env(OsEnv);
    let (credentials, signer) = (Credentials::of(options), RequestSigner::new("s3", region));
    let kept = Arc::clone(&credentials.kept);
    let signed = Signer::new(ctx, credentials, signer)
        .sign(parts, expires)
        .await;
    // The client adds its own.
    parts.headers.remove(HOST);
    signed.map_err(|e| {
        // The signer loses what the search said.
        let failure = lock(&kept.failure);
        let said = failure.as_ref().map(|(_, err)| err.clone());
        said.unwrap_or_else(|| Error::new(Kind::PermissionDenied, e.to_string()))
    })
}

/// Whether the options say where to look.
///
/// # Errors
/// `ConfigInvalid` for options that contradict each other, or name no profile there is.
pub(crate) fn check(options: &Options) -> Result<()> {
    Search::of(options).map(drop)
}

/// What is kept for one set of options in one environment.
#[derive(Default)]
struct Kept {
    /// Held while looking: others wait for what is found.
    credential: tokio::sync::Mutex<Option<Credential>>,
    failure: Mutex<Option<(Instant, Error)>>,
}

/// Everything that decides what is found, but for the content of files.
#[derive(PartialEq, Eq, Hash)]
struct Key(Vec<(String, String)>, Vec<(OsString, OsString)>);

static KEPT: PerProcess<Mutex<HashMap<Key, Arc<Kept>>>> = PerProcess::new();

/// The credentials of one set of options; equal sets share them.
#[derive(Clone)]
struct Credentials {
    options: Options,
    kept: Arc<Kept>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl Credentials {
    /// Reads no file: each request comes here.
    fn of(options: &Options) -> Self {
        let mut environment: Vec<(OsString, OsString)> = std::env::vars_os()
            .filter(|(name, _)| {
                let name = name.to_string_lossy();
                name.starts_with("AWS_") || name == "HOME"
            })
            .collect();
        environment.sort();
        let key = Key(Search::options(options), environment);
        let mut all = lock(KEPT.get(Mutex::default));
        if all.len() > MAX_IDLE {
            all.retain(|_, kept| Arc::strong_count(kept) > 1);
        }
        let kept = Arc::clone(all.entry(key).or_default());
        Credentials {
            options: options.clone(),
            kept,
        }
    }

    /// Credentials that are good for the next request.
    async fn get(&self, ctx: &Context) -> Result<Credential> {
        let mut held = self.kept.credential.lock().await;
        if let Some(credential) = held.as_ref().filter(|c| c.is_valid()) {
            return Ok(credential.clone());
        }
        let failed = lock(&self.kept.failure)
            .clone()
            .filter(|(since, _)| since.elapsed() < FAILURE_COUNTS);
        let found = match failed {
            Some((_, err)) => Err(err),
            None => self.look(ctx).await,
        };
        match found {
            Ok(credential) => {
                *held = Some(credential.clone());
                Ok(credential)
            }
            // About to end, but not at an end yet: the source may be back before that.
            Err(err) => match held.as_ref().filter(|c| is_usable(c)) {
                Some(credential) => Ok(credential.clone()),
                None => Err(err),
            },
        }
    }

    async fn look(&self, ctx: &Context) -> Result<Credential> {
        let found = match Search::of(&self.options) {
            Ok(search) => search.run(ctx).await,
            Err(err) => Err(err),
        };
        let found = found.and_then(|credential| {
            if is_usable(&credential) {
                return Ok(credential);
            }
            let text = "the credentials that were found are empty or have expired";
            Err(Error::new(Kind::PermissionDenied, text))
        });
        let failure = found.as_ref().err();
        *lock(&self.kept.failure) = failure.map(|err| (Instant::now(), err.clone()));
        found
    }
}

impl ProvideCredential for Credentials {
    type Credential = Credential;

    async fn provide_credential(
        &self,
        ctx: &Context,
    ) -> reqsign_core::Result<Option<Self::Credential>> {
        let found = self.get(ctx).await;
        found
            .map(Some)
            .map_err(|err| reqsign_core::Error::credential_invalid(err.to_string()))
    }
}

fn is_usable(credential: &Credential) -> bool {
    credential.is_valid_at(Timestamp::now() + HEADROOM)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
