//! SFTP servers, through the `ssh` program of this machine: its configuration, agent and list of
//! known hosts count. There is nothing here where there is no such program to talk to (Windows).
#![cfg(unix)]

mod backend;
mod connection;
mod file;

use opendal_core::raw::normalize_root;
use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::options::OptionKind::Text;
use opendalfs_core::options::{OptionSpec, Options, option};
use opendalfs_core::service::{
    Operator, Service, Writes, build_error, register as register_service,
};

/// Scheme of the store.
pub const SCHEME: &str = "sftp";

const OPTIONS: &[OptionSpec] = &[
    option(
        "endpoint",
        &["endpoint_url", "host"],
        Text,
        "first part of the path",
        "The server: `host`, `user@host` or `ssh://user@host:port`.",
    ),
    option("port", &[], Text, "that of ssh", "Port of the server."),
    option(
        "user",
        &["username"],
        Text,
        "that of ssh",
        "Name to log in by.",
    ),
    option(
        "key",
        &["key_filename"],
        Text,
        "those of ssh",
        "Path of the private key.",
    ),
    option(
        "known_hosts_strategy",
        &[],
        Text,
        "strict",
        "Servers that are not known: `strict` refuses them, `add` takes and remembers them, \
         `accept` takes them even with another key than before.",
    ),
];

/// The service.
pub const SERVICE: Service = Service {
    container: Some("endpoint"),
    has_implicit_dirs: false,
    writes: Writes::Renamed,
    ..Service::new(SCHEME, "SFTP", OPTIONS, build)
};

/// Make the service known to the core.
pub fn register() {
    register_service(SERVICE);
}

fn build(options: &Options, host: Option<&str>) -> Result<Operator> {
    let text = |name| options.text(name).map(str::to_owned);
    let login = connection::Login {
        destination: destination(host.unwrap_or_default())?,
        port: text("port"),
        user: text("user"),
        key: text("key"),
        known_hosts: known_hosts(options.text_or("known_hosts_strategy", "strict"))?,
        connect_timeout: options.seconds_or("connect_timeout", 5.0),
        request_timeout: options.seconds_or("request_timeout", 10.0),
    };
    // Without a root, paths are those of the server, not of the user's home there.
    let root = normalize_root(options.text_or("root", "/"));
    Operator::new(backend::Builder { login, root }).map_err(|e| build_error(&e))
}

/// The server as `ssh` takes it. A name that begins with a hyphen would be an option of it.
fn destination(host: &str) -> Result<String> {
    let bare = host.strip_prefix("ssh://").unwrap_or(host);
    if bare.starts_with('-') || bare.is_empty() || bare.contains(char::is_whitespace) {
        let why = format!("option \"endpoint\" names no server: {host:?}");
        return Err(Error::new(Kind::ConfigInvalid, why));
    }
    Ok(format!("ssh://{bare}"))
}

/// The value of `StrictHostKeyChecking`.
fn known_hosts(strategy: &str) -> Result<&'static str> {
    match strategy.to_ascii_lowercase().as_str() {
        "strict" => Ok("yes"),
        "add" => Ok("accept-new"),
        "accept" => Ok("no"),
        _ => {
            let why = format!(
                "option \"known_hosts_strategy\" is strict, add or accept, not {strategy:?}"
            );
            Err(Error::new(Kind::ConfigInvalid, why))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{destination, known_hosts};

    #[test]
    fn a_server_is_named_with_or_without_its_protocol() {
        assert_eq!(destination("ssh://u@h:22").unwrap(), "ssh://u@h:22");
        assert_eq!(destination("u@h").unwrap(), "ssh://u@h");
    }

    #[test]
    fn what_ssh_would_take_for_an_option_is_refused() {
        assert!(destination("-oProxyCommand=x").is_err());
        assert!(destination("").is_err());
    }

    #[test]
    fn only_strategies_that_there_are_are_taken() {
        assert_eq!(known_hosts("Add").unwrap(), "accept-new");
        assert!(known_hosts("maybe").is_err());
    }
}
