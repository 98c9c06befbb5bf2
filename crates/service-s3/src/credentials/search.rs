//! The places where credentials are looked for, in their order.

use std::error::Error as _;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::options::Options;
use reqsign_aws_v4::Credential;
use reqsign_core::{Context, ErrorKind};

use super::machine;
use super::profile::{Profile, variable};
use super::sso::Login;
use super::sts::{Role, Sts};
use crate::config::region;

/// Tries of a service that hands out credentials, and the first pause between two.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(100);

/// Options that say which credentials are meant.
const OPTIONS: [&str; 12] = [
    "access_key_id",
    "secret_access_key",
    "session_token",
    "credentials",
    "profile",
    "role_arn",
    "external_id",
    "role_session_name",
    "assume_role_duration_seconds",
    "disable_config_load",
    "disable_ec2_metadata",
    "region",
];

type Found = reqsign_core::Result<Option<Credential>>;

/// A search as the options want it.
pub(super) struct Search {
    given: Option<Credential>,
    profile: Profile,
    role: Option<Role>,
    sts: Sts,
    asks_environment: bool,
    asks_instance: bool,
}

impl Search {
    /// The search for these options.
    ///
    /// # Errors
    /// `ConfigInvalid` when `credentials` stands beside a secret, or beside another profile.
    pub(super) fn of(options: &Options) -> Result<Self> {
        let text = |name: &str| options.text(name).map(str::to_owned);
        if let Some(chosen) = options.text("credentials") {
            refuse_contradictions(options, chosen)?;
        }
        let given = match (text("access_key_id"), text("secret_access_key")) {
            (Some(key), Some(secret)) => Some(Credential {
                access_key_id: key,
                secret_access_key: secret,
                session_token: text("session_token"),
                expires_in: None,
            }),
            _ => None,
        };
        let profile = Profile::of(options)?;
        let sts = Sts {
            region: region(options),
            endpoint: profile.endpoint("sts"),
        };
        Ok(Search {
            given,
            role: text("role_arn").map(|arn| Role {
                arn,
                session_name: text("role_session_name"),
                external_id: text("external_id"),
                duration_seconds: text("assume_role_duration_seconds"),
            }),
            sts,
            asks_environment: !options.flag("disable_config_load") && !profile.is_chosen,
            asks_instance: !options.flag("disable_ec2_metadata"),
            profile,
        })
    }

