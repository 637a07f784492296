"""The tables of doubts, companies and forms that came twice; keyed hashes and ids only."""

from __future__ import annotations

from typing import Final

CREATE: Final = """
CREATE TABLE conflict (
    id text COLLATE "C" PRIMARY KEY,
    reason text NOT NULL,
    kind text NOT NULL,
    identifier text NOT NULL,
    profile text COLLATE "C" NOT NULL,
    other text COLLATE "C" NOT NULL,
    cause bytea NOT NULL,
    message_id text,
    at bigint NOT NULL,
    settled text,
    settled_at bigint,
    settled_by text,
    note text
);
CREATE INDEX conflict_open ON conflict (at, id) WHERE settled IS NULL;
CREATE INDEX conflict_profile ON conflict (profile);
CREATE INDEX conflict_other ON conflict (other);
COMMENT ON TABLE conflict IS 'evidence not followed and likely duplicates, for people to settle';
COMMENT ON COLUMN conflict.identifier IS 'keyed hash of what was not followed, or of what is alike';
COMMENT ON COLUMN conflict.profile IS 'whose message it was; other is who else it may be, empty if nobody';
COMMENT ON COLUMN conflict.cause IS 'id of the raw record; at is when that was received';
COMMENT ON COLUMN conflict.settled IS 'merge, apart or dismiss; null while it is open';

CREATE TABLE likeness (
    key text COLLATE "C" PRIMARY KEY,
    profile text COLLATE "C" NOT NULL
);
CREATE INDEX likeness_profile ON likeness (profile);
COMMENT ON TABLE likeness IS 'keyed hash of a mailbox, or of a name at a company, to the first who had it';

CREATE TABLE company_key (
    key text COLLATE "C" PRIMARY KEY,
    company text COLLATE "C" NOT NULL,
    is_domain boolean NOT NULL
);
CREATE INDEX company_key_company ON company_key (company);
COMMENT ON TABLE company_key IS 'keyed hash of a domain or a firm''s name to the company it stands for';

ALTER TABLE lead ADD COLUMN company text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE lead ADD COLUMN company_by text NOT NULL DEFAULT '';
CREATE INDEX lead_company ON lead (company) WHERE company <> '';
COMMENT ON COLUMN lead.company IS 'where the person works, empty if unknown; company_by is domain or name';

CREATE TABLE seen_form (
    form bytea PRIMARY KEY,
    received bigint NOT NULL
);
CREATE INDEX seen_form_received ON seen_form USING brin (received);
COMMENT ON TABLE seen_form IS 'keyed hash of all values of a form to when it took effect, for minutes';
"""
