//! Options of S3 and how they become OpenDAL's.

use opendal_service_s3::S3;
use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::options::OptionKind::{Bytes, Count, Endpoint, Flag, Secret, Text};
use opendalfs_core::options::{OptionSpec, Options, option};
use opendalfs_core::service::{Operator, build_operator, refuse_dots};

use crate::credentials;
use crate::credentials::profile::Profile;

use crate::{copies, encryption, headers, integrity};

/// S3's own limit.
const MAX_KEY_BYTES: usize = 1024;
pub(crate) const DEFAULT_REGION: &str = "us-east-1";

pub(crate) const OPTIONS: &[OptionSpec] = &[
    option(
        "bucket",
        &[],
        Text,
        "first part of the path",
        "The bucket; paths are then keys in it.",
    ),
    option(
        "endpoint",
        &["endpoint_url", "client_kwargs.endpoint_url"],
        Endpoint,
        "AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile, else AWS",
        "URL of the service.",
    ),
    option(
        "region",
        &[
            "client_kwargs.region_name",
            "config_kwargs.region_name",
            "region_name",
        ],
        Text,
        "AWS_REGION, AWS_DEFAULT_REGION, the profile, else us-east-1",
        "Region to sign for.",
    ),
    option(
        "access_key_id",
        &[
            "key",
            "aws_access_key_id",
            "client_kwargs.aws_access_key_id",
            "username",
        ],
        Text,
        "environment, profile, web identity, container or instance role",
        "Access key.",
    ),
    option(
        "secret_access_key",
        &[
            "secret",
            "aws_secret_access_key",
            "client_kwargs.aws_secret_access_key",
            "password",
        ],
        Secret,
        "",
        "Secret of the access key.",
    ),
    option(
        "session_token",
        &[
            "token",
            "aws_session_token",
            "client_kwargs.aws_session_token",
        ],
        Secret,
        "",
        "Token of temporary credentials.",
    ),
    option(
        "profile",
        &[],
        Text,
        "AWS_PROFILE, else default",
        "Profile of the AWS configuration files.",
    ),
    option(
        "credentials",
        &[],
        Text,
        "",
        "env, or the name of a profile: the process that uses the filesystem looks its credentials up there; no secret may stand among the options, so none is in a pickle.",
    ),
    option(
        "skip_signature",
        &["anon"],
        Flag,
        "false",
        "Send unsigned requests, for public buckets.",
    ),
    option(
        "use_ssl",
        &["client_kwargs.use_ssl"],
        Flag,
        "true",
        "For an endpoint without a scheme: https or http.",
    ),
    option(
        "role_arn",
        &["assumed_role_arn"],
        Text,
        "",
        "Role to assume.",
    ),
    option("external_id", &[], Text, "", "External id for the role."),
    option(
        "role_session_name",
        &[],
        Text,
        "",
        "Name of the role's session.",
    ),
    option(
        "assume_role_duration_seconds",
        &[],
        Count,
        "3600",
        "How long the role's credentials last; they are renewed before.",
    ),
    option(
        "enable_virtual_host_style",
        &[],
        Flag,
        "false",
        "Put the bucket in the host name, not in the path.",
    ),
    option(
        "addressing_style",
        &["config_kwargs.s3.addressing_style"],
        Text,
        "path",
        "path, virtual or auto, as botocore says it.",
    ),
    option(
        "signature_version",
        &["config_kwargs.signature_version"],
        Text,
        "s3v4",
        "Only s3v4 is spoken.",
    ),
    option(
        "enable_request_payer",
        &["requester_pays"],
        Flag,
        "false",
        "Accept the costs of requests to requester-pays buckets.",
    ),
    option(
        "server_side_encryption",
        &["s3_additional_kwargs.ServerSideEncryption"],
        Text,
        "",
        "AES256 or aws:kms.",
    ),
    option(
        "server_side_encryption_aws_kms_key_id",
        &["s3_additional_kwargs.SSEKMSKeyId"],
        Text,
        "",
        "Key of the key service.",
    ),
    option(
        "server_side_encryption_customer_algorithm",
        &["s3_additional_kwargs.SSECustomerAlgorithm"],
        Text,
        "",
        "Algorithm for a key of your own; AES256 where a key is given.",
    ),
    option(
        "server_side_encryption_customer_key",
        &["s3_additional_kwargs.SSECustomerKey"],
        Secret,
        "",
        "The key: 32 bytes, or these in base64.",
    ),
    option(
        "server_side_encryption_customer_key_md5",
        &["s3_additional_kwargs.SSECustomerKeyMD5"],
        Text,
        "",
        "MD5 of the key, base64; made of the key where it is missing.",
    ),
    option(
        "default_storage_class",
        &["storage_class", "s3_additional_kwargs.StorageClass"],
        Text,
        "",
        "Storage class of new objects.",
    ),
    option(
        "default_acl",
        &["acl", "s3_additional_kwargs.ACL"],
        Text,
        "",
        "Canned ACL of new objects.",
    ),
    option(
        "checksum_algorithm",
        &["s3_additional_kwargs.ChecksumAlgorithm"],
        Text,
        "crc32c",
        "crc32c or md5: checksum sent with uploads, and asked for with downloads; or none.",
    ),
    option(
        "delete_max_size",
        &["batch_max_operations"],
        Count,
        "1000",
        "Keys of one bulk delete.",
    ),
    option(
        "disable_list_objects_v2",
        &[],
        Flag,
        "false",
        "For services that know only the old listing.",
    ),
    option(
        "disable_config_load",
        &[],
        Flag,
        "false",
        "Do not look at the environment and the configuration files.",
    ),
    option(
        "disable_ec2_metadata",
        &[],
        Flag,
        "false",
        "Do not ask the instance's metadata service.",
    ),
    option(
        "retry_mode",
        &["config_kwargs.retries.mode"],
        Text,
        "",
        "Accepted for s3fs's sake: each retry waits longer than the one before, at random.",
    ),
    option(
        "cache_regions",
        &[],
        Flag,
        "",
        "Accepted for s3fs's sake: a bucket that is elsewhere is found where the service says it is, and that is remembered.",
    ),
    option(
        "local_expiry_check",
        &[],
        Flag,
        "",
        "Accepted for s3fs's sake; it has no effect.",
    ),
    option(
        "fixed_upload_size",
        &[],
        Flag,
        "",
        "Accepted for s3fs's sake; parts always have one size.",
    ),
    option(
        "version_aware",
        &[],
        Flag,
        "false",
        "Whether paths may name a version (`key?versionId=...`); files are then read at the version they had when they were opened.",
    ),
    option(
        "multipart_copy_threshold",
        &[],
        Bytes,
        "5368709120",
        "Objects larger than this are copied in parts.",
    ),
    option(
        "copy_part_size",
        &[],
        Bytes,
        "536870912",
        "Bytes of one part of such a copy.",
    ),
    option(
        copies::PRESERVE_ETAG,
        &[],
        Flag,
        "false",
        "Whether copies are made in parts as large as those of their sources, so that the ETag stays.",
    ),
    option(
        "tagging",
        &["s3_additional_kwargs.Tagging"],
        Text,
        "",
        "Tags of new objects, as the query of a URL: `a=1&b=2`.",
    ),
    option(
        "content_language",
        &["s3_additional_kwargs.ContentLanguage"],
        Text,
        "",
        "Content-Language of new objects.",
    ),
    option(
        "expires",
        &["s3_additional_kwargs.Expires"],
        Text,
        "",
        "Expires of new objects, an HTTP date.",
    ),
    option(
        "website_redirect_location",
        &["s3_additional_kwargs.WebsiteRedirectLocation"],
        Text,
        "",
        "Where a website's request for a new object is sent.",
    ),
    option(
        "object_lock_mode",
        &["s3_additional_kwargs.ObjectLockMode"],
        Text,
        "",
        "GOVERNANCE or COMPLIANCE: lock of new objects.",
    ),
    option(
        "object_lock_retain_until_date",
        &["s3_additional_kwargs.ObjectLockRetainUntilDate"],
        Text,
        "",
        "When that lock ends, as ISO 8601.",
    ),
    option(
        "object_lock_legal_hold",
        &["s3_additional_kwargs.ObjectLockLegalHoldStatus"],
        Text,
        "",
        "ON: a legal hold on new objects.",
    ),
    option(
        "bucket_key_enabled",
        &["s3_additional_kwargs.BucketKeyEnabled"],
        Flag,
        "",
        "Use the bucket's key for SSE-KMS.",
    ),
];

