//! What a browser and the tool ask for.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
    SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use futures_util::Stream;
use futures_util::stream::unfold;
use seatrial_page::{LIVE_POLICY, asset, live};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::door::{cookie_name, may_ask, may_look, own_host, own_origin, session_of};
use super::{Console, Sources, refreshed};
use crate::cloud::Cloud;

const BASE: &str = "/_local/page/";
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// The longest verdict, in bytes.
const LONGEST: usize = 8 << 20;

#[derive(Clone)]
struct Here {
    cloud: Cloud,
    sources: &'static Sources,
}

/// Everything below `/_local/page/`.
pub(crate) fn router(cloud: Cloud, sources: &'static Sources) -> Router {
    let here = Here { cloud, sources };
    let looked_at = Router::new()
        .route("/_local/page/stream", get(stream))
        .route("/_local/page/data", get(data))
        .layer(from_fn_with_state(here.clone(), whoever_may_look));
    let asked = Router::new()
        .route("/_local/page/ticket", post(ticket))
        .route("/_local/page/verdict", put(verdict).layer(DefaultBodyLimit::max(LONGEST)))
        .layer(from_fn_with_state(here.clone(), whoever_may_ask));
    Router::new()
        .route("/_local/page/enter", get(enter))
        .route("/_local/page/{name}", get(file))
        .merge(looked_at)
        .merge(asked)
        .with_state(here)
}

/// The page, for a browser that asks for the address alone; `None` for whoever makes a call.
pub(crate) fn front(parts: &Parts) -> Option<Response> {
    let accepts = |accept: &HeaderValue| accept.to_str().is_ok_and(|accept| accept.contains("text/html"));
    let is_signed = parts.headers.contains_key(AUTHORIZATION)
        || parts.uri.query().is_some_and(|query| query.to_ascii_lowercase().contains("x-amz-"));
    let asks = parts.method == Method::GET && parts.uri.path() == "/" && !is_signed;
    if !asks || !parts.headers.get_all(ACCEPT).iter().any(accepts) {
        return None;
    }
    if !own_host(&parts.headers) {
        return Some(StatusCode::FORBIDDEN.into_response());
    }
    Some(match live(BASE) {
        Ok(html) => with_care(([(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    })
}

/// Nothing of another origin, in no frame, kept by nobody.
fn with_care(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(LIVE_POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}

async fn whoever_may_look(State(here): State<Here>, request: Request, next: Next) -> Response {
    if own_origin(request.headers()) && may_look(&here.cloud, request.headers()) {
        return with_care(next.run(request).await);
    }
    StatusCode::FORBIDDEN.into_response()
}

async fn whoever_may_ask(State(here): State<Here>, request: Request, next: Next) -> Response {
    if own_origin(request.headers()) && may_ask(&here.cloud, request.headers()) {
        return with_care(next.run(request).await);
    }
    StatusCode::FORBIDDEN.into_response()
}

/// A script or a style sheet, in which nothing is anybody's.
async fn file(Path(name): Path<String>) -> Response {
    match asset(&name) {
        Some(asset) => with_care(([(CONTENT_TYPE, asset.content_type)], asset.text).into_response()),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Where to go to be let in, once.
async fn ticket(State(Here { cloud, .. }): State<Here>) -> Json<Value> {
    let ticket = cloud.part::<Console>().keys.ticket(cloud.clock().now());
    Json(json!({ "path": format!("{BASE}enter?ticket={ticket}") }))
}

#[derive(Deserialize)]
struct Ticket {
    ticket: String,
}

/// Takes a ticket, gives a session, and leads to the page: the address that is left holds nothing.
async fn enter(
    State(Here { cloud, .. }): State<Here>,
    headers: HeaderMap,
    Query(Ticket { ticket }): Query<Ticket>,
) -> Response {
    let is_good = || cloud.part::<Console>().keys.use_up(&ticket, cloud.clock().now());
    if !own_host(&headers) || !is_good() {
        let text = "this address was good once, and for a minute: `local open` makes another";
        return with_care((StatusCode::FORBIDDEN, text).into_response());
    }
    let (name, session) = (cookie_name(&cloud), session_of(&cloud));
    let cookie = format!("{name}={session}; Path={BASE}; HttpOnly; SameSite=Strict");
    let headers = [(SET_COOKIE, cookie), (LOCATION, "/".to_owned())];
    with_care((StatusCode::SEE_OTHER, headers).into_response())
}

/// What a tool tells of the releases that it follows: the object that `rehearse --output json` prints.
async fn verdict(State(Here { cloud, .. }): State<Here>, Json(verdict): Json<Value>) -> StatusCode {
    cloud.part::<Console>().tell(verdict);
    StatusCode::NO_CONTENT
}

/// All of the page at this moment.
async fn data(State(Here { cloud, sources }): State<Here>) -> Json<Value> {
    let console = cloud.part::<Console>();
    refreshed(&cloud, &console, sources).await;
    let (_, all) = console.lock().state.snapshot();
    Json(all)
}

/// First what the browser does not have yet, then each change.
async fn stream(State(Here { cloud, sources }): State<Here>, headers: HeaderMap) -> Response {
    let console = cloud.part::<Console>();
    let changes = console.told.subscribe();
    refreshed(&cloud, &console, sources).await;
    let last = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
    let number = last.and_then(|id| console.lock().state.number_of(&id));
    let stopping = cloud.stopping();
    let looking = Looking { console, changes, number, waiting: Vec::new() };
    let events = unfold((looking, stopping), |(mut looking, stopping)| async move {
        let event = tokio::select! {
            () = stopping.cancelled() => return None,
            event = looking.next() => event?,
        };
        Some((Ok::<_, Infallible>(event), (looking, stopping)))
    });
    answered(events)
}

fn answered(events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

/// A browser that looks.
struct Looking {
    console: Arc<Console>,
    changes: watch::Receiver<u64>,
    /// The newest change that it has; `None`: it has nothing.
    number: Option<u64>,
    /// What is to be sent next, the last first.
    waiting: Vec<Event>,
}

impl Looking {
    /// `None`: nothing will change any more.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop() {
                return Some(event);
            }
            self.changes.mark_unchanged();
            self.look();
            if self.waiting.is_empty() {
                self.changes.changed().await.ok()?;
            }
        }
    }

    fn look(&mut self) {
        let inner = self.console.lock();
        let state = &inner.state;
        if let Some(changes) = self.number.and_then(|number| state.since(number)) {
            let event = |(number, text): (u64, Arc<str>)| {
                Event::default().id(state.id(number)).event("change").data(&*text)
            };
            self.number = changes.last().map(|(number, _)| *number).or(self.number);
            self.waiting = changes.into_iter().rev().map(event).collect();
            return;
        }
        let (number, all) = state.snapshot();
        self.number = Some(number);
        let first = Event::default().id(state.id(number)).event("snapshot").data(all.to_string());
        // Sooner than a browser's own three seconds.
        self.waiting.push(first.retry(std::time::Duration::from_secs(1)));
    }
}
