//! The server: each request is recognised, verified, decoded, dispatched and answered.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use ::http::request::Parts;
use ::http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next, map_request};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde_json::Value;
use tokio::net::TcpListener;

use super::error::{Failed, refused, render, respond};
use super::receive::{self, Received};
use super::route::Target;
use super::sigv4::{Key, Keyring};
use super::{Protocol, cbor, connections, json, query, rest, route, sigv4, validate};
use crate::blocking::blocking;
use crate::cloud::Cloud;
use crate::credentials::CredentialStore;
use crate::error::ServiceError;
use crate::principal::Principal;

/// What the server serves besides calls.
pub(crate) struct Doors {
    /// Everything below `/_local/`: journal, faults.
    pub local: Router,
    /// Everything below `/v2/`: the image registry.
    pub registry: Router,
    pub transfer: TransferHandler,
    /// Where bodies are kept that are too long for memory, on the disk where they are to stay.
    pub folder: PathBuf,
    /// What a browser gets that asks for the address alone; `None` for whoever makes a call.
    pub front: fn(&Parts) -> Option<Response>,
}

/// An S3 request whose body, or whose answer's body, is an object's bytes: `PutObject`, `UploadPart`,
/// `GetObject`. The signature and the checksums of the body are verified.
pub(crate) struct Transfer {
    pub cloud: Cloud,
    pub principal: Principal,
    pub operation: &'static str,
    /// All members of the model's input but `Body`, from path, query and headers.
    pub input: Value,
    /// The object's bytes, without the frames of streaming uploads; none where the answer carries them.
    pub body: Option<Received>,
}

/// The answer to a [`Transfer`].
pub(crate) struct TransferOutput {
    /// 200, or 206 for a range.
    pub status: StatusCode,
    /// The model's output without `Body`: it becomes headers. Set `ContentLength` where there is a body.
    pub output: Value,
    pub body: Body,
}

/// Handles transfers. It should make its call through [`Cloud::call`], so that the journal sees it.
pub(crate) type TransferHandler = Arc<
    dyn Fn(Transfer) -> Pin<Box<dyn Future<Output = Result<TransferOutput, ServiceError>> + Send>>
        + Send
        + Sync,
>;

#[derive(Clone)]
struct Gateway {
    cloud: Cloud,
    transfer: TransferHandler,
    folder: Arc<PathBuf>,
    front: fn(&Parts) -> Option<Response>,
}

/// Serves until the task is aborted.
pub(crate) async fn serve(cloud: Cloud, listener: TcpListener, doors: Doors) {
    let gateway =
        Gateway { cloud, transfer: doors.transfer, folder: Arc::new(doors.folder), front: doors.front };
    let calls = Router::new().fallback(answer).with_state(gateway);
    let router = calls.merge(doors.local).merge(doors.registry);
    let router = router.layer(middleware::from_fn(one_host)).layer(map_request(timed));
    connections::serve(listener, router).await;
}

async fn timed(request: Request) -> Request {
    connections::timed(request)
}

/// A server must refuse a request that names two hosts or, of HTTP/1.1, none (RFC 9112, section 3.2).
async fn one_host(request: Request, next: Next) -> Response {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    next.run(request).await
}

