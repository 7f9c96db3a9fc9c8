//! Entries of the release log: list, add, read one.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use sqlx::postgres::PgPool;

use crate::entry::{self, Draft, Entry, KINDS, PAGE_SIZE};
use crate::error::AppError;
use crate::identity::Identity;
use crate::state::AppState;

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/", get(list))
        // Reading its address, as after a form that failed, leads to the list.
        .route("/entries", get(async || Redirect::to("/")).post(create))
        .route("/entries/{id}", get(show))
}

#[derive(Debug, Template)]
#[template(path = "entries.html")]
struct EntriesPage<'a> {
    identity: &'a Identity,
    entries: Vec<Entry>,
    total: i64,
    /// Id to continue below, when there is more.
    older: Option<i64>,
    first_page: bool,
    form: Draft,
    problems: Vec<String>,
    kinds: &'static [(&'static str, &'static str)],
}

#[derive(Debug, Template)]
#[template(path = "entry.html")]
struct EntryPage<'a> {
    identity: &'a Identity,
    entry: Entry,
}

#[derive(Debug, Default, Deserialize)]
struct Position {
    /// Only entries older than this id. Text, so that a bad value means the first page instead of an error.
    before: Option<String>,
}

async fn list(State(state): State<AppState>, Query(position): Query<Position>) -> Result<Response, AppError> {
    let before = position.before.and_then(|before| before.parse().ok());
    page(&state, before, Draft::default(), Vec::new()).await
}

async fn create(State(state): State<AppState>, Form(form): Form<Draft>) -> Result<Response, AppError> {
    let form = form.cleaned();
    let problems = form.problems();
    if !problems.is_empty() {
        return page(&state, None, form, problems).await;
    }
    entry::insert(&pool(&state)?, &form).await?;
    metrics::counter!("app_entries_created_total").increment(1);
    Ok(Redirect::to("/").into_response())
}

async fn show(State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, AppError> {
    let entry = find(&state, &id).await?;
    render(StatusCode::OK, &EntryPage { identity: &state.identity, entry })
}

async fn page(
    state: &AppState,
    before: Option<i64>,
    form: Draft,
    problems: Vec<String>,
) -> Result<Response, AppError> {
    let pool = pool(state)?;
    let (mut entries, total) = (entry::newest(&pool, before).await?, entry::count(&pool).await?);
    let more = entries.len() > PAGE_SIZE;
    entries.truncate(PAGE_SIZE);
    let older = entries.last().filter(|_| more).map(|entry| entry.id);
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = EntriesPage {
        identity: &state.identity,
        entries,
        total,
        older,
        first_page: before.is_none(),
        form,
        problems,
        kinds: KINDS,
    };
    render(status, &page)
}

async fn find(state: &AppState, id: &str) -> Result<Entry, AppError> {
    let id = id.parse().map_err(|_| AppError::NotFound)?;
    entry::find(&pool(state)?, id).await?.ok_or(AppError::NotFound)
}

fn render(status: StatusCode, page: &impl Template) -> Result<Response, AppError> {
    Ok((status, Html(page.render()?)).into_response())
}

fn pool(state: &AppState) -> Result<PgPool, AppError> {
    state.database.pool().ok_or(AppError::DatabaseAway)
}
