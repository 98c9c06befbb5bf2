//! Servers that know no ranges, or do not say how long the whole is.
//!
//! They answer a request for some bytes with all of them and status 200. What was asked for is
//! cut out here, so that nothing above has to know such servers.

use futures::{StreamExt, stream};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use opendal_core::HttpBody;

/// What a `Range` header asks for of a body of `total` bytes; nothing if it is no single range.
fn asked(range: &HeaderValue, total: u64) -> Option<(u64, u64)> {
    let (start, end) = range
        .to_str()
        .ok()?
        .strip_prefix("bytes=")?
        .split_once('-')?;
    if start.is_empty() {
        return Some((total.saturating_sub(end.parse().ok()?), total));
    }
    let end = match end {
        "" => total,
        last => last.parse::<u64>().ok()?.saturating_add(1).min(total),
    };
    Some((start.parse().ok()?, end))
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether a part says how long the whole is (`bytes 0-9/*` does not).
fn names_total(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_RANGE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| !v.ends_with('*'))
}

/// First and last byte of the part that an answer says it is.
fn told(headers: &HeaderMap) -> Option<(u64, u64)> {
    let part = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    let ends = part.strip_prefix("bytes ")?.split('/').next()?;
    let (first, last) = ends.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// Whether a part ends before it begins (`bytes 10-9/10`): what Azurite says behind the end.
fn is_nothing(headers: &HeaderMap) -> bool {
    told(headers).is_some_and(|(first, last)| last < first)
}

/// Whether an answer is of another place than the one that was asked for.
pub(crate) fn is_elsewhere(range: Option<&HeaderValue>, resp: &Response<HttpBody>) -> bool {
    let asked = range.and_then(|r| r.to_str().ok()?.strip_prefix("bytes=")?.split_once('-'));
    let first = asked.and_then(|(first, _)| first.parse::<u64>().ok());
    let told = told(resp.headers()).filter(|_| resp.status() == StatusCode::PARTIAL_CONTENT);
    matches!((first, told), (Some(asked), Some((told, _))) if asked != told)
}

/// The answer to a request with this `Range` header, as a server that knows ranges gives it.
pub(crate) fn cut(range: Option<&HeaderValue>, mut resp: Response<HttpBody>) -> Response<HttpBody> {
    if resp.status() == StatusCode::PARTIAL_CONTENT && is_nothing(resp.headers()) {
        *resp.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
        return resp;
    }
    if resp.status() == StatusCode::PARTIAL_CONTENT && !names_total(resp.headers()) {
        // OpenDAL would take the length of the part for that of the whole.
        resp.headers_mut().remove(CONTENT_RANGE);
        resp.headers_mut().remove(CONTENT_LENGTH);
        return resp;
    }
    if resp.status() != StatusCode::OK || resp.headers().contains_key(CONTENT_ENCODING) {
        return resp;
    }
    let Some(range) = range else { return resp };
    let Some(total) = length(resp.headers()) else {
        return resp;
    };
    let Some((start, end)) = asked(range, total) else {
        return resp;
    };
    if (start, end) == (0, total) {
        return resp;
    }
    if start >= end {
        *resp.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
        resp.headers_mut().insert(CONTENT_LENGTH, 0.into());
        return resp.map(|_| HttpBody::new(stream::empty(), Some(0)));
    }
    *resp.status_mut() = StatusCode::PARTIAL_CONTENT;
    resp.headers_mut()
        .insert(CONTENT_LENGTH, (end - start).into());
    if let Ok(content_range) = format!("bytes {start}-{}/{total}", end - 1).parse() {
        resp.headers_mut().insert(CONTENT_RANGE, content_range);
    }
    resp.map(|body| {
        let mut body = Some(body);
        let mut pieces = None;
        // The size is checked for what is cut out; the connection is dropped after it.
        body.take().map(|b| {
            b.map_inner(|inner| {
                pieces = Some(inner);
                Box::new(stream::empty())
            })
        });
        let inner = pieces.expect("map_inner calls its argument");
        let cut = stream::unfold((inner, 0_u64), move |(mut inner, at)| async move {
            let mut at = at;
            while at < end {
                let piece = match inner.next().await? {
                    Ok(piece) => piece,
                    Err(e) => return Some((Err(e), (inner, end))),
                };
                let (from, to) = (at, at + piece.len() as u64);
                at = to;
                let (first, last) = (start.max(from), end.min(to));
                if first < last {
                    let piece = piece.slice((first - from) as usize..(last - from) as usize);
                    return Some((Ok(piece), (inner, at)));
                }
            }
            None
        });
        HttpBody::new(Box::pin(cut), Some(end - start))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use opendal_core::Buffer;

    fn whole(text: &'static str) -> Response<HttpBody> {
        let pieces: Vec<_> = text
            .as_bytes()
            .chunks(3)
            .map(|c| Ok(Buffer::from(c)))
            .collect();
        let body = HttpBody::new(stream::iter(pieces), Some(text.len() as u64));
        let resp = Response::builder().header(CONTENT_LENGTH, text.len());
        resp.body(body).unwrap()
    }

    async fn answer(range: &'static str) -> (u16, Vec<u8>) {
        let range = HeaderValue::from_static(range);
        let resp = cut(Some(&range), whole("0123456789"));
        let (parts, mut body) = resp.into_parts();
        (
            parts.status.as_u16(),
            body.to_buffer().await.unwrap().to_vec(),
        )
    }

    #[test]
    fn a_part_from_elsewhere_is_known() {
        let elsewhere = |asked: &'static str, told: &'static str| {
            let resp = Response::builder().status(206).header(CONTENT_RANGE, told);
            let resp = resp.body(HttpBody::new(stream::empty(), None)).unwrap();
            is_elsewhere(Some(&HeaderValue::from_static(asked)), &resp)
        };
        assert!(elsewhere("bytes=2-6", "bytes 0-4/10"));
        assert!(!elsewhere("bytes=2-6", "bytes 2-4/5"));
        assert!(!elsewhere("bytes=-3", "bytes 7-9/10"));
    }

    #[tokio::test]
    async fn what_was_asked_for_is_cut_out() {
        assert_eq!(answer("bytes=2-6").await, (206, b"23456".to_vec()));
        assert_eq!(answer("bytes=0-0").await, (206, b"0".to_vec()));
        assert_eq!(answer("bytes=7-").await, (206, b"789".to_vec()));
        assert_eq!(answer("bytes=-4").await, (206, b"6789".to_vec()));
        assert_eq!(answer("bytes=8-99").await, (206, b"89".to_vec()));
    }

    #[tokio::test]
    async fn the_whole_stays_the_whole_and_nothing_is_an_error() {
        assert_eq!(answer("bytes=0-99").await, (200, b"0123456789".to_vec()));
        assert_eq!(answer("bytes=-10").await, (200, b"0123456789".to_vec()));
        assert_eq!(answer("bytes=10-12").await, (416, Vec::new()));
    }
}