async fn answer(State(gateway): State<Gateway>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if let Some(page) = (gateway.front)(&parts) {
        return page;
    }
    let claim = sigv4::claim(&parts);
    let protocol = route::protocol(&parts, claim.as_ref().ok().map(|claim| claim.service.as_str()));
    let request_id = match protocol {
        Protocol::RestXml => crate::id::upper(16),
        _ => uuid::Uuid::new_v4().to_string(),
    };
    let mut failed = Failed {
        protocol,
        model: None,
        operation: None,
        path: parts.uri.path(),
        head_only: parts.method == Method::HEAD,
        request_id: &request_id,
    };
    let received = async {
        let refused = |refusal| refused(protocol, &refusal);
        let claim = claim.map_err(refused)?;
        let now = gateway.cloud.clock().now().0;
        // Nothing is read for somebody unknown, nor more than is kept.
        let key = sigv4::known(&claim, &parts, (&Keys(&gateway.cloud), now)).map_err(refused)?;
        check_region(protocol, &claim, gateway.cloud.region())?;
        let upload = route::upload(protocol, &claim.service, &parts);
        receive::check_length(protocol, &parts.headers, upload.is_some())?;
        if let Some(target) = upload {
            let reader = sigv4::Reader::new(&claim, &parts, &key).map_err(refused)?;
            let finish = |reader: sigv4::Reader| reader.finish(&claim, &parts, &key).map_err(refused);
            let sink = receive::Sink::new(reader, &parts.headers, &gateway.folder)?;
            let received = receive::into_file(body, sink, finish).await?;
            let principal = key.principal.calling_by(program(&parts.headers));
            return Ok((principal, Bytes::new(), Some(received), target));
        }
        let body = receive::into_memory(protocol, body).await?;
        let body = blocking(|| sigv4::verify(&claim, &parts, body, &key)).map_err(refused)?;
        let target = route::target(protocol, &claim.service, &parts, &body)?;
        let principal = key.principal.calling_by(program(&parts.headers));
        Ok((principal, body, None, target))
    };
    let (principal, body, object, target) = match received.await {
        Ok(received) => received,
        Err(error) => return render(failed, &error),
    };
    failed.model = Some(target.model);
    failed.operation = Some(target.operation);
    let call = Incoming { protocol, parts: &parts, principal, body, object, target };
    match call.handle(&gateway, &request_id).await {
        Ok(response) => response,
        Err(error) => render(failed, &error),
    }
}

/// What the SDKs call an application's name: `app/NAME` in either of two headers (AWS SDKs and Tools reference guide,
/// Application ID).
fn program(headers: &HeaderMap) -> Option<&str> {
    let texts =
        ["x-amz-user-agent", "user-agent"].into_iter().filter_map(|name| headers.get(name)?.to_str().ok());
    texts.flat_map(str::split_whitespace).find_map(|word| word.strip_prefix("app/"))
}

/// A request must be signed for the region that it is sent to. IAM and STS have endpoints of their own, signed for
/// us-east-1, which this endpoint stands for as well.
fn check_region(protocol: Protocol, claim: &sigv4::Claim, region: &str) -> Result<(), ServiceError> {
    if claim.region == region || matches!(claim.service.as_str(), "iam" | "sts") {
        return Ok(());
    }
    let scoped = "Credential should be scoped to a valid region.";
    Err(match protocol {
        Protocol::RestXml => {
            let message = format!(
                "The authorization header is malformed; the region '{}' is wrong; expecting '{region}'",
                claim.region
            );
            let mut error = ServiceError::new("AuthorizationHeaderMalformed", message);
            error.members.insert("Region".to_owned(), Value::from(region));
            error
        }
        Protocol::Query => ServiceError::new("SignatureDoesNotMatch", scoped).with_status(403),
        Protocol::Json { .. } | Protocol::Cbor => ServiceError::new("InvalidSignatureException", scoped),
    })
}

/// A verified request.
struct Incoming<'a> {
    protocol: Protocol,
    parts: &'a Parts,
    principal: Principal,
    body: Bytes,
    object: Option<Received>,
    target: Target,
}

