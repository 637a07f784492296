"""The tables of routing, as its first migration makes them; the queries stand beside them in this room.

Reps and leads go by opaque ids. What may name a person (notes of follow-ups, free texts of the hand-over
list) is removed when the lead is erased.
"""

from __future__ import annotations

from typing import Final

CREATE: Final = """
CREATE TABLE lead (
    id text COLLATE "C" PRIMARY KEY,
    place text,
    status text,
    rep text COLLATE "C",
    team text,
    pool text,
    since bigint,
    due bigint,
    expires bigint,
    state jsonb
) WITH (fillfactor = 70);
CREATE INDEX lead_rep ON lead (rep, id) WHERE rep IS NOT NULL;
CREATE INDEX lead_pool ON lead (pool, since, id) WHERE pool IS NOT NULL;
CREATE INDEX lead_expires ON lead (expires, id) WHERE expires IS NOT NULL;
COMMENT ON TABLE lead IS 'where each lead is now; without a state nothing is known of it yet';
COMMENT ON COLUMN lead.due IS 'when the first response is due, while it is awaited; microseconds since 1970';
COMMENT ON COLUMN lead.expires IS 'when its owner loses it if nothing happens: recall or return';
COMMENT ON COLUMN lead.state IS 'all of it; the other columns are copies for queries';

CREATE TABLE profile (
    id text COLLATE "C" PRIMARY KEY,
    lead text COLLATE "C" NOT NULL,
    version int NOT NULL,
    state jsonb NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX profile_lead ON profile (lead);
COMMENT ON TABLE profile IS 'where a profile lives, and what it says of the lead it lives with';

CREATE TABLE people (
    name text PRIMARY KEY,
    version int NOT NULL
);
COMMENT ON TABLE people IS 'which version of the document of people was applied';

CREATE TABLE team (
    id text COLLATE "C" PRIMARY KEY,
    state jsonb NOT NULL
);
COMMENT ON TABLE team IS 'members and whose turn it is';

CREATE TABLE rep (
    id text COLLATE "C" PRIMARY KEY,
    state jsonb NOT NULL
);
COMMENT ON TABLE rep IS 'capacity, load, leave and claims of each rep, as they are now';

CREATE TABLE stay (
    lead text COLLATE "C" NOT NULL,
    number int NOT NULL,
    place text NOT NULL,
    since bigint NOT NULL,
    until bigint,
    reason text NOT NULL,
    ended_by text,
    rep text COLLATE "C",
    team text,
    pool text,
    assignment text COLLATE "C",
    policy text,
    due bigint,
    cause text NOT NULL,
    PRIMARY KEY (lead, number)
);
CREATE UNIQUE INDEX stay_open ON stay (lead) WHERE until IS NULL;
CREATE UNIQUE INDEX stay_assignment ON stay (assignment) WHERE assignment IS NOT NULL;
CREATE INDEX stay_rep ON stay (rep, since) WHERE rep IS NOT NULL;
COMMENT ON TABLE stay IS 'everywhere a lead has been; stays are numbered and abut, and one is open';

CREATE TABLE decision (
    number bigserial PRIMARY KEY,
    lead text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    cause text NOT NULL,
    reason text NOT NULL,
    assignment text COLLATE "C",
    rep text COLLATE "C",
    team text,
    rule text,
    rule_version int NOT NULL,
    strategy text,
    fallback text,
    considered jsonb NOT NULL
);
CREATE INDEX decision_lead ON decision (lead, number);
COMMENT ON TABLE decision IS 'append-only: who was looked at for a lead, who was skipped and why, who got it';

CREATE TABLE said (
    lead text COLLATE "C" NOT NULL,
    number int NOT NULL,
    event text NOT NULL,
    kind text NOT NULL,
    at bigint NOT NULL,
    cause text NOT NULL,
    assignment text COLLATE "C",
    by text,
    fields jsonb NOT NULL,
    PRIMARY KEY (lead, number)
);
COMMENT ON TABLE said IS 'append-only: every event that was said of a lead, numbered without gaps';

CREATE TABLE follow_up (
    number bigserial PRIMARY KEY,
    id text NOT NULL UNIQUE,
    lead text COLLATE "C" NOT NULL,
    assignment text NOT NULL,
    rep text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    way text NOT NULL,
    result text NOT NULL,
    note text NOT NULL,
    counts boolean NOT NULL
);
CREATE INDEX follow_up_lead ON follow_up (lead, number);
COMMENT ON TABLE follow_up IS 'what owners did, empty ones too; a note may name people, erasure empties it';

CREATE TABLE task (
    id text PRIMARY KEY,
    lead text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    rep text COLLATE "C",
    team text,
    opened bigint NOT NULL,
    missing text[] NOT NULL,
    cause text NOT NULL,
    closed bigint,
    closed_by text
);
CREATE INDEX task_open ON task (opened, id) WHERE closed IS NULL;
CREATE INDEX task_lead ON task (lead);
COMMENT ON TABLE task IS 'what somebody is asked to do about a lead; rep is its owner when it was opened';

CREATE TABLE notice (
    number bigserial PRIMARY KEY,
    id text NOT NULL UNIQUE,
    rep text COLLATE "C" NOT NULL,
    lead text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    at bigint NOT NULL,
    cause text NOT NULL
);
CREATE INDEX notice_rep ON notice (rep, number);
COMMENT ON TABLE notice IS 'append-only: what a rep, or with an empty rep the managers, ought to be told';
"""
