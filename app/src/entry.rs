//! An entry of the release log: what it may hold, and how it is stored.

use jiff::Timestamp;
use serde::Deserialize;
use sqlx::postgres::PgPool;

pub(crate) const PAGE_SIZE: usize = 10;
const TITLE_LIMIT: usize = 120;
const AUTHOR_LIMIT: usize = 60;
const BODY_LIMIT: usize = 2_000;

/// What an entry may be about: value and label. The table checks the same values.
pub(crate) const KINDS: &[(&str, &str)] =
    &[("feature", "Feature"), ("fix", "Fix"), ("change", "Change"), ("note", "Note")];

#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Entry {
    pub(crate) id: i64,
    /// 1 when it was added, one more after each edit.
    pub(crate) version: i64,
    created_ms: i64,
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) author: String,
    pub(crate) body: String,
}

impl Entry {
    pub(crate) fn created(&self) -> Timestamp {
        Timestamp::from_millisecond(self.created_ms).unwrap_or_default()
    }

    /// The time to the minute, UTC.
    pub(crate) fn created_at(&self) -> String {
        self.created().strftime("%Y-%m-%d %H:%M UTC").to_string()
    }

    pub(crate) fn kind_label(&self) -> &str {
        KINDS.iter().find(|(value, _)| *value == self.kind).map_or(self.kind.as_str(), |(_, label)| label)
    }

    pub(crate) fn is_edited(&self) -> bool {
        self.version > 1
    }
}

/// An entry as a form sent it, shown again when it is not valid.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Draft {
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) author: String,
    pub(crate) body: String,
}

impl Draft {
    /// Without surrounding blanks; browsers send line ends as CR LF and count them as one.
    pub(crate) fn cleaned(self) -> Self {
        // Postgres text cannot hold NUL.
        let clean = |text: String| text.replace("\r\n", "\n").replace('\0', "").trim().to_owned();
        Self { kind: self.kind, title: clean(self.title), author: clean(self.author), body: clean(self.body) }
    }

    /// What a visitor has to mend, in words; empty when it can be stored.
    pub(crate) fn problems(&self) -> Vec<String> {
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

impl From<&Entry> for Draft {
    fn from(entry: &Entry) -> Self {
        let Entry { kind, title, author, body, .. } = entry.clone();
        Self { kind, title, author, body }
    }
}

/// The newest below the id `before`; one more than a page, to know whether there is a next one.
pub(crate) async fn newest(pool: &PgPool, before: Option<i64>) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, version, (extract(epoch FROM created_at) * 1000)::bigint AS created_ms, kind, title, author, \
         body FROM entries WHERE id < $1 ORDER BY id DESC LIMIT $2",
    )
    .bind(before.unwrap_or(i64::MAX))
    .bind(PAGE_SIZE as i64 + 1)
    .fetch_all(pool)
    .await
}

pub(crate) async fn find(pool: &PgPool, id: i64) -> Result<Option<Entry>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, version, (extract(epoch FROM created_at) * 1000)::bigint AS created_ms, kind, title, author, \
         body FROM entries WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(pool)
    .await
}

pub(crate) async fn count(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM entries").fetch_one(pool).await
}

pub(crate) async fn insert(pool: &PgPool, draft: &Draft) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO entries (kind, title, author, body) VALUES ($1, $2, $3, $4)")
        .bind(&draft.kind)
        .bind(&draft.title)
        .bind(&draft.author)
        .bind(&draft.body)
        .execute(pool)
        .await?;
    Ok(())
}

/// Changes the entry if it still has `version`; whether it had. One statement: two edits at once cannot both see it.
pub(crate) async fn update(pool: &PgPool, id: i64, version: i64, draft: &Draft) -> Result<bool, sqlx::Error> {
    let changed = sqlx::query(
        "UPDATE entries SET kind = $3, title = $4, author = $5, body = $6, version = version + 1 \
         WHERE id = $1 AND version = $2",
    )
    .bind(id)
    .bind(version)
    .bind(&draft.kind)
    .bind(&draft.title)
    .bind(&draft.author)
    .bind(&draft.body)
    .execute(pool)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Deletes the entry if it still has `version`; whether it had.
pub(crate) async fn delete(pool: &PgPool, id: i64, version: i64) -> Result<bool, sqlx::Error> {
    let deleted = sqlx::query("DELETE FROM entries WHERE id = $1 AND version = $2").bind(id).bind(version);
    Ok(deleted.execute(pool).await?.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(title: &str, author: &str, kind: &str) -> Draft {
        let body = " first\r\nsecond\0 ".to_owned();
        Draft { kind: kind.to_owned(), title: title.to_owned(), author: author.to_owned(), body }.cleaned()
    }

    #[test]
    fn a_complete_entry_has_no_problems_and_is_cleaned() {
        let draft = draft("  Faster start ", "Ada", "feature");
        assert_eq!(draft.problems(), Vec::<String>::new());
        assert_eq!((draft.title.as_str(), draft.body.as_str()), ("Faster start", "first\nsecond"));
    }

    #[test]
    fn each_fault_of_the_form_is_named() {
        let problems = draft(" ", &"x".repeat(61), "rumour").problems();
        assert_eq!(
            problems,
            ["Title is missing", "Name has 61 characters, at most 60 fit", "Kind is not one of the list"]
        );
    }
}