pub(crate) fn build(options: &Options, container: Option<&str>) -> Result<Operator> {
    let bucket = container.unwrap_or_default();
    if bucket.is_empty() || bucket.contains(['?', '#', '%', ' ', '\\']) {
        return Err(Error::new(
            Kind::ConfigInvalid,
            format!("{bucket:?} is no name of a bucket"),
        ));
    }
    credentials::check(options)?;
    build_operator::<S3>(settings(options)?, Some(("bucket", bucket)))
}

/// OpenDAL's settings for these options.
fn settings(options: &Options) -> Result<Vec<(String, String)>> {
    let refused = |name: &str, why: &str| {
        Err(Error::new(
            Kind::ConfigInvalid,
            format!("option {name:?}: {why}"),
        ))
    };
    match options.text("signature_version") {
        None | Some("s3v4" | "v4") => {}
        Some(_) => return refused("signature_version", "only s3v4 is spoken"),
    }
    if options.text("endpoint") == Some("") {
        return refused(
            "endpoint",
            "it is empty; give a URL such as http://127.0.0.1:9000",
        );
    }
    let is_key_alone =
        options.text("access_key_id").is_some() != options.text("secret_access_key").is_some();
    if is_key_alone {
        return refused("key", "an access key and its secret come together");
    }
    // What names credentials stays here: `credentials` looks for them.
    let ours = [
        "access_key_id",
        "secret_access_key",
        "session_token",
        "credentials",
        "profile",
        "role_arn",
        "external_id",
        "role_session_name",
        "assume_role_duration_seconds",
        "disable_ec2_metadata",
        "addressing_style",
        "signature_version",
        "use_ssl",
        "cache_regions",
        "retry_mode",
        "local_expiry_check",
        "fixed_upload_size",
        "version_aware",
        "endpoint",
        "bucket",
        "region",
        "multipart_copy_threshold",
        "copy_part_size",
        copies::PRESERVE_ETAG,
        "skip_signature",
        integrity::OPTION,
        encryption::ALGORITHM,
        encryption::KEY,
        encryption::KEY_MD5,
    ];
    headers::more(options)?;
    let mut out: Vec<(String, String)> = options
        .pairs()
        .filter(|(name, _)| !ours.contains(&name.as_str()) && !headers::is_ours(name))
        .collect();
    match options.text_or("addressing_style", "path") {
        "path" | "auto" => {}
        "virtual" => out.push(("enable_virtual_host_style".into(), "true".into())),
        _ => return refused("addressing_style", "path, virtual or auto"),
    }
    if let Some(endpoint) = endpoint(options) {
        out.push(("endpoint".into(), endpoint));
    }
    out.push(("region".into(), region(options)));
    // Requests are signed on their way: see `transport`.
    out.push(("skip_signature".into(), "true".into()));
    out.extend(integrity::setting(options)?);
    let key = encryption::customer_key(options)?.into_iter();
    out.extend(key.map(|(name, value)| (name.to_owned(), value)));
    Ok(out)
}

