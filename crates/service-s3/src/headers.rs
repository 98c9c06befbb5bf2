//! Options and metadata as headers of requests.

use http::{HeaderMap, HeaderName, HeaderValue};
use opendalfs_core::WriteOptions;
use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::options::Options;

use crate::encryption::customer_key;

/// Options of new objects that OpenDAL's service has no setting for, and their headers.
const MORE: &[(&str, &str)] = &[
    ("tagging", "x-amz-tagging"),
    ("content_language", "content-language"),
    ("expires", "expires"),
    (
        "website_redirect_location",
        "x-amz-website-redirect-location",
    ),
    ("object_lock_mode", "x-amz-object-lock-mode"),
    (
        "object_lock_retain_until_date",
        "x-amz-object-lock-retain-until-date",
    ),
    ("object_lock_legal_hold", "x-amz-object-lock-legal-hold"),
    (
        "bucket_key_enabled",
        "x-amz-server-side-encryption-bucket-key-enabled",
    ),
];

/// Those that OpenDAL's service sends itself.
const KNOWN: &[(&str, &str)] = &[
    ("default_acl", "x-amz-acl"),
    ("default_storage_class", "x-amz-storage-class"),
    ("server_side_encryption", "x-amz-server-side-encryption"),
    (
        "server_side_encryption_aws_kms_key_id",
        "x-amz-server-side-encryption-aws-kms-key-id",
    ),
];

/// What a service tells of an object in headers for which OpenDAL has no room.
pub(crate) const TOLD: &[(&str, &str)] = &[
    ("x-amz-storage-class", "storage-class"),
    ("x-amz-server-side-encryption", "server-side-encryption"),
    (
        "x-amz-server-side-encryption-aws-kms-key-id",
        "s-s-e-k-m-s-key-id",
    ),
    (
        "x-amz-server-side-encryption-customer-algorithm",
        "s-s-e-customer-algorithm",
    ),
    ("x-amz-tagging-count", "tag-count"),
    ("x-amz-restore", "restore"),
    ("x-amz-expiration", "expiration"),
    ("x-amz-replication-status", "replication-status"),
    (
        "x-amz-website-redirect-location",
        "website-redirect-location",
    ),
    ("x-amz-object-lock-mode", "object-lock-mode"),
    ("content-language", "content-language"),
    ("expires", "expires"),
];

const META: &str = "x-amz-meta-";

/// Whether an option is not one of OpenDAL's service.
pub(crate) fn is_ours(option: &str) -> bool {
    MORE.iter().any(|(name, _)| *name == option)
}

/// Add a header.
pub(crate) fn insert(headers: &mut HeaderMap, name: &str, value: &str) -> Result<()> {
    let invalid = |why: String| Error::new(Kind::ConfigInvalid, format!("{name:?}: {why}"));
    let known = HeaderName::try_from(name).map_err(|e| invalid(e.to_string()))?;
    if let Some(why) = refuse_text(value) {
        return Err(invalid(why.to_owned()));
    }
    let value = HeaderValue::from_str(value).map_err(|e| invalid(e.to_string()))?;
    headers.insert(known, value);
    Ok(())
}

fn refuse_text(value: &str) -> Option<&'static str> {
    let is_plain = value.chars().all(|c| c.is_ascii() && !c.is_ascii_control());
    (!is_plain).then_some(
        "S3 takes printable ASCII alone here; encode other text, with urllib.parse.quote say",
    )
}

/// Why S3 would not keep an entry of an object's metadata as it is.
pub(crate) fn refuse_metadata(name: &str, value: &str) -> Option<&'static str> {
    if HeaderName::try_from(format!("{META}{name}")).is_err() || name.starts_with('~') {
        return Some("names of metadata are made of ASCII letters, digits and \"-\"");
    }
    if value.trim() != value {
        return Some("blanks at the ends of metadata are lost on S3");
    }
    refuse_text(value)
}

/// The headers of new objects that OpenDAL's service does not send.
pub(crate) fn more(options: &Options) -> Result<HeaderMap> {
    from_table(options, MORE)
}

/// All headers of new objects that options ask for, but those that [`more`] gives.
pub(crate) fn of_new(options: &Options) -> Result<HeaderMap> {
    let mut headers = from_table(options, KNOWN)?;
    headers.extend(customer(options, "")?);
    Ok(headers)
}

fn from_table(options: &Options, table: &[(&str, &str)]) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (option, header) in table {
        if let Some(value) = options.text(option) {
            insert(&mut headers, header, value)?;
        }
    }
    Ok(headers)
}

/// The headers with a key of the user's own; `copy-source-` for what is copied.
pub(crate) fn customer(options: &Options, source: &str) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (option, value) in customer_key(options)? {
        let name = format!("x-amz-{source}{}", option.replace('_', "-"));
        insert(&mut headers, &name, &value)?;
    }
    for value in headers.values_mut() {
        value.set_sensitive(true);
    }
    Ok(headers)
}

/// What an object carries, with the changes asked for.
pub(crate) fn carried(old: &HeaderMap, how: &WriteOptions) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, new) in [
        ("content-type", &how.content_type),
        ("cache-control", &how.cache_control),
        ("content-encoding", &how.content_encoding),
        ("content-disposition", &how.content_disposition),
        ("content-language", &None),
        ("expires", &None),
        ("x-amz-website-redirect-location", &None),
    ] {
        match (new, old.get(name)) {
            (Some(new), _) => insert(&mut headers, name, new)?,
            (None, Some(old)) => drop(headers.insert(name, old.clone())),
            (None, None) => {}
        }
    }
    match &how.metadata {
        Some(new) => {
            for (name, value) in new {
                if let Some(why) = refuse_metadata(name, value) {
                    let why = format!("metadata {name:?}: {why}");
                    return Err(Error::new(Kind::ConfigInvalid, why));
                }
                insert(&mut headers, &format!("{META}{name}"), value)?;
            }
        }
        None => {
            for (name, value) in old {
                let is_told = name.as_str().starts_with("x-amz-meta-~");
                if name.as_str().starts_with(META) && !is_told {
                    headers.append(name.clone(), value.clone());
                }
            }
        }
    }
    Ok(headers)
}
