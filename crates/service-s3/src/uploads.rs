//! Multipart uploads: those that others left behind, and the parts of our own.

use http::{HeaderMap, Method};
use opendal_core::Buffer;
use opendalfs_core::error::{Error, Kind, Result};
use opendalfs_core::etag_of_parts;
use opendalfs_core::extras::{Spot, Upload};
use opendalfs_core::runtime;
use serde::{Deserialize, Serialize};

use crate::calls::{Call, user_key};
use crate::headers;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ListMultipartUploadsResult {
    upload: Vec<Listed>,
    is_truncated: bool,
    next_key_marker: String,
    next_upload_id_marker: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Listed {
    key: String,
    upload_id: String,
    initiated: String,
}

pub(crate) async fn list(at: Spot<'_>) -> Result<Vec<Upload>> {
    let (mut key, mut id) = (String::new(), String::new());
    let mut found = Vec::new();
    loop {
        let mut call = Call::new(&at, Method::GET).query("uploads", "");
        if !key.is_empty() {
            call = call.query("key-marker", key).query("upload-id-marker", id);
        }
        let page: ListMultipartUploadsResult = call.send().await?.xml()?;
        found.extend(page.upload.into_iter().filter_map(|u| {
            Some(Upload {
                key: user_key(at.options, &u.key)?,
                id: u.upload_id,
                initiated: u.initiated,
            })
        }));
        if !page.is_truncated || page.next_key_marker.is_empty() {
            return Ok(found);
        }
        (key, id) = (page.next_key_marker, page.next_upload_id_marker);
    }
}

pub(crate) async fn abort(at: Spot<'_>, id: &str) -> Result<()> {
    let call = Call::new(&at, Method::DELETE).query("uploadId", id);
    call.send().await.map(drop)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InitiateMultipartUploadResult {
    upload_id: String,
}

#[derive(Debug, Deserialize)]
struct CopyPartResult {
    #[serde(rename = "ETag")]
    etag: String,
}

#[derive(Debug, Serialize)]
struct CompleteMultipartUpload {
    #[serde(rename = "Part")]
    parts: Vec<Part>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Part {
    part_number: usize,
    #[serde(rename = "ETag")]
    etag: String,
}

/// An upload of our own. Dropped before it is complete, it is given up.
pub(crate) struct Begun<'a> {
    at: &'a Spot<'a>,
    id: String,
    is_over: bool,
}

impl<'a> Begun<'a> {
    /// Begin an object that is to carry these headers.
    pub(crate) async fn begin(at: &'a Spot<'a>, carried: HeaderMap) -> Result<Begun<'a>> {
        let call = Call::new(at, Method::POST)
            .query("uploads", "")
            .headers(headers::of_new(at.options)?)
            .headers(carried);
        let begun: InitiateMultipartUploadResult = call.send().await?.xml()?;
        Ok(Begun {
            at,
            id: begun.upload_id,
            is_over: false,
        })
    }

    fn part(&self, number: usize) -> Result<Call<'_>> {
        let call = Call::new(self.at, Method::PUT)
            .query("partNumber", number.to_string())
            .query("uploadId", self.id.clone())
            .headers(headers::customer(self.at.options, "")?);
        Ok(call)
    }

    /// Bytes of another object as a part.
    pub(crate) async fn copy_part(
        &self,
        number: usize,
        source: HeaderMap,
        range: std::ops::Range<u64>,
    ) -> Result<Part> {
        let range = format!("bytes={}-{}", range.start, range.end - 1);
        let call = self
            .part(number)?
            .headers(source)
            .header("x-amz-copy-source-range", &range)?;
        let copied: CopyPartResult = call.send().await?.xml()?;
        Ok(Part {
            part_number: number,
            etag: copied.etag,
        })
    }

    /// Bytes at hand as a part.
    pub(crate) async fn put_part(&self, number: usize, bytes: Buffer) -> Result<Part> {
        let answer = self.part(number)?.body(bytes).send().await?;
        let etag = answer.header("etag").unwrap_or_default().to_owned();
        Ok(Part {
            part_number: number,
            etag,
        })
    }

    /// Make the object of its parts.
    pub(crate) async fn complete(mut self, parts: Vec<Part>) -> Result<()> {
        let expected = etag_of_parts(parts.iter().map(|part| part.etag.as_str()));
        let body = quick_xml::se::to_string(&CompleteMultipartUpload { parts })
            .map_err(|e| Error::new(Kind::Unexpected, e.to_string()))?;
        let call = Call::new(self.at, Method::POST)
            .query("uploadId", self.id.clone())
            .headers(headers::customer(self.at.options, "")?)
            .header("content-type", "application/xml")?
            .body(body.into_bytes());
        match call.send().await {
            // The answer to the first try may have been lost: then the object is there.
            Err(e) if e.kind() == Kind::NotFound && expected.is_some() => {
                let head = Call::new(self.at, Method::HEAD)
                    .headers(headers::customer(self.at.options, "")?)
                    .send()
                    .await;
                let etag = head.as_ref().ok().and_then(|h| h.header("etag"));
                if etag.map(|e| e.trim_matches('"')) != expected.as_deref() {
                    return Err(e);
                }
            }
            other => drop(other?),
        }
        self.is_over = true;
        Ok(())
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let (options, http) = (self.at.options.clone(), self.at.http.clone());
        let (container, key) = (self.at.container.to_owned(), self.at.key.to_owned());
        let id = std::mem::take(&mut self.id);
        runtime::spawn_cleanup(async move {
            let at = Spot {
                options: &options,
                http,
                container: &container,
                key: &key,
                version: None,
            };
            // What cannot be given up is left to the bucket's lifecycle rules.
            let _ = abort(at, &id).await;
        });
    }
}
