-- Blue and green run at the same time on one schema: a migration may add, never rename or remove what the
-- version before it still uses.
CREATE TABLE entries (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    kind       text NOT NULL CHECK (kind IN ('feature', 'fix', 'change', 'note')),
    title      text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 120),
    author     text NOT NULL CHECK (char_length(author) BETWEEN 1 AND 60),
    body       text NOT NULL DEFAULT '' CHECK (char_length(body) <= 2000)
);
