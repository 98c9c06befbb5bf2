//! The Security Token Service: temporary credentials for a role.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>

use bytes::Bytes;
use http::{Request, StatusCode, header};
use reqsign_aws_v4::{Credential, RequestSigner};
use reqsign_core::hash::hex_sha256;
use reqsign_core::{Context, Error, Result, SignRequest};
use serde::Deserialize;

/// A role and how to ask for it.
#[derive(Clone, Default)]
pub(super) struct Role {
    pub(super) arn: String,
    pub(super) session_name: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) duration_seconds: Option<String>,
}

/// Where the service is.
#[derive(Clone)]
pub(super) struct Sts {
    pub(super) region: String,
    pub(super) endpoint: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(alias = "AssumeRoleWithWebIdentityResult")]
    assume_role_result: Granted,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Granted {
    credentials: Temporary,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Temporary {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    expiration: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Refusal {
    error: Reason,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Reason {
    code: String,
    message: String,
}

impl Sts {
    /// The role for the holder of `source`.
    pub(super) async fn assume(
        &self,
        ctx: &Context,
        role: &Role,
        source: &Credential,
    ) -> Result<Credential> {
        self.ask(ctx, "AssumeRole", role, &[], Some(source)).await
    }

    /// The role for the bearer of a token, which stands in a file that others keep fresh.
    pub(super) async fn assume_with_token(
        &self,
        ctx: &Context,
        role: &Role,
        token_file: &str,
    ) -> Result<Credential> {
        let token = ctx.file_read_as_string(token_file).await.map_err(|e| {
            let text = format!("the token file {token_file:?} cannot be read");
            Error::credential_invalid(text).with_source(e)
        })?;
        let extra = [("WebIdentityToken", token.trim())];
        self.ask(ctx, "AssumeRoleWithWebIdentity", role, &extra, None)
            .await
    }

    fn url(&self) -> String {
        let suffix = match self.region.starts_with("cn-") {
            true => "amazonaws.com.cn",
            false => "amazonaws.com",
        };
        match &self.endpoint {
            Some(endpoint) => format!("{}/", endpoint.trim_end_matches('/')),
            None => format!("https://sts.{}.{suffix}/", self.region),
        }
    }

    async fn ask(
        &self,
        ctx: &Context,
        action: &str,
        role: &Role,
        extra: &[(&str, &str)],
        source: Option<&Credential>,
    ) -> Result<Credential> {
        let body = Bytes::from(form(action, role, extra));
        let request = Request::post(self.url())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("x-amz-content-sha256", hex_sha256(&body))
            .body(body)?;
        let (mut parts, body) = request.into_parts();
        if let Some(source) = source {
            RequestSigner::new("sts", &self.region)
                .sign_request(ctx, &mut parts, Some(source), None)
                .await?;
            // The client writes its own, the same.
            parts.headers.remove(header::HOST);
        }
        let answer = ctx.http_send(Request::from_parts(parts, body)).await?;
        let (status, body) = (answer.status(), answer.into_body());
        let text = String::from_utf8_lossy(&body);
        if status != StatusCode::OK {
            let Reason { code, message } = quick_xml::de::from_str::<Refusal>(&text)
                .unwrap_or_default()
                .error;
            // A service may repeat what it was sent.
            let is_repeated = extra.iter().any(|(_, value)| message.contains(value));
            let message = if is_repeated { "" } else { &message };
            let text = format!("{action} of {:?}: {status} {code} {message}", role.arn);
            let is_passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
            return Err(Error::permission_denied(text.trim_end()).set_retryable(is_passing));
        }
        let unexpected = |_| Error::unexpected(format!("{action}: the answer is not understood"));
        let got = quick_xml::de::from_str::<Answer>(&text)
            .map_err(unexpected)?
            .assume_role_result
            .credentials;
        Ok(Credential {
            access_key_id: got.access_key_id,
            secret_access_key: got.secret_access_key,
            session_token: Some(got.session_token),
            expires_in: Some(got.expiration.parse()?),
        })
    }
}

fn form(action: &str, role: &Role, extra: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", action)
        .append_pair("Version", "2011-06-15")
        .append_pair("RoleArn", &role.arn)
        .append_pair(
            "RoleSessionName",
            role.session_name.as_deref().unwrap_or("opendalfs"),
        );
    let given = [
        ("ExternalId", &role.external_id),
        ("DurationSeconds", &role.duration_seconds),
    ];
    for (name, value) in given {
        if let Some(value) = value {
            form.append_pair(name, value);
        }
    }
    form.extend_pairs(extra).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_says_where_to_ask() {
        let at = |region: &str| {
            let region = region.to_owned();
            Sts {
                region,
                endpoint: None,
            }
            .url()
        };
        assert_eq!(at("eu-west-1"), "https://sts.eu-west-1.amazonaws.com/");
        assert_eq!(at("cn-north-1"), "https://sts.cn-north-1.amazonaws.com.cn/");
    }
}
