//! Signatures, and where the credentials for them come from.

use std::time::Duration;

use http::request::Parts;
use opendal_core::HttpTransporter;
use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::options::Options;
use reqsign_aws_v4::{
    Credential, DefaultCredentialProvider, RequestSigner, StaticCredentialProvider,
};
use reqsign_core::{Context, OsEnv, ProvideCredentialChain, Signer};
use reqsign_file_read_tokio::TokioFileRead;

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
    let request = RequestSigner::new("s3", region);
    let signed = Signer::new(context, credentials(options), request)
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