impl Incoming<'_> {
    async fn handle(self, gateway: &Gateway, request_id: &str) -> Result<Response, ServiceError> {
        let Target { model, name, operation } = self.target;
        let input = self.decoded()?;
        validate::check(self.protocol, model, operation, &input)?;
        if self.protocol == Protocol::RestXml {
            receive::check_sums(&self.parts.headers, &self.body, self.object.as_ref())?;
            if rest::is_transfer(model, operation) {
                return self.transfer(gateway, input, request_id).await;
            }
        }
        let cloud = gateway.cloud.clone();
        let principal = self.principal;
        let service = model.metadata.signing_name.as_str();
        // A task of its own: a client that hangs up must not leave an operation half done.
        let call = async move { cloud.dispatch(&principal, (service, name), input).await };
        let output = tokio::spawn(call).await.map_err(|error| ended(name, &error))??;
        Ok(encoded(self.protocol, self.target, &output, request_id))
    }

    fn decoded(&self) -> Result<Value, ServiceError> {
        let Target { model, operation, .. } = self.target;
        let nothing = || Value::Object(serde_json::Map::new());
        match (self.protocol, &operation.input) {
            (Protocol::RestXml, _) => rest::decode(model, operation, self.parts, &self.body),
            (_, None) => Ok(nothing()),
            (Protocol::Query, Some(input)) => {
                query::decode(model, input, &route::form(self.parts, &self.body))
            }
            (Protocol::Cbor, Some(input)) => cbor::decode(model, input, &self.body),
            (Protocol::Json { .. }, Some(_)) if self.body.is_empty() => Ok(nothing()),
            (Protocol::Json { .. }, Some(input)) => {
                let parsed = serde_json::from_slice(&self.body)
                    .map_err(|error| ServiceError::new("SerializationException", error.to_string()))?;
                json::decode(model, input, parsed)
            }
        }
    }

    async fn transfer(
        self,
        gateway: &Gateway,
        input: Value,
        request_id: &str,
    ) -> Result<Response, ServiceError> {
        let transfer = Transfer {
            cloud: gateway.cloud.clone(),
            principal: self.principal,
            operation: self.target.name,
            input,
            body: self.object,
        };
        let call = (gateway.transfer)(transfer);
        let done = tokio::spawn(call).await.map_err(|error| ended(self.target.name, &error))??;
        report_strangers(self.target, &done.output);
        let (mut headers, _) = rest::encode(self.target.model, self.target.operation, &done.output);
        headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("binary/octet-stream"));
        Ok(respond(self.protocol, (done.status, headers), request_id, done.body))
    }
}

fn ended(operation: &str, error: &tokio::task::JoinError) -> ServiceError {
    tracing::error!(operation, %error, "an operation ended without an answer");
    ServiceError::internal("an internal error occurred")
}

fn encoded(protocol: Protocol, target: Target, output: &Value, request_id: &str) -> Response {
    let Target { model, name, operation } = target;
    report_strangers(target, output);
    let mut headers = HeaderMap::new();
    let body = match (protocol, &operation.output) {
        (Protocol::Query, _) => query::encode(model, (name, operation), output, request_id).into(),
        (Protocol::RestXml, _) => {
            let body;
            (headers, body) = rest::encode(model, operation, output);
            body.into()
        }
        (Protocol::Json { .. }, None) => Body::from("{}"),
        (Protocol::Json { .. }, Some(shape)) => json::encode(model, shape, output).to_string().into(),
        (Protocol::Cbor, None) => Body::empty(),
        (Protocol::Cbor, Some(shape)) => cbor::encode(model, shape, output).into(),
    };
    let is_part = protocol == Protocol::RestXml && headers.contains_key(header::CONTENT_RANGE);
    let status = if is_part { 206 } else { operation.http.response_code };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    respond(protocol, (status, headers), request_id, body)
}

/// A member that AWS's model does not have is a mistake of ours that clients would never show.
fn report_strangers(target: Target, output: &Value) {
    if !cfg!(debug_assertions) {
        return;
    }
    let Some(shape) = &target.operation.output else { return };
    let strangers = json::strangers(target.model, shape, output);
    if !strangers.is_empty() {
        let (service, operation) = (&target.model.metadata.signing_name, target.name);
        tracing::error!(
            service,
            operation,
            ?strangers,
            "an answer has members that AWS's model does not have"
        );
    }
}

struct Keys<'a>(&'a Cloud);

impl Keyring for Keys<'_> {
    fn find(&self, access_key_id: &str) -> Option<Key> {
        let found = self.0.part::<CredentialStore>().lookup(access_key_id)?;
        Some(Key {
            secret: found.secret_access_key,
            session_token: found.session_token,
            expiration: found.expiration.map(|expiration| expiration.0),
            principal: found.principal,
        })
    }
}
