//! The configuration files of AWS and what they and the environment say beside credentials.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use std::collections::BTreeMap;
use std::path::PathBuf;

use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::options::Options;

/// Settings of one section; `outer.inner` are nested ones.
pub(crate) type Section = BTreeMap<String, String>;

/// A variable of the environment; empty ones do not count.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The profile that counts, and the files it is from.
#[derive(Clone, Default)]
pub(crate) struct Profile {
    /// Its name.
    pub(crate) name: String,
    /// Whether an option asks for it: then credentials in the environment do not count.
    pub(crate) is_chosen: bool,
    /// False where `disable_config_load` is given.
    reads_environment: bool,
    files: Files,
}

impl Profile {
    /// The profile of these options, else of `AWS_PROFILE`, else `default`.
    ///
    /// # Errors
    /// `ConfigInvalid` when one is named that no file has.
    pub(crate) fn of(options: &Options) -> Result<Self> {
        if options.flag("disable_config_load") {
            return Ok(Profile::default());
        }
        let chosen = match options.text("credentials") {
            None | Some("env") => options.text("profile").map(str::to_owned),
            Some(name) => Some(name.to_owned()),
        };
        let is_chosen = chosen.is_some();
        // Who brings keys needs no profile; one of the environment may then be missing.
        let is_needed =
            is_chosen || options.text("access_key_id").is_none() && !options.flag("skip_signature");
        let named = chosen
            .or_else(|| variable("AWS_PROFILE"))
            .or_else(|| variable("AWS_DEFAULT_PROFILE"));
        let files = Files::read();
        if let Some(name) = &named
            && is_needed
            && !files.profiles.contains_key(name)
        {
            let known: Vec<&str> = files.profiles.keys().map(String::as_str).collect();
            let text = format!(
                "profile {name:?} is in none of {}; profiles there: {}",
                files.paths(),
                match known.is_empty() {
                    true => "none".to_owned(),
                    false => known.join(", "),
                }
            );
            return Err(Error::new(Kind::ConfigInvalid, text));
        }
        Ok(Profile {
            name: named.unwrap_or_else(|| "default".to_owned()),
            is_chosen,
            reads_environment: true,
            files,
        })
    }

    /// A setting of the profile.
    pub(crate) fn get(&self, setting: &str) -> Option<&str> {
        self.files
            .profiles
            .get(&self.name)?
            .get(setting)
            .map(String::as_str)
    }

    /// Another profile of the same files.
    pub(crate) fn other(&self, name: &str) -> Option<Self> {
        self.files.profiles.contains_key(name).then(|| Profile {
            name: name.to_owned(),
            ..self.clone()
        })
    }

    /// A section `[sso-session name]`.
    pub(crate) fn sso_session(&self, name: &str) -> Option<&Section> {
        self.files.sso_sessions.get(name)
    }

    /// The endpoint that the environment or the profile names for a service (`s3`, `sts`, `sso_oidc`).
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
    pub(crate) fn endpoint(&self, service: &str) -> Option<String> {
        let ignores = variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
        if ignores.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return None;
        }
        let of_services = || {
            let section = self.files.services.get(self.get("services")?)?;
            section.get(&format!("{service}.endpoint_url")).cloned()
        };
        let of_environment = || {
            variable(&format!("AWS_ENDPOINT_URL_{}", service.to_uppercase()))
                .or_else(|| variable("AWS_ENDPOINT_URL"))
        };
        self.reads_environment
            .then(of_environment)
            .flatten()
            .or_else(of_services)
            .or_else(|| self.get("endpoint_url").map(str::to_owned))
    }

    /// The region that the environment or the profile names.
    pub(crate) fn region(&self) -> Option<String> {
        let of_environment = || variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        self.reads_environment
            .then(of_environment)
            .flatten()
            .or_else(|| self.get("region").map(str::to_owned))
    }

    /// The names of the files, for people.
    pub(crate) fn paths(&self) -> String {
        self.files.paths()
    }
}

/// What both files say.
#[derive(Clone, Default)]
struct Files {
    profiles: BTreeMap<String, Section>,
    sso_sessions: BTreeMap<String, Section>,
    services: BTreeMap<String, Section>,
    paths: Vec<PathBuf>,
}

