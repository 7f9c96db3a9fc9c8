//! The registry protocol (OCI distribution specification 1.1), as much of it as one push needs.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;

use crate::error::chain;
use crate::image::{Blob, MANIFEST_TYPE};

/// Manifest types that are understood; the second is what `docker push` sends.
const ACCEPTED: &str =
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
const ATTEMPTS: u32 = 4;
const FIRST_DELAY: Duration = Duration::from_millis(200);
/// A layer of 12 MB at 1 Mbit/s takes 100 s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);
const ANSWER_LIMIT: usize = 4 << 20;
const REDIRECTS: u32 = 3;

/// Why a request to the registry came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistryError {
    #[error("repository address `{address}` must be registry/repository without tag")]
    Address { address: String },
    #[error("{method} {url} gave no answer: {reason}")]
    NoAnswer { method: Method, url: String, reason: String },
    #[error("{method} {url} was answered with {status}: {reason}")]
    Status { method: Method, url: String, status: StatusCode, reason: String },
    #[error("{method} {url} was answered without a usable `{header}`")]
    Header { method: Method, url: String, header: &'static str },
    #[error("it cannot be read")]
    Unreadable(#[from] std::io::Error),
}

impl RegistryError {
    /// Worth another attempt.
    fn is_passing(&self) -> bool {
        match self {
            Self::NoAnswer { .. } => true,
            Self::Status { status, .. } => is_passing(*status),
            Self::Address { .. } | Self::Header { .. } | Self::Unreadable(_) => false,
        }
    }
}

fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// Tries again, ever later, what fails in passing.
async fn retry<T>(attempt: impl AsyncFn() -> Result<T, RegistryError>) -> Result<T, RegistryError> {
    let mut delay = FIRST_DELAY;
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(error) if error.is_passing() => tokio::time::sleep(delay).await,
            ended => return ended,
        }
        delay *= 2;
    }
    attempt().await
}

/// A manifest as the registry has it.
#[derive(Debug)]
pub(crate) struct StoredManifest {
    pub(crate) digest: String,
    pub(crate) bytes: Bytes,
}

/// Splits `registry/repository`.
pub(crate) fn split_address(address: &str) -> Result<(&str, &str), RegistryError> {
    let valid = |text: &str| !text.is_empty() && !text.contains(['@', ' ', '?', '#', '\\']);
    match address.split_once('/') {
        Some((registry, name)) if valid(registry) && valid(name) && !name.contains(':') => {
            Ok((registry, name))
        }
        _ => Err(RegistryError::Address { address: address.to_owned() }),
    }
}

/// Whether the registry runs on this machine: then it speaks plain HTTP.
fn is_loopback(registry: &str) -> bool {
    let address = registry.parse::<http::uri::Authority>();
    address.is_ok_and(|address| seatrial_project::is_loopback(address.host()))
}

