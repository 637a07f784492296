"""Nurture's tables. Only ``contact`` names a person."""

from __future__ import annotations

from typing import Final

CREATE: Final = """
CREATE TABLE lead (
    id text COLLATE "C" PRIMARY KEY,
    state jsonb
);
COMMENT ON TABLE lead IS 'what other services say of a lead: tiers, owner, validity, erasure';

CREATE TABLE profile (
    id text COLLATE "C" PRIMARY KEY,
    lead text COLLATE "C" NOT NULL,
    state jsonb NOT NULL
);
CREATE INDEX profile_lead ON profile (lead);
COMMENT ON TABLE profile IS 'where each profile lives, and what goes with it';

CREATE TABLE contact (
    lead text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    state jsonb
);
COMMENT ON TABLE contact IS 'personal data: how to reach a lead; nothing but the version once erased';

CREATE TABLE enrolment (
    id text COLLATE "C" PRIMARY KEY,
    lead text COLLATE "C" NOT NULL,
    sequence text NOT NULL,
    version int NOT NULL,
    run int NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'ended')),
    entered bigint NOT NULL,
    due bigint,
    message text COLLATE "C",
    ended bigint,
    reason text NOT NULL,
    details jsonb NOT NULL,
    UNIQUE (lead, sequence, run)
);
CREATE UNIQUE INDEX enrolment_running ON enrolment (lead) WHERE state = 'running';
COMMENT ON TABLE enrolment IS 'runs of leads through sequences; a lead is in one at a time';
COMMENT ON COLUMN enrolment.due IS 'when its clock rings; null while its message is under way';

CREATE TABLE message (
    id text COLLATE "C" PRIMARY KEY,
    enrolment text COLLATE "C" NOT NULL,
    lead text COLLATE "C" NOT NULL,
    sequence text NOT NULL,
    sequence_version int NOT NULL,
    step text NOT NULL,
    content text NOT NULL,
    content_version int NOT NULL,
    variant text NOT NULL,
    language text NOT NULL,
    due bigint NOT NULL,
    too_late bigint NOT NULL,
    planned_at bigint NOT NULL,
    cause text COLLATE "C" NOT NULL,
    state text NOT NULL
        CHECK (state IN ('planned', 'sending', 'sent', 'failed', 'unconfirmed', 'suppressed')),
    settled_at bigint,
    settled_by text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    next_attempt timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_fault text,
    claim text,
    lease_until timestamptz,
    UNIQUE (enrolment, step)
);
CREATE INDEX message_planned ON message (next_attempt, id) WHERE state = 'planned';
CREATE INDEX message_sending ON message (lease_until) WHERE state = 'sending';
CREATE INDEX message_unconfirmed ON message (settled_at, id) WHERE state = 'unconfirmed';
CREATE INDEX message_lead ON message (lead);
COMMENT ON TABLE message IS 'the ledger: a row is committed before anything of it is sent';
COMMENT ON COLUMN message.claim IS 'the sender that has it; who no longer holds its claim changes nothing';
COMMENT ON COLUMN message.next_attempt IS 'by the clock of this database, as lease_until';

CREATE TABLE said (
    event text COLLATE "C" PRIMARY KEY,
    lead text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    at bigint NOT NULL,
    cause text COLLATE "C" NOT NULL,
    enrolment text COLLATE "C" NOT NULL,
    message text COLLATE "C",
    reason text NOT NULL
);
CREATE INDEX said_lead ON said (lead);
CREATE INDEX said_message ON said (message) WHERE message IS NOT NULL;
COMMENT ON TABLE said IS 'append-only: every event on the topic nurture, with the fact that brought it about';

CREATE TABLE engagement (
    id text COLLATE "C" PRIMARY KEY,
    message text COLLATE "C" NOT NULL,
    kind text NOT NULL CHECK (kind IN ('open', 'click', 'unsubscribe')),
    number int NOT NULL,
    at bigint NOT NULL,
    machine text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'told', 'kept')),
    attempts int NOT NULL DEFAULT 0,
    next_attempt timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX engagement_waiting ON engagement (next_attempt) WHERE state = 'waiting';
CREATE INDEX engagement_message ON engagement (message);
COMMENT ON TABLE engagement IS
    'opens, clicks and unsubscriptions, and whether they were told at the front door';
COMMENT ON COLUMN engagement.machine IS 'by what a machine gave itself away; its acts go no further';
"""
