//! Entries of the release log: list, add, read one, edit and delete it. All by plain forms.

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
        .route("/entries/{id}", get(show).post(update))
        .route("/entries/{id}/edit", get(edit))
        .route("/entries/{id}/delete", get(ask).post(delete))
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

#[derive(Debug, Template)]
#[template(path = "edit.html")]
struct EditPage<'a> {
    identity: &'a Identity,
    /// As it is stored now.
    entry: Entry,
    /// Another made an edit that whoever sent `form` had not seen.
    is_overtaken: bool,
    form: Draft,
    problems: Vec<String>,
    kinds: &'static [(&'static str, &'static str)],
}

#[derive(Debug, Template)]
#[template(path = "delete.html")]
struct DeletePage<'a> {
    identity: &'a Identity,
    entry: Entry,
    is_overtaken: bool,
}

#[derive(Debug, Default, Deserialize)]
struct Position {
    /// Only entries older than this id. Text, so that a bad value means the first page instead of an error.
    before: Option<String>,
}

/// The version of the entry that the form was made from.
#[derive(Debug, Deserialize)]
struct Seen {
    version: i64,
}

#[derive(Debug, Deserialize)]
struct Edit {
    #[serde(flatten)]
    draft: Draft,
    version: i64,
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

async fn edit(State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, AppError> {
    let entry = find(&state, &id).await?;
    let (identity, form, problems) = (&*state.identity, Draft::from(&entry), Vec::new());
    let page = EditPage { identity, entry, is_overtaken: false, form, problems, kinds: KINDS };
    render(StatusCode::OK, &page)
}

async fn update(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Form(Edit { draft, version }): Form<Edit>,
) -> Result<Response, AppError> {
    let entry = find(&state, &id).await?;
    let form = draft.cleaned();
    let problems = form.problems();
    if problems.is_empty() && entry::update(&pool(&state)?, entry.id, version, &form).await? {
        metrics::counter!("app_entries_updated_total").increment(1);
        return Ok(Redirect::to(&format!("/entries/{}", entry.id)).into_response());
    }
    // Read again: what overtook the form may have come since.
    let entry = find(&state, &id).await?;
    let is_overtaken = entry.version != version;
    let status = if is_overtaken { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
    let identity = &*state.identity;
    render(status, &EditPage { identity, entry, is_overtaken, form, problems, kinds: KINDS })
}

/// A page that asks first: a link may be followed by mistake, or by a program that fetches ahead.
async fn ask(State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, AppError> {
    let entry = find(&state, &id).await?;
    render(StatusCode::OK, &DeletePage { identity: &state.identity, entry, is_overtaken: false })
}

async fn delete(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Form(Seen { version }): Form<Seen>,
) -> Result<Response, AppError> {
    let entry = find(&state, &id).await?;
    if entry::delete(&pool(&state)?, entry.id, version).await? {
        metrics::counter!("app_entries_deleted_total").increment(1);
        return Ok(Redirect::to("/").into_response());
    }
    let entry = find(&state, &id).await?;
    render(StatusCode::CONFLICT, &DeletePage { identity: &state.identity, entry, is_overtaken: true })
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