/// One repository of a registry.
pub(crate) struct Registry {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// `https://registry`.
    origin: String,
    /// `https://registry/v2/repository`.
    base: String,
    authorization: Option<HeaderValue>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Registry {
    /// Opens no connection yet. Basic authorization is sent with every request to the registry, to nobody else.
    pub(crate) fn new(address: &str, authorization: Option<HeaderValue>) -> anyhow::Result<Self> {
        let (registry, name) = split_address(address)?;
        let scheme = if is_loopback(registry) { "http" } else { "https" };
        let builder = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider())?;
        let connector = builder.https_or_http().enable_http1().build();
        let origin = format!("{scheme}://{registry}");
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            base: format!("{origin}/v2/{name}"),
            origin,
            authorization,
        })
    }

    /// The manifest under a tag or digest, or none.
    pub(crate) async fn manifest(&self, reference: &str) -> Result<Option<StoredManifest>, RegistryError> {
        let url = format!("{}/manifests/{reference}", self.base);
        let headers = [(header::ACCEPT, HeaderValue::from_static(ACCEPTED))];
        let answer = self.retried(Method::GET, &url, &headers, Bytes::new()).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let answer = expect(Method::GET, &url, answer, &[StatusCode::OK])?;
        // Computed, not believed: the digest is what will run.
        Ok(Some(StoredManifest { digest: crate::image::digest(&answer.body), bytes: answer.body }))
    }

    /// A blob's bytes. ECR redirects to S3, whose addresses are signed: no authorization goes there.
    pub(crate) async fn blob(&self, digest: &str) -> Result<Bytes, RegistryError> {
        let mut url = format!("{}/blobs/{digest}", self.base);
        for _ in 0..REDIRECTS {
            let answer = self.retried(Method::GET, &url, &[], Bytes::new()).await?;
            if !answer.status.is_redirection() {
                return Ok(expect(Method::GET, &url, answer, &[StatusCode::OK])?.body);
            }
            url = self.location(Method::GET, &url, &answer)?;
        }
        Err(RegistryError::NoAnswer { method: Method::GET, url, reason: "too many redirections".into() })
    }

    /// Uploads a blob unless the repository has it. Says whether it was uploaded.
    pub(crate) async fn put_blob(&self, blob: &Blob) -> Result<bool, RegistryError> {
        let url = format!("{}/blobs/{}", self.base, blob.digest);
        let answer = self.retried(Method::HEAD, &url, &[], Bytes::new()).await?;
        // ECR redirects a HEAD as well.
        if answer.status == StatusCode::OK || answer.status.is_redirection() {
            return Ok(false);
        }
        if answer.status != StatusCode::NOT_FOUND {
            expect(Method::HEAD, &url, answer, &[])?;
        }
        // An upload that broke off cannot be continued blindly: each attempt begins a new one.
        retry(async || self.upload(blob).await).await?;
        Ok(true)
    }

    async fn upload(&self, blob: &Blob) -> Result<(), RegistryError> {
        let octets = [(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))];
        let start = format!("{}/blobs/uploads/", self.base);
        let answer = self.once(Method::POST, &start, &[], Bytes::new()).await?;
        let answer = expect(Method::POST, &start, answer, &[StatusCode::ACCEPTED])?;
        let url = self.location(Method::POST, &start, &answer)?;
        let answer = self.once(Method::PATCH, &url, &octets, blob.read().await?).await?;
        let answer = expect(Method::PATCH, &url, answer, &[StatusCode::ACCEPTED, StatusCode::CREATED])?;
        let url = self.location(Method::PATCH, &url, &answer)?;
        let separator = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{separator}digest={}", blob.digest.replace(':', "%3A"));
        let answer = self.once(Method::PUT, &url, &octets, Bytes::new()).await?;
        expect(Method::PUT, &url, answer, &[StatusCode::CREATED])?;
        Ok(())
    }

    /// Puts a manifest under a tag.
    pub(crate) async fn put_manifest(&self, tag: &str, manifest: &Blob) -> Result<(), RegistryError> {
        let url = format!("{}/manifests/{tag}", self.base);
        let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(MANIFEST_TYPE))];
        let answer = self.retried(Method::PUT, &url, &headers, manifest.read().await?).await?;
        expect(Method::PUT, &url, answer, &[StatusCode::CREATED, StatusCode::OK])?;
        Ok(())
    }

    /// The answer, unless its status says that another attempt may be answered better.
    async fn retried(
        &self,
        method: Method,
        url: &str,
        headers: &[(header::HeaderName, HeaderValue)],
        body: Bytes,
    ) -> Result<Answer, RegistryError> {
        retry(async || {
            let answer = self.once(method.clone(), url, headers, body.clone()).await?;
            if is_passing(answer.status) { expect(method.clone(), url, answer, &[]) } else { Ok(answer) }
        })
        .await
    }

    async fn once(
        &self,
        method: Method,
        url: &str,
        headers: &[(header::HeaderName, HeaderValue)],
        body: Bytes,
    ) -> Result<Answer, RegistryError> {
        let no_answer = |reason: String| RegistryError::NoAnswer {
            method: method.clone(),
            // Uploads and redirections are signed in the query.
            url: url.split('?').next().unwrap_or_default().to_owned(),
            reason,
        };
        let mut request = Request::builder().method(method.clone()).uri(url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(authorization) = self.authorization.as_ref().filter(|_| self.is_ours(url)) {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(body)).map_err(|error| no_answer(error.to_string()))?;
        let exchange = async {
            let response = self.client.request(request).await.map_err(|error| no_answer(chain(&error)))?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_LIMIT).collect().await;
            let body = body.map_err(|error| no_answer(error.to_string()))?.to_bytes();
            Ok(Answer { status: parts.status, headers: parts.headers, body })
        };
        tokio::time::timeout(REQUEST_TIMEOUT, exchange)
            .await
            .unwrap_or_else(|_| Err(no_answer(format!("not within {} s", REQUEST_TIMEOUT.as_secs()))))
    }

    fn is_ours(&self, url: &str) -> bool {
        url.strip_prefix(&self.origin).is_some_and(|rest| rest.starts_with('/'))
    }

    /// `Location` may be relative to the registry.
    fn location(&self, method: Method, url: &str, answer: &Answer) -> Result<String, RegistryError> {
        let location = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        match location {
            Some(path) if path.starts_with('/') => Ok(format!("{}{path}", self.origin)),
            Some(absolute) if absolute.starts_with("http") => Ok(absolute.to_owned()),
            _ => Err(RegistryError::Header { method, url: url.to_owned(), header: "Location" }),
        }
    }
}

fn expect(
    method: Method,
    url: &str,
    answer: Answer,
    accepted: &[StatusCode],
) -> Result<Answer, RegistryError> {
    if accepted.contains(&answer.status) {
        return Ok(answer);
    }
    let url = url.split('?').next().unwrap_or_default().to_owned();
    Err(RegistryError::Status { method, url, status: answer.status, reason: reason(&answer.body) })
}

/// The registry's own words.
fn reason(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<Fault>,
    }
    #[derive(Deserialize)]
    struct Fault {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    match serde_json::from_slice::<Errors>(body) {
        Ok(Errors { errors }) if !errors.is_empty() => {
            let lines: Vec<String> =
                errors.into_iter().map(|fault| format!("{}: {}", fault.code, fault.message)).collect();
            lines.join("; ")
        }
        _ if body.is_empty() => "no reason given".to_owned(),
        _ => String::from_utf8_lossy(body).chars().take(500).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_split_and_only_loopback_is_plain() {
        let ecr = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
        let address = format!("{ecr}/team/myapp");
        assert_eq!(split_address(&address).unwrap(), (ecr, "team/myapp"));
        assert!(is_loopback("127.0.0.1:5000") && is_loopback("localhost:5000") && is_loopback("[::1]:5000"));
        assert!(!is_loopback(ecr) && !is_loopback("127.0.0.1.example.com") && !is_loopback("10.0.0.1"));
    }

    #[test]
    fn an_address_with_tag_or_without_repository_is_refused() {
        for address in ["myapp", "127.0.0.1:5000/myapp:latest", "/myapp", "127.0.0.1:5000/", "r/a@sha256:0"] {
            assert!(split_address(address).is_err(), "{address}");
        }
    }

    #[test]
    fn the_registrys_own_words_are_kept() {
        let body = br#"{"errors":[{"code":"TAG_INVALID","message":"the tag is immutable"}]}"#;
        assert_eq!(reason(body), "TAG_INVALID: the tag is immutable");
        assert_eq!(reason(b"<html>"), "<html>");
    }
}