    /// The options that tell one search from another.
    pub(super) fn options(options: &Options) -> Vec<(String, String)> {
        let pairs = OPTIONS
            .iter()
            .filter_map(|name| Some((*name, options.text(name)?)));
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// Look in each place until one has credentials.
    ///
    /// # Errors
    /// `PermissionDenied` naming the places when none has; the error of the place that failed.
    pub(super) async fn run(&self, ctx: &Context) -> Result<Credential> {
        let source = match &self.given {
            Some(given) => given.clone(),
            None => self.find(ctx).await?,
        };
        let Some(role) = &self.role else {
            return Ok(source);
        };
        tried(|| self.sts.assume(ctx, role, &source))
            .await
            .map_err(|e| failed("option \"role_arn\"", &e))
    }

    async fn find(&self, ctx: &Context) -> Result<Credential> {
        let mut looked = Vec::new();
        let name = &self.profile.name;
        if self.asks_environment {
            let place = "AWS_ACCESS_KEY_ID in the environment";
            if let Some(found) = machine::environment().map_err(|e| failed(place, &e))? {
                return Ok(found);
            }
            looked.push(place.to_owned());
        }
        let place = format!("profile {name:?} of {}", self.profile.paths());
        let has_role = self.profile.get("role_arn").is_some();
        if has_role && let Some(found) = self.of_profile(ctx, &place).await? {
            return Ok(found);
        }
        if self.asks_environment {
            let place = "AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN";
            if let Some(found) = self
                .web_identity(ctx)
                .await
                .map_err(|e| failed(place, &e))?
            {
                return Ok(found);
            }
            looked.push(place.to_owned());
        }
        if !has_role && let Some(found) = self.of_profile(ctx, &place).await? {
            return Ok(found);
        }
        looked.push(place);
        let place = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI";
        let found = tried(|| machine::container(ctx)).await;
        if let Some(found) = found.map_err(|e| failed(place, &e))? {
            return Ok(found);
        }
        looked.push(place.to_owned());
        let endpoint = machine::instance_endpoint();
        let why = match self.asks_instance && !machine::is_instance_disabled() {
            false => "not asked".to_owned(),
            true => match machine::instance(ctx).await {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => "it has no role".to_owned(),
                Err(err) => err.to_string(),
            },
        };
        looked.push(format!("the instance's metadata at {endpoint} ({why})"));
        Err(Error::new(
            Kind::PermissionDenied,
            format!(
                "no credentials found; looked at {}; for a public bucket pass anon=True",
                looked.join(", ")
            ),
        ))
    }

    async fn of_profile(&self, ctx: &Context, place: &str) -> Result<Option<Credential>> {
        let mut seen = Vec::new();
        let found = self.profile_says(ctx, &self.profile, &mut seen).await;
        found.map_err(|e| failed(place, &e))
    }

    async fn web_identity(&self, ctx: &Context) -> Found {
        let (Some(file), Some(arn)) = (
            variable("AWS_WEB_IDENTITY_TOKEN_FILE"),
            variable("AWS_ROLE_ARN"),
        ) else {
            return Ok(None);
        };
        let role = Role {
            arn,
            session_name: variable("AWS_ROLE_SESSION_NAME"),
            ..Role::default()
        };
        tried(|| self.sts.assume_with_token(ctx, &role, &file))
            .await
            .map(Some)
    }

    /// A profile may stand on another, and that on a third.
    fn profile_says<'a>(
        &'a self,
        ctx: &'a Context,
        profile: &'a Profile,
        seen: &'a mut Vec<String>,
    ) -> Pin<Box<dyn Future<Output = Found> + Send + 'a>> {
        Box::pin(async move {
            let stands_on_itself = seen.contains(&profile.name);
            seen.push(profile.name.clone());
            if let Some(arn) = profile.get("role_arn").filter(|_| !stands_on_itself) {
                return self.role_of(ctx, profile, arn, seen).await.map(Some);
            }
            if profile.get("sso_account_id").is_some() {
                return Login::of(profile)?.credentials(ctx).await;
            }
            if let Some(key) = profile.get("aws_access_key_id") {
                let secret = profile.get("aws_secret_access_key").ok_or_else(|| {
                    invalid("aws_access_key_id is there, aws_secret_access_key is not")
                })?;
                return Ok(Some(Credential {
                    access_key_id: key.to_owned(),
                    secret_access_key: secret.to_owned(),
                    session_token: profile.get("aws_session_token").map(str::to_owned),
                    expires_in: None,
                }));
            }
            match profile.get("credential_process") {
                Some(command) => machine::process(command).await.map(Some),
                None => Ok(None),
            }
        })
    }

    async fn role_of(
        &self,
        ctx: &Context,
        profile: &Profile,
        arn: &str,
        seen: &mut Vec<String>,
    ) -> reqsign_core::Result<Credential> {
        let text = |name: &str| profile.get(name).map(str::to_owned);
        let role = Role {
            arn: arn.to_owned(),
            session_name: text("role_session_name"),
            external_id: text("external_id"),
            duration_seconds: text("duration_seconds"),
        };
        if profile.get("mfa_serial").is_some() {
            return Err(invalid(
                "mfa_serial asks for a code, and nobody is there to type it; use credential_process",
            ));
        }
        if let Some(file) = profile.get("web_identity_token_file") {
            return tried(|| self.sts.assume_with_token(ctx, &role, file)).await;
        }
        let source = match (
            profile.get("source_profile"),
            profile.get("credential_source"),
        ) {
            (Some(name), _) => {
                let other = profile
                    .other(name)
                    .ok_or_else(|| invalid(&format!("there is no source_profile {name:?}")))?;
                if seen.contains(&other.name) && other.name != profile.name {
                    return Err(invalid("source_profile goes round in a circle"));
                }
                self.profile_says(ctx, &other, seen).await?
            }
            (None, Some("Environment")) => machine::environment()?,
            (None, Some("EcsContainer")) => machine::container(ctx).await?,
            (None, Some("Ec2InstanceMetadata")) => machine::instance(ctx).await?,
            _ => {
                return Err(invalid(
                    "role_arn needs source_profile, web_identity_token_file, or credential_source \
                     with Environment, EcsContainer or Ec2InstanceMetadata",
                ));
            }
        };
        let source = source.ok_or_else(|| invalid("the source of role_arn has no credentials"))?;
        tried(|| self.sts.assume(ctx, &role, &source)).await
    }
}

fn refuse_contradictions(options: &Options, chosen: &str) -> Result<()> {
    let refused = |why: String| Err(Error::new(Kind::ConfigInvalid, why));
    let secrets = ["access_key_id", "secret_access_key", "session_token"];
    let customer = ["server_side_encryption_customer_key"];
    for name in secrets.into_iter().chain(customer) {
        if options.text(name).is_some() {
            return refused(format!(
                "option \"credentials\" keeps secrets out of the options; {name:?} is one"
            ));
        }
    }
    match options.text("profile") {
        Some(profile) if profile != chosen && chosen != "env" => refused(format!(
            "options \"credentials\" and \"profile\" name two profiles, {chosen:?} and {profile:?}"
        )),
        _ => Ok(()),
    }
}

/// Ask again when a service is overloaded or a connection broke.
pub(super) async fn tried<T, F>(ask: impl Fn() -> F) -> reqsign_core::Result<T>
where
    F: Future<Output = reqsign_core::Result<T>>,
{
    let mut pause = PAUSE;
    for _ in 1..TRIES {
        match ask().await {
            Err(err) if err.is_retryable() => {}
            answer => return answer,
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    ask().await
}

pub(super) fn invalid(text: &str) -> reqsign_core::Error {
    reqsign_core::Error::credential_invalid(text)
}

/// What a place answered, in the house's terms.
fn failed(place: &str, err: &reqsign_core::Error) -> Error {
    let mut cause = err.source();
    let mut told = None;
    while let (Some(at), None) = (cause, told) {
        told = at.downcast_ref::<opendal_core::Error>();
        cause = at.source();
    }
    let told = told.map(Error::from_opendal);
    let kind = match (&told, err.kind()) {
        (Some(told), _) => told.kind(),
        (None, ErrorKind::RateLimited) => Kind::RateLimited,
        (None, _) => Kind::PermissionDenied,
    };
    let cause = told.map_or_else(|| err.to_string(), |told| told.to_string());
    Error::new(kind, format!("no credentials from {place}: {cause}"))
}
