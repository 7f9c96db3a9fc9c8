//! Blobs: looked up and sent, whole or in part.

use std::io::SeekFrom;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::error::RegistryError;
use super::session::Session;
use crate::cloud::Cloud;
use crate::services::ecr::{BatchCheckLayerAvailability, Ecr, GetDownloadUrlForLayer, is_digest};

const OCTETS: &str = "application/octet-stream";
const DIGEST: &str = "docker-content-digest";

pub(super) async fn serve(session: &Session, digest: &str, parts: &Parts) -> Result<Response, RegistryError> {
    if !is_digest(digest) {
        return Err(RegistryError::invalid_digest(digest));
    }
    let (repository_name, digest) = (session.repository.clone(), digest.to_owned());
    match parts.method {
        Method::HEAD => {
            let layer_digests = vec![digest.clone()];
            let found = session.call(BatchCheckLayerAvailability { repository_name, layer_digests }).await?;
            let size = found.layers.first().and_then(|layer| layer.layer_size);
            let size = size.ok_or_else(|| RegistryError::no_blob(&digest))?;
            let headers = [
                (header::CONTENT_LENGTH.as_str(), size.to_string()),
                (header::CONTENT_TYPE.as_str(), OCTETS.to_owned()),
                (header::ACCEPT_RANGES.as_str(), "bytes".to_owned()),
                (DIGEST, digest),
            ];
            Ok(headers.into_response())
        }
        Method::GET => {
            let input = GetDownloadUrlForLayer { repository_name, layer_digest: digest.clone() };
            match session.call(input).await {
                Ok(_) => send(&session.cloud, &digest, &parts.headers).await,
                Err(error) if error.code == "LayersNotFoundException" => Err(RegistryError::no_blob(&digest)),
                Err(error) => Err(error.into()),
            }
        }
        _ => Err(RegistryError::unsupported(&parts.method)),
    }
}

/// Sends a blob, or the range of it that the headers ask for.
pub(super) async fn send(
    cloud: &Cloud,
    digest: &str,
    headers: &HeaderMap,
) -> Result<Response, RegistryError> {
    if !is_digest(digest) {
        return Err(RegistryError::invalid_digest(digest));
    }
    let unread = |_| RegistryError::no_blob(digest);
    let mut file = tokio::fs::File::open(cloud.part::<Ecr>().layer_file(digest)).await.map_err(unread)?;
    let size = file.metadata().await.map_err(unread)?.len();
    let wanted = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let (status, first, length) = match wanted.and_then(|wanted| range(wanted, size)) {
        None => (StatusCode::OK, 0, size),
        Some(Some((first, last))) => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Some(None) => {
            let status = StatusCode::RANGE_NOT_SATISFIABLE;
            return Ok((status, [(header::CONTENT_RANGE, format!("bytes */{size}"))]).into_response());
        }
    };
    file.seek(SeekFrom::Start(first)).await.map_err(unread)?;
    let mut response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, OCTETS)
        .header(header::CONTENT_LENGTH, length)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(DIGEST, digest);
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{size}", first + length - 1);
        response = response.header(header::CONTENT_RANGE, range);
    }
    response
        .body(Body::from_stream(ReaderStream::with_capacity(file.take(length), 64 << 10)))
        .map_err(|error| RegistryError::new(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", error.to_string()))
}

/// First and last byte of a `Range` of one part; `Some(None)`: it lies beyond the end. `None`: no such range,
/// so all is sent.
fn range(wanted: &str, size: u64) -> Option<Option<(u64, u64)>> {
    let (first, last) = wanted.strip_prefix("bytes=")?.split_once('-')?;
    let end = size.checked_sub(1);
    let (first, last) = match first.is_empty() {
        true => (size.saturating_sub(last.parse().ok()?), end),
        false if last.is_empty() => (first.parse().ok()?, end),
        false => {
            let last: u64 = last.parse().ok()?;
            (first.parse().ok()?, end.map(|end| last.min(end)))
        }
    };
    Some(last.filter(|last| first <= *last).map(|last| (first, last)))
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn a_range_is_cut_at_the_end() {
        assert_eq!(range("bytes=2-5", 10), Some(Some((2, 5))));
        assert_eq!(range("bytes=2-", 10), Some(Some((2, 9))));
        assert_eq!(range("bytes=-3", 10), Some(Some((7, 9))));
        assert_eq!(range("bytes=5-99", 10), Some(Some((5, 9))));
        assert_eq!(range("bytes=10-", 10), Some(None));
        assert_eq!(range("bytes=0-", 0), Some(None));
        assert_eq!(range("bytes=0-1,4-5", 10), None);
        assert_eq!(range("lines=1-2", 10), None);
    }
}
