//! Each rule against what breaks it and what does not.

use super::*;

fn one(text: &str) -> Judged {
    judge([("m/1.sql", text)])
}

#[test]
fn each_statement_is_judged_by_its_rule() {
    let rows = [
        ("DROP TABLE entries", Some(DROPS)),
        ("drop table if exists public.entries cascade", Some(DROPS)),
        ("DROP VIEW latest", Some(DROPS)),
        ("DROP MATERIALIZED VIEW latest", Some(DROPS)),
        ("DROP TYPE mood", Some(DROPS)),
        ("DROP SCHEMA log", Some(DROPS)),
        ("DROP SEQUENCE numbers", Some(DROPS)),
        ("DROP FUNCTION add(integer, integer)", Some(DROPS)),
        ("DROP EXTENSION hstore", Some(DROPS)),
        ("DROP INDEX entries_by_kind", None),
        ("DROP TRIGGER stamp ON entries", None),
        ("TRUNCATE entries", Some(EMPTIES)),
        ("TRUNCATE TABLE entries, others", Some(EMPTIES)),
        ("DELETE FROM entries WHERE kind = 'note'", None),
        ("ALTER TABLE entries DROP COLUMN body", Some(DROPS)),
        ("ALTER TABLE entries ADD COLUMN a text, DROP body", Some(DROPS)),
        ("ALTER TABLE entries DROP CONSTRAINT entries_check", None),
        ("ALTER TABLE entries RENAME TO notes", Some(RENAMES)),
        ("ALTER TABLE entries RENAME COLUMN body TO text", Some(RENAMES)),
        ("ALTER TABLE entries RENAME body TO text", Some(RENAMES)),
        ("ALTER TABLE entries RENAME CONSTRAINT a TO b", None),
        ("ALTER TYPE mood RENAME TO feeling", Some(RENAMES)),
        ("ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'", Some(RENAMES)),
        ("ALTER TYPE mood ADD VALUE 'glad'", None),
        ("ALTER SCHEMA log RENAME TO logs", Some(RENAMES)),
        ("ALTER TABLE entries ADD COLUMN score integer NOT NULL", Some(NOT_NULL)),
        ("ALTER TABLE entries ADD score integer NOT NULL CHECK (score > 0)", Some(NOT_NULL)),
        ("ALTER TABLE entries ADD COLUMN score integer NOT NULL DEFAULT 0", None),
        ("ALTER TABLE entries ADD COLUMN score integer", None),
        ("ALTER TABLE entries ADD COLUMN number bigserial NOT NULL", None),
        ("ALTER TABLE entries ADD COLUMN number bigint NOT NULL GENERATED ALWAYS AS IDENTITY", None),
        (
            "ALTER TABLE entries ADD COLUMN long integer NOT NULL GENERATED ALWAYS AS (length(body)) STORED",
            None,
        ),
        ("ALTER TABLE entries ADD COLUMN key uuid PRIMARY KEY", Some(NOT_NULL)),
        ("ALTER TABLE entries ALTER COLUMN body SET NOT NULL", Some(NOT_NULL)),
        ("ALTER TABLE entries ALTER COLUMN body DROP NOT NULL", None),
        ("ALTER TABLE entries ALTER COLUMN body DROP DEFAULT", Some(NOT_NULL)),
        ("ALTER TABLE entries ALTER COLUMN body SET DEFAULT ''", None),
        ("ALTER TABLE entries ALTER COLUMN body TYPE varchar(10)", Some(RETYPES)),
        ("ALTER TABLE entries ALTER body SET DATA TYPE integer USING body::integer", Some(RETYPES)),
        ("CREATE TABLE notes (id bigint PRIMARY KEY, text text NOT NULL)", None),
        ("CREATE INDEX CONCURRENTLY entries_by_kind ON entries (kind)", None),
        ("INSERT INTO entries (title) VALUES ('DROP TABLE entries;')", None),
        ("CREATE FUNCTION f() RETURNS void AS $$ BEGIN DROP TABLE entries; END $$ LANGUAGE plpgsql", None),
    ];
    for (statement, rule) in rows {
        let judged = one(statement);
        assert_eq!(judged.unread, [], "{statement}");
        let rules: Vec<&str> = judged.breaches.iter().map(|breach| breach.rule).collect();
        assert_eq!(rules, rule.into_iter().collect::<Vec<_>>(), "{statement}");
    }
}

#[test]
fn a_breach_is_told_by_its_file_its_line_its_statement_and_its_rule() {
    let text = "-- What nobody reads: DROP TABLE one;\nALTER TABLE entries ADD a text;\n\n/* and now */\n  DROP\n  TABLE entries;\n";
    let judged = one(text);
    assert_eq!(judged.breaches[0].to_string(), format!("m/1.sql:5: `DROP TABLE entries`: {DROPS}"));
    assert_eq!(judged.breaches.len(), 1);
}

#[test]
fn what_the_same_migrations_created_is_nobodys_yet() {
    let first = ("1.sql", "CREATE TABLE public.\"Notes\" (id bigint); CREATE TYPE mood AS ENUM ('sad');");
    let second = (
        "2.sql",
        "ALTER TABLE notes ADD text text NOT NULL; ALTER TABLE notes RENAME TO memos; ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'; \
         DROP TABLE notes; TRUNCATE notes;",
    );
    assert_eq!(judge([first, second]), Judged::default());
    assert_eq!(judge([second]).breaches.len(), 5);
    // In the order in which they run.
    assert_eq!(judge([second, first]).breaches.len(), 5);
}

#[test]
fn a_statement_that_is_not_understood_is_told_and_the_others_are_judged() {
    let judged = one("DO $$ BEGIN PERFORM 1; END $$;\nFROB THE KNOB;\nDROP TABLE entries;\n");
    assert_eq!(judged.breaches.len(), 1);
    assert!(judged.unread.iter().any(|unread| unread.line == 2), "{judged:?}");
    let open = one("SELECT 'never closed;\nDROP TABLE entries;");
    assert_eq!((open.breaches.len(), open.unread.len()), (0, 1));
}
