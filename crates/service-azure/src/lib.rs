//! Azure blob storage and Data Lake Storage: OpenDAL's services and the option names of adlfs
//! beside OpenDAL's.

use opendal_service_azblob::Azblob;
use opendal_service_azdls::Azdls;
use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::options::OptionKind::{Count, Endpoint, Flag, Secret, Text};
use opendalfs_core::options::{OptionSpec, Options, option};
use opendalfs_core::service::{
    Operator, Service, Writes, build_operator, register as register_service,
};

const BLOB_OPTIONS: &[OptionSpec] = &[
    option(
        "container",
        &["container_name"],
        Text,
        "first part of the path",
        "The container; paths are then names in it.",
    ),
    option(
        "endpoint",
        &["account_url", "endpoint_url"],
        Endpoint,
        "https://ACCOUNT.blob.core.windows.net",
        "URL of the service.",
    ),
    option("account_name", &[], Text, "", "Storage account."),
    option(
        "account_key",
        &["access_key"],
        Secret,
        "",
        "Key of the account.",
    ),
    option("sas_token", &[], Secret, "", "Shared access signature."),
    option(
        "connection_string",
        &[],
        Secret,
        "",
        "All of the above in one text.",
    ),
    option(
        "encryption_key",
        &[],
        Secret,
        "",
        "Key of your own, base64.",
    ),
    option(
        "encryption_key_sha256",
        &[],
        Text,
        "",
        "SHA-256 of the key, base64.",
    ),
    option(
        "encryption_algorithm",
        &[],
        Text,
        "",
        "Algorithm for the key.",
    ),
    option(
        "batch_max_operations",
        &[],
        Count,
        "256",
        "Blobs of one bulk delete.",
    ),
    option(
        "skip_signature",
        &["anon"],
        Flag,
        "false",
        "Send unsigned requests, for public containers.",
    ),
];

const LAKE_OPTIONS: &[OptionSpec] = &[
    option(
        "filesystem",
        &["container", "container_name"],
        Text,
        "first part of the path",
        "The file system; paths are then names in it.",
    ),
    option(
        "endpoint",
        &["account_url", "endpoint_url"],
        Endpoint,
        "https://ACCOUNT.dfs.core.windows.net",
        "URL of the service.",
    ),
    option("account_name", &[], Text, "", "Storage account."),
    option(
        "account_key",
        &["access_key"],
        Secret,
        "",
        "Key of the account.",
    ),
    option("sas_token", &[], Secret, "", "Shared access signature."),
    option(
        "connection_string",
        &[],
        Secret,
        "",
        "All of the above in one text.",
    ),
    option("client_id", &[], Text, "", "Application for OAuth2."),
    option(
        "client_secret",
        &[],
        Secret,
        "",
        "Secret of the application.",
    ),
    option("tenant_id", &[], Text, "", "Tenant of the application."),
    option(
        "authority_host",
        &[],
        Text,
        "https://login.microsoftonline.com",
        "Where tokens come from.",
    ),
];

/// Azure blob storage.
pub const BLOB: Service = Service {
    container: Some("container"),
    ..Service::new("azblob", "Azure Blob Storage", BLOB_OPTIONS, build_blob)
};

/// Azure Data Lake Storage, second generation.
pub const LAKE: Service = Service {
    container: Some("filesystem"),
    writes: Writes::Visible,
    has_implicit_dirs: false,
    ..Service::new(
        "azdls",
        "Azure Data Lake Storage Gen2",
        LAKE_OPTIONS,
        build_lake,
    )
};

/// Make the services known to the core.
pub fn register() {
    register_service(BLOB);
    register_service(LAKE);
}

fn build_blob(options: &Options, container: Option<&str>) -> Result<Operator> {
    build_operator::<Azblob>(pairs(options, "blob")?, container.map(|c| ("container", c)))
}

fn build_lake(options: &Options, container: Option<&str>) -> Result<Operator> {
    build_operator::<Azdls>(pairs(options, "dfs")?, container.map(|c| ("filesystem", c)))
}

/// Settings for OpenDAL: a connection string taken apart, the endpoint made from the account.
fn pairs(options: &Options, door: &str) -> Result<Vec<(String, String)>> {
    let mut out: Vec<(String, String)> = options
        .pairs()
        .filter(|(name, _)| name != "connection_string")
        .collect();
    if let Some(text) = options.text("connection_string") {
        for (name, value) in connection_settings(text, door)? {
            if !out.iter().any(|(known, _)| *known == name) {
                out.push((name, value));
            }
        }
    }
    if !out.iter().any(|(name, _)| name == "endpoint") {
        let account = out
            .iter()
            .find(|(name, _)| name == "account_name")
            .map(|(_, v)| v.clone());
        if let Some(account) = account {
            out.push((
                "endpoint".into(),
                format!("https://{account}.{door}.core.windows.net"),
            ));
        }
    }
    Ok(out)
}

/// <https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string>
fn connection_settings(text: &str, door: &str) -> Result<Vec<(String, String)>> {
    let mut found = std::collections::BTreeMap::new();
    for part in text.split(';').filter(|p| !p.trim().is_empty()) {
        let Some((name, value)) = part.split_once('=') else {
            // The text may hold a key: do not show it.
            return Err(Error::new(
                Kind::ConfigInvalid,
                "option \"connection_string\" has a part without \"=\"",
            ));
        };
        found.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut out = Vec::new();
    for (theirs, ours) in [
        ("accountname", "account_name"),
        ("accountkey", "account_key"),
        ("sharedaccesssignature", "sas_token"),
    ] {
        if let Some(value) = found.get(theirs) {
            out.push((ours.to_owned(), value.clone()));
        }
    }
    if let Some(endpoint) = found.get("blobendpoint") {
        out.push(("endpoint".into(), endpoint.clone()));
    } else if let (Some(account), Some(suffix)) =
        (found.get("accountname"), found.get("endpointsuffix"))
    {
        let protocol = found
            .get("defaultendpointsprotocol")
            .map_or("https", String::as_str);
        out.push((
            "endpoint".into(),
            format!("{protocol}://{account}.{door}.{suffix}"),
        ));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_string_gives_account_key_and_endpoint() {
        let text = "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=a2V5==;EndpointSuffix=core.windows.net";
        let got = connection_settings(text, "blob").unwrap();
        assert!(got.contains(&("account_key".into(), "a2V5==".into())));
        assert!(got.contains(&(
            "endpoint".into(),
            "https://acc.blob.core.windows.net".into()
        )));
    }

    #[test]
    fn broken_connection_string_is_not_shown() {
        let err = connection_settings("AccountKey", "blob").unwrap_err();
        assert!(!err.to_string().contains("AccountKey"));
    }
}
