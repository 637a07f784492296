"""The tables of imports. What people brought lies in ``import_piece`` until its import has ended."""

from __future__ import annotations

from typing import Final

CREATE: Final = """
ALTER TABLE lead ADD COLUMN holds jsonb;
CREATE INDEX lead_held ON lead (id) WHERE holds IS NOT NULL;
COMMENT ON COLUMN lead.holds IS 'profile to the import of history that holds it; null if none does';

CREATE TABLE table_import (
    id text COLLATE "C" PRIMARY KEY,
    source text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    digest text COLLATE "C" NOT NULL,
    file_name text NOT NULL,
    state text NOT NULL
        CHECK (state IN ('uploaded', 'checked', 'started', 'done', 'failed', 'cancelled')),
    is_local boolean NOT NULL,
    created bigint NOT NULL,
    ended bigint,
    options jsonb NOT NULL,
    preview jsonb,
    rows_done int NOT NULL DEFAULT 0,
    counts jsonb NOT NULL DEFAULT '{}',
    code text,
    claim text,
    lease_until timestamptz
);
CREATE INDEX table_import_open ON table_import (created) WHERE state IN ('uploaded', 'checked', 'started');
COMMENT ON TABLE table_import IS 'spreadsheets that were brought in: how they are read, how far they are';
COMMENT ON COLUMN table_import.is_local IS 'the file stays with the command that reads it; no pieces here';
COMMENT ON COLUMN table_import.claim IS 'the process that works on it; who lost its claim writes nothing';

CREATE TABLE import_piece (
    import_id text COLLATE "C" NOT NULL,
    number int NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (import_id, number)
);
COMMENT ON TABLE import_piece IS 'personal data, until the import ends: the uploaded file, cut into pieces';

CREATE TABLE import_fault (
    import_id text COLLATE "C" NOT NULL,
    row_number int NOT NULL,
    column_name text NOT NULL,
    code text NOT NULL,
    PRIMARY KEY (import_id, row_number)
);
COMMENT ON TABLE import_fault IS 'why rows were refused; no value of theirs is kept';

CREATE TABLE imported_row (
    row_key bytea PRIMARY KEY,
    content bytea NOT NULL,
    version int NOT NULL
);
COMMENT ON TABLE imported_row IS
    'keyed hashes of rows and of what they said last, so that the same said again changes nothing';

CREATE TABLE import_columns (
    source text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    columns jsonb NOT NULL,
    PRIMARY KEY (source, kind)
);
COMMENT ON TABLE import_columns IS 'which column of a source''s tables fills which field, as people said';
"""