/// Where the service is, unless it is AWS.
pub(crate) fn endpoint(options: &Options) -> Option<String> {
    let given = options.text("endpoint").map(str::to_owned);
    let given = given.or_else(|| Profile::of(options).ok()?.endpoint("s3"))?;
    let given = given.trim_end_matches('/');
    if given.contains("://") {
        return Some(given.to_owned());
    }
    let is_plain = options.text("use_ssl").is_some() && !options.flag("use_ssl");
    Some(format!(
        "{}://{given}",
        if is_plain { "http" } else { "https" }
    ))
}

pub(crate) fn region(options: &Options) -> String {
    let given = options.text("region").map(str::to_owned);
    given
        .or_else(|| Profile::of(options).ok()?.region())
        .filter(|region| !region.is_empty())
        .unwrap_or_else(|| DEFAULT_REGION.to_owned())
}

pub(crate) fn refuse_key(key: &str) -> Option<&'static str> {
    if key.len() > MAX_KEY_BYTES {
        return Some("keys of S3 have at most 1,024 bytes");
    }
    refuse_dots(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(pairs: &[(&'static str, &'static str)]) -> Options {
        Options::parse("s3", OPTIONS, false, pairs.iter().copied()).unwrap()
    }

    #[test]
    fn spellings_of_s3fs_reach_opendal() {
        let o = parsed(&[
            ("key", "k"),
            ("secret", "s"),
            ("client_kwargs.endpoint_url", "http://127.0.0.1:9000/"),
            ("requester_pays", "True"),
            ("config_kwargs.s3.addressing_style", "virtual"),
        ]);
        let got = settings(&o).unwrap();
        for (name, value) in [
            ("endpoint", "http://127.0.0.1:9000"),
            ("enable_request_payer", "True"),
            // Requests are signed on their way.
            ("skip_signature", "true"),
            ("enable_virtual_host_style", "true"),
        ] {
            assert!(
                got.contains(&(name.into(), value.into())),
                "{name}: {got:?}"
            );
        }
    }

    #[test]
    fn half_a_credential_is_refused() {
        assert!(settings(&parsed(&[("key", "k")])).is_err());
    }

    #[test]
    fn long_keys_are_refused_before_the_server_sees_them() {
        assert!(refuse_key(&"k".repeat(1025)).is_some());
        assert!(refuse_key(&"k".repeat(1024)).is_none());
    }
}
