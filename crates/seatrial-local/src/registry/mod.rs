//! The image registry: the OCI distribution protocol over ECR's operations.
//!
//! | request | operations of ECR |
//! |---|---|
//! | `HEAD` blob | BatchCheckLayerAvailability |
//! | `GET` blob | GetDownloadUrlForLayer |
//! | `POST`, `PATCH`, `PUT` upload | InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload |
//! | `HEAD`, `GET` manifest | BatchGetImage |
//! | `PUT` manifest | PutImage |
//! | `GET` tags | ListImages |
//! | `GET` referrers | BatchGetImage |
//!
//! A password comes from GetAuthorizationToken, and calls are made as whoever asked for it. As in ECR by
//! default, nothing is mounted from another repository and nothing is deleted over this protocol.

mod blobs;
mod error;
mod manifests;
mod path;
mod referrers;
mod session;
mod uploads;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::cloud::Cloud;
use crate::principal::Principal;
use crate::services::ecr::Ecr;
use error::RegistryError;
use path::Target;
use session::Session;

/// Everything below `/v2/`.
pub(crate) fn router(cloud: Cloud) -> Router {
    Router::new().route("/v2/", any(serve)).route("/v2/{*path}", any(serve)).with_state(cloud)
}

async fn serve(State(cloud): State<Cloud>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut response = match answer(cloud.clone(), &parts, body).await {
        Ok(response) => response,
        Err(error) => {
            let unauthorized = error.status == StatusCode::UNAUTHORIZED;
            let mut response = error.into_response();
            let realm = format!("Basic realm=\"{}/\",service=\"ecr.amazonaws.com\"", cloud.endpoint());
            if unauthorized && let Ok(realm) = HeaderValue::from_str(&realm) {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, realm);
            }
            response
        }
    };
    let version = HeaderValue::from_static("registry/2.0");
    response.headers_mut().insert("docker-distribution-api-version", version);
    response
}

async fn answer(cloud: Cloud, parts: &Parts, body: Body) -> Result<Response, RegistryError> {
    let target = path::parse(parts.uri.path());
    if let Some(Target::Blob { digest, .. }) = &target
        && parts.method == Method::GET
        && cloud.part::<Ecr>().allows_download(digest, parts.uri.query().unwrap_or_default())
    {
        return blobs::send(&cloud, digest, &parts.headers).await;
    }
    let principal = authenticate(&cloud, &parts.headers).ok_or_else(RegistryError::unauthorized)?;
    let session = |repository| Session { cloud, principal, repository };
    let method = &parts.method;
    match target {
        None => Err(RegistryError::no_page()),
        Some(Target::Base) => match *method == Method::GET || *method == Method::HEAD {
            true => Ok(axum::Json(serde_json::json!({})).into_response()),
            false => Err(RegistryError::unsupported(method)),
        },
        Some(Target::Blob { repository, digest }) => blobs::serve(&session(repository), &digest, parts).await,
        Some(Target::Uploads { repository }) => uploads::begin(&session(repository), parts, body).await,
        Some(Target::Upload { repository, id }) => {
            uploads::serve(&session(repository), &id, parts, body).await
        }
        Some(Target::Manifest { repository, reference }) => {
            manifests::serve(&session(repository), &reference, parts, body).await
        }
        Some(Target::Tags { repository }) => manifests::tags(&session(repository), parts).await,
        Some(Target::Referrers { repository, digest }) => {
            referrers::list(&session(repository), &digest, parts).await
        }
    }
}

/// Whose password the request carries.
fn authenticate(cloud: &Cloud, headers: &HeaderMap) -> Option<Principal> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    let is_ours = scheme.eq_ignore_ascii_case("basic") && user == "AWS";
    is_ours.then(|| cloud.part::<Ecr>().authenticate(password)).flatten()
}
