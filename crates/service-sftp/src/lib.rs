//! SFTP servers, through the `ssh` program of this machine: its configuration, agent and list of
//! known hosts count. There is nothing here where there is no such program to talk to (Windows).
#![cfg(unix)]

use opendal_service_sftp::Sftp;
use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::options::OptionKind::Text;
use opendalfs_core::options::{OptionSpec, Options, option};
use opendalfs_core::service::{
    Operator, Service, Writes, build_operator, register as register_service,
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
    let endpoint = address(host.unwrap_or_default(), options.text("port"))?;
    // Without a root, paths are those of the server, not of the user's home there.
    let root = options.text_or("root", "/").to_owned();
    let pairs = options
        .pairs()
        .filter(|(name, _)| name != "port" && name != "root")
        .chain([("root".to_owned(), root)]);
    build_operator::<Sftp>(pairs, Some(("endpoint", &endpoint)))
}

/// `ssh://user@host:port`. A name that begins with a hyphen would be an option of `ssh`.
fn address(host: &str, port: Option<&str>) -> Result<String> {
    let bare = host.strip_prefix("ssh://").unwrap_or(host);
    if bare.starts_with('-') || bare.is_empty() || bare.contains(char::is_whitespace) {
        let why = format!("option \"endpoint\" names no server: {host:?}");
        return Err(Error::new(Kind::ConfigInvalid, why));
    }
    Ok(match port {
        Some(port) => format!("ssh://{bare}:{port}"),
        None => format!("ssh://{bare}"),
    })
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn a_server_is_named_with_or_without_its_port() {
        assert_eq!(address("ssh://u@h:22", None).unwrap(), "ssh://u@h:22");
        assert_eq!(address("u@h", Some("2223")).unwrap(), "ssh://u@h:2223");
    }

    #[test]
    fn what_ssh_would_take_for_an_option_is_refused() {
        assert!(address("-oProxyCommand=x", None).is_err());
        assert!(address("", None).is_err());
    }
}
