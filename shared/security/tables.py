"""The tables of this room as SQL text, to be run by the migrations of the schemas that own them.

Sources and write keys belong to the schema of the service that takes data in, so their statements
name bare tables. Tokens live in the schema ``access``, which every service reads and only the
command line writes.
"""

from __future__ import annotations

from typing import Final

SOURCE_TABLES: Final = """
CREATE TABLE source (
    id text PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE source IS 'An entrance with write keys: a site, a form, an ad account, a CRM';
CREATE TABLE write_key (
    fingerprint bytea PRIMARY KEY,
    source text NOT NULL REFERENCES source (id),
    hint text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX write_key_by_source ON write_key (source);
COMMENT ON TABLE write_key IS 'Keyed hashes of write keys; the keys themselves are nowhere';
COMMENT ON COLUMN write_key.hint IS 'The last four characters, to tell keys apart';
COMMENT ON COLUMN write_key.expires_at IS 'Stops working then: rotation leaves two keys alive for a while';
"""

WRITE_KEY_LIFE: Final = """
ALTER TABLE write_key
    ADD COLUMN doors text[] NOT NULL DEFAULT '{}'
        CHECK (doors <@ ARRAY['events', 'leads', 'forms', 'reports', 'hooks', 'links']),
    ADD COLUMN rate int CHECK (rate > 0),
    ADD COLUMN burst int CHECK (burst > 0),
    ADD COLUMN created_by text NOT NULL DEFAULT '',
    ADD COLUMN revoked_by text NOT NULL DEFAULT '',
    ADD COLUMN last_used_at timestamptz;
COMMENT ON COLUMN write_key.doors IS 'What it opens; none named: everything';
COMMENT ON COLUMN write_key.rate IS 'Requests a second per process; null: as the settings say';
COMMENT ON COLUMN write_key.burst IS 'Requests that may come at once; null: as the settings say';
COMMENT ON COLUMN write_key.created_by IS 'Who made it: a token''s name and id, or who ran the command';
COMMENT ON COLUMN write_key.last_used_at IS 'Roughly when it opened a door last; written by and by';
"""

ACCESS_TABLES: Final = """
CREATE SCHEMA IF NOT EXISTS access;
CREATE TABLE IF NOT EXISTS access.token (
    fingerprint bytea PRIMARY KEY,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('admin', 'marketer', 'manager', 'rep', 'service', 'read')),
    subject text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);
CREATE UNIQUE INDEX IF NOT EXISTS token_by_name ON access.token (name) WHERE revoked_at IS NULL;
COMMENT ON TABLE access.token IS 'Keyed hashes of access tokens; the tokens themselves are nowhere';
COMMENT ON COLUMN access.token.subject IS 'Whose token it is where the role sees only its own: a rep''s id';
"""
