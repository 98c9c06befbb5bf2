//! Another host than `api.github.com`, which OpenDAL's service has in its code.

use http::{Request, Response, Uri};
use opendal_core::{Buffer, Error, ErrorKind, HttpBody, HttpTransport, HttpTransporter, Result};

const PUBLIC: &str = "https://api.github.com";

/// Sends what is for the public API to another.
pub(crate) struct Redirected {
    pub(crate) inner: HttpTransporter,
    pub(crate) endpoint: String,
}

/// The same request of another API; other URLs, those the API itself gave, stay as they are.
fn elsewhere(uri: &Uri, endpoint: &str) -> Result<Option<Uri>> {
    let text = uri.to_string();
    let Some(rest) = text.strip_prefix(PUBLIC) else {
        return Ok(None);
    };
    let moved = format!("{}{rest}", endpoint.trim_end_matches('/'));
    moved.parse().map(Some).map_err(|e| {
        Error::new(ErrorKind::ConfigInvalid, "option \"endpoint\" is no URL").set_source(e)
    })
}

impl HttpTransport for Redirected {
    async fn fetch(&self, mut req: Request<Buffer>) -> Result<Response<HttpBody>> {
        if let Some(uri) = elsewhere(req.uri(), &self.endpoint)? {
            *req.uri_mut() = uri;
        }
        self.inner.fetch(req).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_for_the_public_api_go_elsewhere_and_no_others() {
        let uri = |text: &str| text.parse::<Uri>().unwrap();
        let moved = elsewhere(
            &uri("https://api.github.com/repos/o/r?x=1"),
            "http://h:1/api/v3/",
        );
        assert_eq!(moved.unwrap(), Some(uri("http://h:1/api/v3/repos/o/r?x=1")));
        let other = elsewhere(&uri("https://objects.example/x"), "http://h:1");
        assert_eq!(other.unwrap(), None);
    }
}
