//! Uploads of blobs: whole in one request, or begun, sent in parts and completed.

use axum::body::{Body, HttpBody as _};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::error::RegistryError;
use super::session::{Session, member};
use crate::services::ecr::{CompleteLayerUpload, Ecr, InitiateLayerUpload, UploadLayerPart, is_digest};

/// `POST`: begins an upload; with `digest` the body is all of it. What is to be mounted from another
/// repository is uploaded instead, which the protocol allows and ECR does by default.
pub(super) async fn begin(session: &Session, parts: &Parts, body: Body) -> Result<Response, RegistryError> {
    if parts.method != Method::POST {
        return Err(RegistryError::unsupported(&parts.method));
    }
    let begun = session.call(InitiateLayerUpload { repository_name: session.repository.clone() }).await?;
    match member(parts, "digest") {
        Some(digest) => complete(session, &begun.upload_id, &digest, body).await,
        None => Ok(progress(session, &begun.upload_id, StatusCode::ACCEPTED, 0)),
    }
}

/// An upload that was begun.
pub(super) async fn serve(
    session: &Session,
    id: &str,
    parts: &Parts,
    body: Body,
) -> Result<Response, RegistryError> {
    let ecr = session.cloud.part::<Ecr>();
    match parts.method {
        Method::PATCH => {
            let length = append(session, id, first_byte(parts), body).await?;
            Ok(progress(session, id, StatusCode::ACCEPTED, length))
        }
        Method::PUT => {
            let digest = member(parts, "digest").unwrap_or_default();
            complete(session, id, &digest, body).await
        }
        Method::GET if ecr.is_uploading(&session.repository, id) => {
            let file = std::fs::metadata(ecr.upload_file(id)).map_err(|_| RegistryError::no_upload(id))?;
            Ok(progress(session, id, StatusCode::NO_CONTENT, file.len()))
        }
        Method::DELETE if ecr.cancel_upload(&session.repository, id)? => {
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        Method::GET | Method::DELETE => Err(RegistryError::no_upload(id)),
        _ => Err(RegistryError::unsupported(&parts.method)),
    }
}

/// Where `Content-Range` (`0-41`) says that the part begins.
fn first_byte(parts: &Parts) -> Option<u64> {
    let value = parts.headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    value.trim_start_matches("bytes ").split_once('-')?.0.parse().ok()
}

/// Appends to an upload and answers how long it is then.
async fn append(session: &Session, id: &str, from: Option<u64>, body: Body) -> Result<u64, RegistryError> {
    let input = UploadLayerPart {
        repository_name: session.repository.clone(),
        upload_id: id.to_owned(),
        part_first_byte: from,
        layer_part_blob: String::new(),
        stream: Some(body),
    };
    session.call(input).await?;
    let file = std::fs::metadata(session.cloud.part::<Ecr>().upload_file(id));
    file.map(|file| file.len()).map_err(|_| RegistryError::no_upload(id))
}

async fn complete(session: &Session, id: &str, digest: &str, body: Body) -> Result<Response, RegistryError> {
    if !is_digest(digest) {
        return Err(RegistryError::invalid_digest(digest));
    }
    if !body.is_end_stream() {
        append(session, id, None, body).await?;
    }
    let input = CompleteLayerUpload {
        repository_name: session.repository.clone(),
        upload_id: id.to_owned(),
        layer_digests: vec![digest.to_owned()],
    };
    match session.call(input).await {
        Ok(_) => {}
        // Somebody else was faster; the bytes are the same.
        Err(error) if error.code == "LayerAlreadyExistsException" => {}
        Err(error) => return Err(error.into()),
    }
    let headers = [
        ("location", format!("/v2/{}/blobs/{digest}", session.repository)),
        ("docker-content-digest", digest.to_owned()),
    ];
    Ok((StatusCode::CREATED, headers).into_response())
}

/// How far an upload is. Docker reads an empty one as `0-0`.
fn progress(session: &Session, id: &str, status: StatusCode, length: u64) -> Response {
    let headers = [
        ("location", format!("/v2/{}/blobs/uploads/{id}", session.repository)),
        ("docker-upload-uuid", id.to_owned()),
        ("range", format!("0-{}", length.saturating_sub(1))),
    ];
    (status, headers).into_response()
}
