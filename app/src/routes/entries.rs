//! Entries of the release log: list, add, read one.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde::Deserialize;
use sqlx::postgres::PgPool;

use crate::error::AppError;
use crate::identity::Identity;
use crate::state::AppState;

const PAGE_SIZE: usize = 10;
const TITLE_LIMIT: usize = 120;
const AUTHOR_LIMIT: usize = 60;
const BODY_LIMIT: usize = 2_000;

/// What an entry may be about: value and label. The table checks the same values.
const KINDS: &[(&str, &str)] =
    &[("feature", "Feature"), ("fix", "Fix"), ("change", "Change"), ("note", "Note")];

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/", get(list)).route("/entries", post(create)).route("/entries/{id}", get(show))
}

#[derive(Debug, Clone, sqlx::FromRow)]
struct Entry {
    id: i64,
    created_ms: i64,
    kind: String,
    title: String,
    author: String,
    body: String,
}

impl Entry {
    fn created(&self) -> String {
        let created = Timestamp::from_millisecond(self.created_ms).unwrap_or_default();
        created.strftime("%Y-%m-%d %H:%M UTC").to_string()
    }

    fn kind_label(&self) -> &str {
        KINDS.iter().find(|(value, _)| *value == self.kind).map_or(self.kind.as_str(), |(_, label)| label)
    }
}

/// The form as it was sent, shown again when it is not valid.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NewEntry {
    kind: String,
    title: String,
    author: String,
    body: String,
}

impl NewEntry {
    /// Without surrounding blanks; browsers send line ends as CR LF and count them as one.
    fn cleaned(self) -> Self {
        // Postgres text cannot hold NUL.
        let clean = |text: String| text.replace("\r\n", "\n").replace('\0', "").trim().to_owned();
        Self { kind: self.kind, title: clean(self.title), author: clean(self.author), body: clean(self.body) }
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut check = |name: &str, text: &str, least: usize, most: usize| {
            let length = text.chars().count();
            if length < least {
                problems.push(format!("{name} is missing"));
            } else if length > most {
                problems.push(format!("{name} has {length} characters, at most {most} fit"));
            }
        };
        check("Title", &self.title, 1, TITLE_LIMIT);
        check("Name", &self.author, 1, AUTHOR_LIMIT);
        check("Text", &self.body, 0, BODY_LIMIT);
        if !KINDS.iter().any(|(value, _)| *value == self.kind) {
            problems.push("Kind is not one of the list".to_owned());
        }
        problems
    }
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
    form: NewEntry,
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
    /// Only entries older than this id. Text, so that a bad value means the first page instead of a bare error.
    before: Option<String>,
}

async fn list(State(state): State<AppState>, Query(position): Query<Position>) -> Result<Response, AppError> {
    let before = position.before.and_then(|before| before.parse().ok());
    page(&state, before, NewEntry::default(), Vec::new()).await
}

async fn create(State(state): State<AppState>, Form(form): Form<NewEntry>) -> Result<Response, AppError> {
    let form = form.cleaned();
    let problems = form.problems();
    if !problems.is_empty() {
        return page(&state, None, form, problems).await;
    }
    insert(&pool(&state)?, &form).await.map_err(|error| AppError::from_sqlx(&state.identity, &error))?;
    metrics::counter!("app_entries_created_total").increment(1);
    Ok(Redirect::to("/").into_response())
}

async fn show(State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, AppError> {
    let identity = &*state.identity;
    let Ok(id) = id.parse() else { return Err(AppError::not_found(identity)) };
    let entry = find(&pool(&state)?, id).await.map_err(|error| AppError::from_sqlx(identity, &error))?;
    let entry = entry.ok_or_else(|| AppError::not_found(identity))?;
    render(identity, StatusCode::OK, &EntryPage { identity, entry })
}

async fn page(
    state: &AppState,
    before: Option<i64>,
    form: NewEntry,
    problems: Vec<String>,
) -> Result<Response, AppError> {
    let identity = &*state.identity;
    let pool = pool(state)?;
    let read = async { Ok::<_, sqlx::Error>((newest(&pool, before).await?, count(&pool).await?)) };
    let (mut entries, total) = read.await.map_err(|error| AppError::from_sqlx(identity, &error))?;
    let more = entries.len() > PAGE_SIZE;
    entries.truncate(PAGE_SIZE);
    let older = entries.last().filter(|_| more).map(|entry| entry.id);
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = EntriesPage {
        identity,
        entries,
        total,
        older,
        first_page: before.is_none(),
        form,
        problems,
        kinds: KINDS,
    };
    render(identity, status, &page)
}

fn render(identity: &Identity, status: StatusCode, page: &impl Template) -> Result<Response, AppError> {
    let html = page.render().map_err(|error| {
        tracing::error!(%error, "failed to render a page");
        AppError::internal(identity)
    })?;
    Ok((status, Html(html)).into_response())
}

fn pool(state: &AppState) -> Result<PgPool, AppError> {
    state.database.pool().ok_or_else(|| AppError::database_away(&state.identity))
}

/// One more than a page, to know whether there is a next one.
async fn newest(pool: &PgPool, before: Option<i64>) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, (extract(epoch FROM created_at) * 1000)::bigint AS created_ms, kind, title, author, body \
         FROM entries WHERE id < $1 ORDER BY id DESC LIMIT $2",
    )
    .bind(before.unwrap_or(i64::MAX))
    .bind(PAGE_SIZE as i64 + 1)
    .fetch_all(pool)
    .await
}

async fn find(pool: &PgPool, id: i64) -> Result<Option<Entry>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, (extract(epoch FROM created_at) * 1000)::bigint AS created_ms, kind, title, author, body \
         FROM entries WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(pool)
    .await
}

async fn count(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM entries").fetch_one(pool).await
}

async fn insert(pool: &PgPool, entry: &NewEntry) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO entries (kind, title, author, body) VALUES ($1, $2, $3, $4)")
        .bind(&entry.kind)
        .bind(&entry.title)
        .bind(&entry.author)
        .bind(&entry.body)
        .execute(pool)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(title: &str, author: &str, kind: &str) -> NewEntry {
        let body = " first\r\nsecond\0 ".to_owned();
        NewEntry { kind: kind.to_owned(), title: title.to_owned(), author: author.to_owned(), body }.cleaned()
    }

    #[test]
    fn a_complete_entry_has_no_problems_and_is_cleaned() {
        let entry = entry("  Faster start ", "Ada", "feature");
        assert_eq!(entry.problems(), Vec::<String>::new());
        assert_eq!((entry.title.as_str(), entry.body.as_str()), ("Faster start", "first\nsecond"));
    }

    #[test]
    fn each_fault_of_the_form_is_named() {
        let problems = entry(" ", &"x".repeat(61), "rumour").problems();
        assert_eq!(
            problems,
            ["Title is missing", "Name has 61 characters, at most 60 fit", "Kind is not one of the list"]
        );
    }
}
