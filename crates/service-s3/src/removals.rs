//! Removals of many keys in one request.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>

use std::collections::HashMap;

use http::Method;
use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::extras::Spot;
use serde::{Deserialize, Serialize};

use crate::calls::{Call, kind_of, object_key};

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Delete {
    quiet: bool,
    object: Vec<Object>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Object {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct DeleteResult {
    error: Vec<Refused>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Refused {
    key: String,
    version_id: Option<String>,
    code: String,
    message: String,
}

/// Remove keys of one bucket, as many as one request takes.
pub(crate) async fn remove_many(
    at: Spot<'_>,
    keys: &[(String, Option<String>)],
) -> Result<Vec<Result<()>>> {
    let full = |key: &str| object_key(&Spot { key, ..at.clone() });
    let object = keys
        .iter()
        .map(|(key, version)| Object {
            key: full(key),
            version_id: version.clone(),
        })
        .collect();
    let delete = Delete {
        quiet: true,
        object,
    };
    let body = quick_xml::se::to_string(&delete)
        .map_err(|e| Error::new(Kind::Unexpected, e.to_string()))?;
    let answer = Call::bucket(at.options, &at.http, Method::POST, at.container)
        .query("delete", "")
        .header("content-type", "application/xml")?
        .checked_body(body)?
        .send()
        .await?;
    let told: DeleteResult = answer.xml()?;
    let refused: HashMap<_, _> = told
        .error
        .into_iter()
        .map(|r| {
            (
                (r.key, r.version_id.filter(|v| !v.is_empty())),
                (r.code, r.message),
            )
        })
        .collect();
    let outcome = |key: &str, version: &Option<String>| {
        let found = refused.get(&(full(key), version.clone()));
        match found.or_else(|| refused.get(&(full(key), None))) {
            None => Ok(()),
            Some((code, _)) if code == "NoSuchKey" || code == "NoSuchVersion" => Ok(()),
            Some((code, message)) => Err(Error::new(kind_of(code), format!("{code}: {message}"))),
        }
    };
    Ok(keys
        .iter()
        .map(|(key, version)| outcome(key, version))
        .collect())
}
