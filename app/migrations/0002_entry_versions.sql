-- Counts the edits of an entry: a form carries the number it was made from, so that nobody overwrites an edit that they
-- have not seen. The default serves the version before this one, which inserts without it; as a constant it rewrites no row.
ALTER TABLE entries ADD COLUMN version bigint NOT NULL DEFAULT 1;
