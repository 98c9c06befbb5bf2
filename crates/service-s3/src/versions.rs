//! Whether a bucket keeps versions. The versions themselves OpenDAL lists, reads and removes.

use http::Method;
use opendalfs_core::error::Result;
use opendalfs_core::extras::Spot;
use serde::Deserialize;

use crate::calls::Call;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct VersioningConfiguration {
    status: String,
}

pub(crate) async fn is_versioned(at: Spot<'_>) -> Result<bool> {
    let answer = Call::new(&at, Method::GET)
        .query("versioning", "")
        .send()
        .await?;
    let told: VersioningConfiguration = answer.xml()?;
    Ok(told.status == "Enabled")
}

pub(crate) async fn set_versioned(at: Spot<'_>, versioned: bool) -> Result<()> {
    let status = if versioned { "Enabled" } else { "Suspended" };
    let body = format!(
        "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <Status>{status}</Status></VersioningConfiguration>"
    );
    let call = Call::new(&at, Method::PUT).query("versioning", "");
    call.checked_body(body)?.send().await.map(drop)
}
