//! Credentials of the machine: its environment, a program of its owner, its container, the
//! machine itself.

use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use http::Uri;
use reqsign_aws_v4::{Credential, ECSCredentialProvider, IMDSv2CredentialProvider};
use reqsign_core::{Context, Error, ProvideCredential, Result};
use serde::Deserialize;

use super::profile::variable;

const CONTAINER_HOST: &str = "http://169.254.170.2";
/// Where containers of ECS and EKS are served from; no other plain-text host gets the token.
const CONTAINER_HOSTS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];
const INSTANCE_HOST: &str = "http://169.254.169.254";
/// Seconds that the metadata service may take; elsewhere than on EC2 nobody is there.
const INSTANCE_PATIENCE: f64 = 1.0;

/// Keys in the environment.
pub(super) fn environment() -> Result<Option<Credential>> {
    let Some(key) = variable("AWS_ACCESS_KEY_ID") else {
        return Ok(None);
    };
    let secret = variable("AWS_SECRET_ACCESS_KEY").ok_or_else(|| {
        Error::credential_invalid("AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not")
    })?;
    Ok(Some(Credential {
        access_key_id: key,
        secret_access_key: secret,
        session_token: variable("AWS_SESSION_TOKEN"),
        expires_in: match variable("AWS_CREDENTIAL_EXPIRATION") {
            Some(time) => Some(time.parse()?),
            None => None,
        },
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<String>,
}

/// What a `credential_process` prints.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
pub(super) async fn process(command_line: &str) -> Result<Credential> {
    let words = shlex::split(command_line).unwrap_or_default();
    let Some((program, arguments)) = words.split_first() else {
        return Err(Error::credential_invalid(
            "its command is empty or not closed",
        ));
    };
    // Neither the arguments nor what the program printed: both may hold a secret.
    let failed = |why: &str| Error::credential_invalid(format!("{program:?} {why}"));
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .map_err(|_| failed("was interrupted"))?
        .map_err(|e| failed("could not be started").with_source(e))?;
    if !output.status.success() {
        return Err(failed(&format!("ended with {}", output.status)));
    }
    let printed: Printed = serde_json::from_slice(&output.stdout)
        .map_err(|_| failed("printed no JSON with Version, AccessKeyId and SecretAccessKey"))?;
    if printed.version != 1 {
        return Err(failed("speaks another version than 1"));
    }
    Ok(Credential {
        access_key_id: printed.access_key_id,
        secret_access_key: printed.secret_access_key,
        session_token: printed.session_token,
        expires_in: match printed.expiration {
            Some(time) => Some(time.parse()?),
            None => None,
        },
    })
}

/// The role of a container, where the environment names one.
pub(super) async fn container(ctx: &Context) -> Result<Option<Credential>> {
    let url = match variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        Some(path) => format!("{CONTAINER_HOST}{path}"),
        None => match variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
            Some(url) => url,
            None => return Ok(None),
        },
    };
    if !may_have_a_token(&url) {
        return Err(Error::credential_invalid(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI names neither https, nor this machine, nor a container host of AWS",
        ));
    }
    ECSCredentialProvider::new()
        .with_endpoint(url)
        .provide_credential(ctx)
        .await
}

fn may_have_a_token(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    uri.scheme_str() == Some("https") || is_here || CONTAINER_HOSTS.contains(&host)
}

/// Whether the environment forbids to ask the metadata service.
pub(super) fn is_instance_disabled() -> bool {
    variable("AWS_EC2_METADATA_DISABLED").is_some_and(|v| v.eq_ignore_ascii_case("true"))
}

/// Where the metadata service is.
pub(super) fn instance_endpoint() -> String {
    variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").map_or_else(
        || INSTANCE_HOST.to_owned(),
        |url| url.trim_end_matches('/').to_owned(),
    )
}

/// The role of an EC2 instance. One try of a second unless the environment says otherwise.
pub(super) async fn instance(ctx: &Context) -> Result<Option<Credential>> {
    let seconds = number("AWS_METADATA_SERVICE_TIMEOUT").unwrap_or(INSTANCE_PATIENCE);
    let tries = number("AWS_METADATA_SERVICE_NUM_ATTEMPTS").unwrap_or(1.0);
    let provider = IMDSv2CredentialProvider::new().with_endpoint(instance_endpoint());
    let mut tried = 1.0;
    loop {
        let found = provider.provide_credential(ctx);
        let answer = tokio::time::timeout(Duration::from_secs_f64(seconds), found).await;
        let answer = answer.unwrap_or_else(|_| {
            let text = format!("no answer within {seconds} s");
            Err(Error::unexpected(text).set_retryable(true))
        });
        match answer {
            Err(err) if err.is_retryable() && tried < tries => tried += 1.0,
            answer => return answer,
        }
    }
}

fn number(name: &str) -> Option<f64> {
    let number: f64 = variable(name)?.parse().ok()?;
    (number > 0.0 && number < 1e6).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_no_stranger() {
        for url in [
            "https://example.org/role",
            "http://127.0.0.1:8080/role",
            "http://[::1]/role",
            "http://169.254.170.23/v1/credentials",
        ] {
            assert!(may_have_a_token(url), "{url}");
        }
        for url in ["http://example.org/role", "http://10.0.0.1/", "/role", ""] {
            assert!(!may_have_a_token(url), "{url}");
        }
    }
}
