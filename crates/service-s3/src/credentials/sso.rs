//! Single sign-on: the login that `aws sso login` keeps in `~/.aws/sso/cache`, renewed when it
//! can be.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html>

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use reqsign_aws_v4::{Credential, SSOCredentialProvider};
use reqsign_core::time::Timestamp;
use reqsign_core::{Context, Error, ProvideCredential, Result};
use serde_json::{Map, Value, json};
use sha1::{Digest as _, Sha1};

use super::profile::Profile;
use super::search::{invalid, tried};

/// A login that ends sooner is renewed.
const HEADROOM: Duration = Duration::from_secs(60);

/// What a profile says of its login.
pub(super) struct Login {
    account: String,
    role: String,
    region: String,
    /// The login is kept under the name of the session, in older files under the URL.
    kept_as: String,
    portal: Option<String>,
    issuer: Option<String>,
}

impl Login {
    /// The login of a profile that has one.
    pub(super) fn of(profile: &Profile) -> Result<Self> {
        let session = profile.get("sso_session");
        let section = session.and_then(|name| profile.sso_session(name));
        let setting = |name: &str| {
            let of_session = || section?.get(name).map(String::as_str);
            let found = profile.get(name).or_else(of_session);
            let found = found.ok_or_else(|| invalid(&format!("{name} is missing")))?;
            Ok::<_, Error>(found.to_owned())
        };
        Ok(Login {
            account: setting("sso_account_id")?,
            role: setting("sso_role_name")?,
            region: setting("sso_region")?,
            kept_as: match session {
                Some(name) => name.to_owned(),
                None => setting("sso_start_url")?,
            },
            portal: profile.endpoint("sso"),
            issuer: profile.endpoint("sso_oidc"),
        })
    }

    /// The credentials of its role.
    pub(super) async fn credentials(&self, ctx: &Context) -> Result<Option<Credential>> {
        self.renew(ctx).await?;
        let mut provider = SSOCredentialProvider::new()
            .with_account_id(&self.account)
            .with_role_name(&self.role)
            .with_region(&self.region)
            .with_start_url(&self.kept_as);
        if let Some(portal) = &self.portal {
            let portal = portal.trim_end_matches('/');
            provider = provider.with_endpoint(format!("{portal}/federation/credentials"));
        }
        tried(|| provider.provide_credential(ctx)).await
    }

    /// Renew a login that is about to end, where it came with the means to.
    async fn renew(&self, ctx: &Context) -> Result<()> {
        let Some(path) = self.path(ctx) else {
            return Ok(());
        };
        let Some(mut login) = read(&path) else {
            return Ok(());
        };
        let text = |name: &str| login.get(name).and_then(Value::as_str);
        let ends = text("expiresAt").and_then(|at| at.parse::<Timestamp>().ok());
        if ends.is_none_or(|at| at > Timestamp::now() + HEADROOM) {
            return Ok(());
        }
        let (Some(client), Some(secret), Some(token)) =
            (text("clientId"), text("clientSecret"), text("refreshToken"))
        else {
            return Ok(());
        };
        let asked = json!({
            "grantType": "refresh_token",
            "clientId": client,
            "clientSecret": secret,
            "refreshToken": token,
        });
        let answer = match tried(|| self.ask(ctx, &asked)).await {
            Ok(answer) => answer,
            // It can be renewed once; another process was quicker.
            Err(_) if read(&path).as_ref() != Some(&login) => return Ok(()),
            Err(err) => return Err(err),
        };
        let seconds = answer.get("expiresIn").and_then(Value::as_u64);
        let ends = Timestamp::now() + Duration::from_secs(seconds.unwrap_or(0));
        for name in ["accessToken", "refreshToken"] {
            if let Some(value) = answer.get(name).filter(|value| value.is_string()) {
                login.insert(name.to_owned(), value.clone());
            }
        }
        login.insert("expiresAt".to_owned(), ends.format_rfc3339_zulu().into());
        write(&path, &login)
    }

    fn path(&self, ctx: &Context) -> Option<PathBuf> {
        let digest = Sha1::digest(&self.kept_as);
        let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(ctx.home_dir()?.join(format!(".aws/sso/cache/{name}.json")))
    }

    async fn ask(&self, ctx: &Context, asked: &Value) -> Result<Map<String, Value>> {
        let url = match &self.issuer {
            Some(issuer) => format!("{}/token", issuer.trim_end_matches('/')),
            None => format!("https://oidc.{}.amazonaws.com/token", self.region),
        };
        let request = Request::post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(asked.to_string()))?;
        let answer = ctx.http_send(request).await?;
        let status = answer.status();
        if status != StatusCode::OK {
            let text = format!("the login could not be renewed ({status}); run aws sso login");
            let is_passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
            return Err(invalid(&text).set_retryable(is_passing));
        }
        serde_json::from_slice(&answer.into_body())
            .map_err(|_| Error::unexpected("the renewed login is not understood"))
    }
}

fn read(path: &Path) -> Option<Map<String, Value>> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Others read the file, too: it changes as a whole, and stays its owner's.
fn write(path: &Path, login: &Map<String, Value>) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let text = serde_json::to_vec(login).map_err(|e| Error::unexpected(e.to_string()))?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&text)?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}
