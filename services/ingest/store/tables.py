"""The tables of ingest, as its first migration makes them; the queries stand beside the rooms' nouns.

Personal data lies in ``contact`` for as long as the person is known, and in ``quarantine`` for days.
Everything else holds keyed hashes and standardised attributes.
"""

from __future__ import annotations

from typing import Final

CREATE: Final = """
CREATE TABLE seen_message (
    record_id bytea PRIMARY KEY,
    received bigint NOT NULL
);
CREATE INDEX seen_message_received ON seen_message USING brin (received);
COMMENT ON TABLE seen_message IS 'messages that took effect; the id follows from source and message id';

CREATE TABLE identifier (
    value_hash text COLLATE "C" PRIMARY KEY,
    kind text NOT NULL,
    profile text COLLATE "C" NOT NULL
);
CREATE INDEX identifier_profile ON identifier (profile);
COMMENT ON TABLE identifier IS 'keyed hash of kind and value to the profile it belongs to, for good';

CREATE TABLE profile (
    id text COLLATE "C" PRIMARY KEY,
    lead text COLLATE "C" NOT NULL,
    version int NOT NULL
);
CREATE INDEX profile_lead ON profile (lead);
COMMENT ON TABLE profile IS 'where a profile lives; version counts its moves, id is the lead it began with';

CREATE TABLE lead (
    id text COLLATE "C" PRIMARY KEY,
    version int NOT NULL,
    is_captured boolean NOT NULL,
    created bigint NOT NULL,
    attributes jsonb NOT NULL,
    identifiers jsonb NOT NULL,
    external_ids jsonb NOT NULL
) WITH (fillfactor = 80);
COMMENT ON TABLE lead IS 'leads; one whose own profile lives elsewhere was merged and stays as it was';
COMMENT ON COLUMN lead.attributes IS 'name to [value, when it was said, in microseconds since 1970]';
COMMENT ON COLUMN lead.identifiers IS 'kind to the keyed hashes that its people are known by';

CREATE TABLE contact (
    lead text COLLATE "C" PRIMARY KEY,
    version int NOT NULL,
    email text,
    phone text,
    known jsonb NOT NULL,
    free_text jsonb NOT NULL
);
CREATE INDEX contact_email ON contact (email) WHERE email IS NOT NULL;
CREATE INDEX contact_phone ON contact (phone) WHERE phone IS NOT NULL;
COMMENT ON TABLE contact IS 'personal data: how to name and reach a lead; version is that of the topic';

CREATE TABLE quarantine (
    record_id text COLLATE "C" PRIMARY KEY,
    source text NOT NULL,
    code text NOT NULL,
    received bigint NOT NULL,
    record_key bytea,
    record bytea NOT NULL,
    tries int NOT NULL DEFAULT 1,
    replayed timestamptz
);
CREATE INDEX quarantine_code ON quarantine (code, received);
COMMENT ON TABLE quarantine IS 'personal data, for days: messages of no use, with their untouched bytes';
"""
