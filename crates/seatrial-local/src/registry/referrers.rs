//! Which artifacts say something about an image: signatures, lists of what is in it.
//!
//! Source: the OCI distribution specification 1.1, "Listing Referrers", which ECR follows (ECR's user guide, "Private
//! images"); whoever lists them needs `ecr:BatchGetImage` (API reference of ECR, ListImageReferrers).

use axum::Json;
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::error::RegistryError;
use super::session::{Session, member};
use crate::services::ecr::{BatchGetImage, Ecr, ImageId, Referrer, is_digest};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const FILTERS: HeaderName = HeaderName::from_static("oci-filters-applied");

/// `GET …/referrers/DIGEST`, of one type of artifacts where the query names it. An image that is not there has none.
pub(super) async fn list(session: &Session, digest: &str, parts: &Parts) -> Result<Response, RegistryError> {
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return Err(RegistryError::unsupported(&parts.method));
    }
    if !is_digest(digest) {
        return Err(RegistryError::invalid_digest(digest));
    }
    let repository_name = session.repository.clone();
    session.call(BatchGetImage { repository_name, image_ids: vec![ImageId::of(digest)] }).await?;
    let mut found = session.cloud.part::<Ecr>().referrers(&session.repository, digest);
    let wanted = member(parts, "artifactType");
    if let Some(wanted) = &wanted {
        found.retain(|referrer| referrer.artifact_type.as_ref() == Some(wanted));
    }
    let manifests: Vec<_> = found.into_iter().map(descriptor).collect();
    let body = Json(json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests }));
    let answer = ([(header::CONTENT_TYPE, INDEX)], body);
    Ok(match wanted {
        Some(_) => ([(FILTERS, "artifactType")], answer).into_response(),
        None => answer.into_response(),
    })
}

fn descriptor(referrer: Referrer) -> Value {
    let mut descriptor =
        json!({ "mediaType": referrer.media_type, "digest": referrer.digest, "size": referrer.size });
    if let Some(kind) = referrer.artifact_type {
        descriptor["artifactType"] = json!(kind);
    }
    if referrer.annotations.is_object() {
        descriptor["annotations"] = referrer.annotations;
    }
    descriptor
}
