//! Encryption with a key of the user's own (SSE-C).
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html>

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};
use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::options::Options;

const KEY_BYTES: usize = 32;
pub(crate) const ALGORITHM: &str = "server_side_encryption_customer_algorithm";
pub(crate) const KEY: &str = "server_side_encryption_customer_key";
pub(crate) const KEY_MD5: &str = "server_side_encryption_customer_key_md5";

/// The three things that S3 wants to know, by the names of their options; nothing without a key.
/// The key may be given in base64 or, as to botocore, as it is; the rest follows from it.
///
/// # Errors
/// `ConfigInvalid` for a key of another length.
pub(crate) fn customer_key(options: &Options) -> Result<Vec<(&'static str, String)>> {
    let Some(given) = options.text(KEY) else {
        return Ok(Vec::new());
    };
    let key = match BASE64_STANDARD.decode(given) {
        Ok(key) if key.len() == KEY_BYTES => key,
        _ if given.len() == KEY_BYTES => given.as_bytes().to_vec(),
        _ => {
            let why = format!("option {KEY:?} takes {KEY_BYTES} bytes, or these in base64");
            return Err(Error::new(Kind::ConfigInvalid, why));
        }
    };
    let sum = match options.text(KEY_MD5) {
        Some(sum) => sum.to_owned(),
        None => BASE64_STANDARD.encode(Md5::digest(&key)),
    };
    Ok(vec![
        (ALGORITHM, options.text_or(ALGORITHM, "AES256").to_owned()),
        (KEY, BASE64_STANDARD.encode(key)),
        (KEY_MD5, sum),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::OPTIONS;

    fn of(key: &str) -> Result<Vec<(&'static str, String)>> {
        customer_key(&Options::parse("s3", OPTIONS, false, [(KEY, key)]).unwrap())
    }

    #[test]
    fn a_key_as_it_is_and_in_base64_are_one_key() {
        let raw = "0123456789abcdef0123456789abcdef";
        let given = of(raw).unwrap();
        assert_eq!(given, of(&BASE64_STANDARD.encode(raw)).unwrap());
        assert_eq!(given[0], (ALGORITHM, "AES256".to_owned()));
        assert_eq!(given[2].1, BASE64_STANDARD.encode(Md5::digest(raw)));
    }

    #[test]
    fn a_key_of_another_length_is_refused_and_not_shown() {
        let err = of("too-short-a-key").unwrap_err();
        assert_eq!(err.kind(), Kind::ConfigInvalid);
        assert!(!err.to_string().contains("too-short"), "{err}");
    }
}