impl Files {
    /// Read both; one that is missing says nothing.
    fn read() -> Self {
        let config = place("AWS_CONFIG_FILE", "config");
        let credentials = place("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        let mut files = Files::default();
        for (path, is_config) in [(config, true), (credentials, false)] {
            let Some(path) = path else { continue };
            // What is no text was written by no tool of AWS; its keys are found nowhere.
            let text = std::fs::read(&path).unwrap_or_default();
            files.add(&String::from_utf8_lossy(&text), is_config);
            files.paths.push(path);
        }
        files
    }

    /// Later files count over earlier ones, setting by setting.
    fn add(&mut self, text: &str, is_config: bool) {
        for (title, section) in sections(text) {
            let (kind, name) = match title.split_once(char::is_whitespace) {
                Some((kind, name)) if is_config => (kind, name.trim().trim_matches(['"', '\''])),
                _ => ("profile", title.as_str()),
            };
            let table = match kind {
                "profile" => &mut self.profiles,
                "sso-session" => &mut self.sso_sessions,
                "services" => &mut self.services,
                _ => continue,
            };
            table.entry(name.to_owned()).or_default().extend(section);
        }
    }

    fn paths(&self) -> String {
        let paths: Vec<String> = self.paths.iter().map(|p| p.display().to_string()).collect();
        paths.join(" and ")
    }
}

fn place(variable_name: &str, file: &str) -> Option<PathBuf> {
    let home = std::env::home_dir();
    match variable(variable_name) {
        Some(path) => match path.strip_prefix("~/") {
            Some(rest) => home.map(|home| home.join(rest)),
            None => Some(path.into()),
        },
        None => home.map(|home| home.join(".aws").join(file)),
    }
}

fn sections(text: &str) -> Vec<(String, Section)> {
    let mut found: Vec<(String, Section)> = Vec::new();
    let mut outer = String::new();
    for line in text.lines() {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with(['#', ';']) {
            continue;
        }
        if let Some(title) = bare
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            found.push((title.trim().to_owned(), Section::new()));
            outer.clear();
            continue;
        }
        let (Some((_, section)), Some((name, value))) = (found.last_mut(), bare.split_once('='))
        else {
            continue;
        };
        let (name, value) = (name.trim().to_lowercase(), value.trim().to_owned());
        let is_nested = line.starts_with(char::is_whitespace) && !outer.is_empty();
        if is_nested {
            section.insert(format!("{outer}.{name}"), value);
        } else if value.is_empty() {
            outer = name;
        } else {
            outer.clear();
            section.insert(name, value);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_of_both_files_are_one() {
        let mut files = Files::default();
        files.add(
            "# of mine\n[default]\nregion = eu-west-1\n\n[profile \"far off\"]\nRole_Arn=arn\n",
            true,
        );
        files.add(
            "[default]\naws_access_key_id = k\n; old\nregion = us-east-2",
            false,
        );
        assert_eq!(files.profiles["default"]["region"], "us-east-2");
        assert_eq!(files.profiles["default"]["aws_access_key_id"], "k");
        assert_eq!(files.profiles["far off"]["role_arn"], "arn");
    }

    #[test]
    fn endpoint_of_a_service_is_nested() {
        let mut files = Files::default();
        files.add(
            "[profile p]\nservices = local\nendpoint_url = http://all\n\
             [services local]\ns3 =\n  endpoint_url = http://s3\ndynamodb =\n  endpoint_url = http://d\n",
            true,
        );
        let profile = Profile {
            name: "p".to_owned(),
            is_chosen: true,
            reads_environment: false,
            files,
        };
        assert_eq!(profile.endpoint("s3").as_deref(), Some("http://s3"));
        assert_eq!(profile.endpoint("sts").as_deref(), Some("http://all"));
    }

    #[test]
    fn a_secret_may_hold_any_sign() {
        let found = sections("[p]\naws_secret_access_key = a=b#c;d/+\n");
        assert_eq!(found[0].1["aws_secret_access_key"], "a=b#c;d/+");
    }
}
