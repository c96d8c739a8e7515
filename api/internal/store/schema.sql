-- Safe to run at any time: it changes nothing that is there already.
CREATE TABLE IF NOT EXISTS reactions (
    id           uuid PRIMARY KEY,
    name         text NOT NULL,
    tags         text[] NOT NULL,
    content_type text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS reactions_tags ON reactions USING gin (tags);
