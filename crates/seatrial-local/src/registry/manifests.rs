//! Manifests by tag or digest, and the list of tags.

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::error::RegistryError;
use super::path::is_tag;
use super::session::{Session, member};
use crate::services::ecr::{BatchGetImage, ImageId, LONGEST_MANIFEST, ListImages, PutImage, is_digest};

const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

pub(super) async fn serve(
    session: &Session,
    reference: &str,
    parts: &Parts,
    body: Body,
) -> Result<Response, RegistryError> {
    match parts.method {
        Method::GET | Method::HEAD => get(session, reference).await,
        Method::PUT => put(session, reference, parts, body).await,
        _ => Err(RegistryError::unsupported(&parts.method)),
    }
}

/// For `HEAD` the server leaves the body out.
async fn get(session: &Session, reference: &str) -> Result<Response, RegistryError> {
    let image_ids = vec![ImageId::of(reference)];
    let input = BatchGetImage { repository_name: session.repository.clone(), image_ids };
    let image = session.call(input).await?.images.into_iter().next().ok_or_else(|| {
        RegistryError::new(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", "Requested image not found")
    })?;
    let headers = [
        (header::CONTENT_TYPE, image.image_manifest_media_type),
        (DIGEST, image.image_id.image_digest.unwrap_or_default()),
    ];
    Ok((headers, image.image_manifest).into_response())
}

async fn put(
    session: &Session,
    reference: &str,
    parts: &Parts,
    body: Body,
) -> Result<Response, RegistryError> {
    let invalid = |message: String| RegistryError::new(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", message);
    let ImageId { image_digest, image_tag } = ImageId::of(reference);
    if let Some(digest) = image_digest.as_deref().filter(|digest| !is_digest(digest)) {
        return Err(RegistryError::invalid_digest(digest));
    }
    if image_tag.as_deref().is_some_and(|tag| !is_tag(tag)) {
        let message = format!("`{reference}` is no tag");
        return Err(RegistryError::new(StatusCode::BAD_REQUEST, "TAG_INVALID", message));
    }
    let bytes = to_bytes(body, LONGEST_MANIFEST).await.map_err(|error| invalid(error.to_string()))?;
    let manifest = String::from_utf8(bytes.into()).map_err(|error| invalid(error.to_string()))?;
    let digest = crate::services::ecr::digest(manifest.as_bytes());
    let subject = crate::services::ecr::subject_of(&manifest);
    let media_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let input = PutImage {
        repository_name: session.repository.clone(),
        image_manifest: manifest,
        image_manifest_media_type: media_type.map(str::to_owned),
        image_tag,
        image_digest,
    };
    match session.call(input).await {
        Ok(_) => {}
        // The same manifest under the same tag again.
        Err(error) if error.code == "ImageAlreadyExistsException" => {}
        Err(error) => return Err(error.into()),
    }
    let location = format!("/v2/{}/manifests/{digest}", session.repository);
    let answer = (StatusCode::CREATED, [(header::LOCATION, location), (DIGEST, digest)]);
    // By it a client knows that the registry lists referrers, and that no tag has to.
    Ok(match subject.as_deref() {
        Some(subject) => (answer.0, [(SUBJECT, subject)], answer.1).into_response(),
        None => answer.into_response(),
    })
}

/// `GET …/tags/list`, in pages of `n` behind the tag `last`.
pub(super) async fn tags(session: &Session, parts: &Parts) -> Result<Response, RegistryError> {
    if parts.method != Method::GET {
        return Err(RegistryError::unsupported(&parts.method));
    }
    let name = &session.repository;
    let listed = session.call(ListImages::tagged(name.clone())).await?;
    let mut tags: Vec<_> = listed.image_ids.into_iter().filter_map(|id| id.image_tag).collect();
    tags.sort();
    if let Some(last) = member(parts, "last") {
        tags.retain(|tag| *tag > last);
    }
    let limit = member(parts, "n").and_then(|text| text.parse().ok()).unwrap_or(usize::MAX);
    let more = tags.len() > limit;
    tags.truncate(limit);
    let next = tags.last().filter(|_| more);
    let next = next.map(|last| format!("</v2/{name}/tags/list?n={limit}&last={last}>; rel=\"next\""));
    let body = Json(json!({ "name": name, "tags": tags }));
    Ok(match next {
        Some(next) => ([(header::LINK, next)], body).into_response(),
        None => body.into_response(),
    })
}
