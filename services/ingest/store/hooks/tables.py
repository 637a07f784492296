"""The tables of hooks, as their migration makes them."""

from __future__ import annotations

from typing import Final

CREATE: Final = """
CREATE TABLE hook (
    source text COLLATE "C" NOT NULL REFERENCES source (id),
    provider text COLLATE "C" NOT NULL,
    sealed bytea NOT NULL,
    added timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    next_look timestamptz NOT NULL DEFAULT clock_timestamp(),
    looked timestamptz,
    last_fault text,
    PRIMARY KEY (source, provider)
);
COMMENT ON TABLE hook IS 'What a source has set for a provider, sealed; when its lists are looked through';
COMMENT ON COLUMN hook.sealed IS 'AES-GCM under a key that follows from the pepper; in plain it is nowhere';
COMMENT ON COLUMN hook.next_look IS 'By the clock of the database; ahead of it while somebody looks';

CREATE TABLE hook_position (
    source text COLLATE "C" NOT NULL,
    provider text COLLATE "C" NOT NULL,
    stream text COLLATE "C" NOT NULL,
    looked_until bigint NOT NULL,
    PRIMARY KEY (source, provider, stream),
    FOREIGN KEY (source, provider) REFERENCES hook (source, provider) ON DELETE CASCADE
);
COMMENT ON TABLE hook_position IS 'Until when each list of a vendor (a form) was looked through';

CREATE TABLE hook_errand (
    id text COLLATE "C" PRIMARY KEY,
    source text NOT NULL,
    provider text NOT NULL,
    what text NOT NULL CHECK (what IN ('fetch_lead', 'erase')),
    external_id text NOT NULL,
    form text NOT NULL,
    account text NOT NULL,
    received bigint NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'stuck')),
    taken timestamptz NOT NULL DEFAULT clock_timestamp(),
    next_attempt timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts int NOT NULL DEFAULT 0,
    last_fault text
);
CREATE INDEX hook_errand_due ON hook_errand (next_attempt) WHERE state = 'waiting';
COMMENT ON TABLE hook_errand IS 'What a vendor told by its id alone and is still to be fetched; names nobody';
COMMENT ON COLUMN hook_errand.id IS 'The raw record that told of it';
"""
