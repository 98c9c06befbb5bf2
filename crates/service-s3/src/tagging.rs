//! Tags of objects.

use http::Method;
use opendal_core::raw::percent_encode_path;
use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::extras::Spot;
use opendalfs_core::store::Pairs;
use serde::{Deserialize, Serialize};

use crate::calls::Call;

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
struct Tagging {
    tag_set: TagSet,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
struct TagSet {
    tag: Vec<Tag>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
struct Tag {
    key: String,
    value: String,
}

/// A tag as the parameter of a URL.
pub(crate) fn in_query((name, value): &(String, String)) -> String {
    let quoted = |text: &str| percent_encode_path(text).replace('/', "%2F");
    format!("{}={}", quoted(name), quoted(value))
}

pub(crate) async fn tags(at: Spot<'_>) -> Result<Pairs> {
    let call = Call::new(&at, Method::GET).query("tagging", "");
    let told: Tagging = call.send().await?.xml()?;
    let tags = told.tag_set.tag.into_iter();
    Ok(tags.map(|tag| (tag.key, tag.value)).collect())
}

pub(crate) async fn put_tags(at: Spot<'_>, tags: &[(String, String)]) -> Result<()> {
    if tags.is_empty() {
        let call = Call::new(&at, Method::DELETE).query("tagging", "");
        return call.send().await.map(drop);
    }
    let tag = tags.iter().map(|(key, value)| Tag {
        key: key.clone(),
        value: value.clone(),
    });
    let tag_set = TagSet { tag: tag.collect() };
    let body = quick_xml::se::to_string(&Tagging { tag_set })
        .map_err(|e| Error::new(Kind::ConfigInvalid, format!("tags that are no text: {e}")))?;
    let call = Call::new(&at, Method::PUT).query("tagging", "");
    call.checked_body(body)?.send().await.map(drop)
}
