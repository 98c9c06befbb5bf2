//! Signatures, and where the credentials for them come from.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::request::Parts;
use opendal_core::HttpTransporter;
use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::options::Options;
use opendalfs_core::runtime::PerProcess;
use reqsign_aws_v4::{
    Credential, DefaultCredentialProvider, RequestSigner, StaticCredentialProvider,
};
use reqsign_core::{Context, OsEnv, ProvideCredentialChain, Signer};
use reqsign_file_read_tokio::TokioFileRead;

/// By the store's options and the region.
type Signers = HashMap<(Options, String), Signer<Credential>>;

/// Signers keep the credentials they found until these expire.
static SIGNERS: PerProcess<Mutex<Signers>> = PerProcess::new();
const MAX_SIGNERS: usize = 64;

/// Sign a request for a region: in its headers, or with `expires` in its URL.
pub(crate) async fn sign(
    options: &Options,
    http: &HttpTransporter,
    region: &str,
    parts: &mut Parts,
    expires: Option<Duration>,
) -> Result<()> {
    if options.flag("skip_signature") {
        return Ok(());
    }
    let context = Context::new()
        .with_file_read(TokioFileRead)
        .with_http_send(http.clone())
        .with_env(OsEnv);
    let signed = signer(options, region)
        .with_context(context)
        .sign(parts, expires)
        .await;
    // The client adds its own.
    parts.headers.remove(http::header::HOST);
    signed.map_err(|e| {
        Error::new(
            Kind::PermissionDenied,
            format!("the request could not be signed: {e}"),
        )
    })
}

fn signer(options: &Options, region: &str) -> Signer<Credential> {
    let mut signers = SIGNERS
        .get(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let key = (options.clone(), region.to_owned());
    if let Some(known) = signers.get(&key) {
        return known.clone();
    }
    let request = RequestSigner::new("s3", region);
    let made = Signer::new(Context::new(), credentials(options), request);
    if signers.len() >= MAX_SIGNERS {
        signers.clear();
    }
    signers.insert(key, made.clone());
    made
}

/// The chain that OpenDAL's service uses too: explicit, then environment, profile, roles.
fn credentials(options: &Options) -> ProvideCredentialChain<Credential> {
    let mut found = DefaultCredentialProvider::builder();
    if options.flag("disable_config_load") {
        found = found.no_env().no_profile();
    } else if let Some(profile) = options.text("profile") {
        found = found.with_profile(profile);
    }
    if options.flag("disable_ec2_metadata") {
        found = found.no_imds();
    }
    let chain = ProvideCredentialChain::new().push(found.build());
    let (Some(key), Some(secret)) = (
        options.text("access_key_id"),
        options.text("secret_access_key"),
    ) else {
        return chain;
    };
    let fixed = StaticCredentialProvider::new(key, secret);
    chain.push_front(match options.text("session_token") {
        Some(token) => fixed.with_session_token(token),
        None => fixed,
    })
}
