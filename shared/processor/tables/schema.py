"""The processor's own tables; every service that processes has a set of them in its schema.

A migration of the service runs :data:`CREATE`. All keys are text in the C collation, so that
locks taken "in order" are taken in the same order by everybody.
"""

from __future__ import annotations

from typing import Final

CREATE: Final = """
CREATE TABLE fence (
    consumer_group text COLLATE "C" NOT NULL,
    partition int NOT NULL,
    epoch bigint NOT NULL,
    PRIMARY KEY (consumer_group, partition)
);
COMMENT ON TABLE fence IS 'who may commit: only an assignment raises the epoch, every commit compares it';

CREATE TABLE position (
    consumer_group text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    partition int NOT NULL,
    next bigint NOT NULL,
    PRIMARY KEY (consumer_group, topic, partition)
) WITH (fillfactor = 50);
COMMENT ON TABLE position IS 'the next offset to be processed; moves in the transaction of its effects';

CREATE TABLE mark (
    consumer_group text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    partition int NOT NULL,
    producer text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (consumer_group, topic, partition, producer)
) WITH (fillfactor = 50);
COMMENT ON TABLE mark IS 'the highest sequence seen of each producer; what is at or below it is a repeat';

CREATE TABLE sequence (
    topic text COLLATE "C" NOT NULL,
    partition int NOT NULL,
    next bigint NOT NULL,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);
COMMENT ON TABLE sequence IS 'drawn last in a transaction and locked until commit: sequence = commit order';

CREATE TABLE outbox (
    topic text COLLATE "C" NOT NULL,
    partition int NOT NULL,
    first_sequence bigint NOT NULL,
    records int NOT NULL,
    written timestamptz NOT NULL DEFAULT clock_timestamp(),
    payload bytea NOT NULL,
    PRIMARY KEY (topic, partition, first_sequence)
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE outbox ALTER COLUMN payload SET STORAGE EXTERNAL;
COMMENT ON TABLE outbox IS 'record batches that are committed and not yet acknowledged by the log';

CREATE TABLE timer (
    key text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    partition int NOT NULL,
    due bigint NOT NULL,
    PRIMARY KEY (key, name)
) WITH (autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX timer_due ON timer (partition, due);
COMMENT ON TABLE timer IS 'clocks that will ring (microseconds since 1970), read by the partition''s owner';

CREATE TABLE command (
    idempotency_key text COLLATE "C" PRIMARY KEY,
    digest bytea NOT NULL,
    received bigint NOT NULL,
    reply bytea
);
COMMENT ON TABLE command IS 'commands that took effect, with the reply that a repeat is given';

CREATE TABLE dead_letter (
    id text COLLATE "C" PRIMARY KEY,
    consumer_group text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    code text NOT NULL,
    error_type text NOT NULL,
    attempts int NOT NULL,
    failed timestamptz NOT NULL DEFAULT clock_timestamp(),
    record_timestamp bigint NOT NULL,
    record_key bytea,
    record_value bytea,
    record_headers bytea NOT NULL,
    replayed timestamptz
);
CREATE INDEX dead_letter_code ON dead_letter (code, failed);
COMMENT ON TABLE dead_letter IS 'records that could not be used, with their untouched bytes and coordinates';

CREATE TABLE halt (
    consumer_group text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    partition int NOT NULL,
    code text NOT NULL,
    "offset" bigint NOT NULL,
    detail text NOT NULL,
    halted timestamptz NOT NULL DEFAULT clock_timestamp(),
    resumed timestamptz,
    PRIMARY KEY (consumer_group, topic, partition)
);
COMMENT ON TABLE halt IS 'partitions that wait for a person: a flood of dead letters, a lost record batch';

CREATE TABLE receipt (
    consumer_group text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    partition int NOT NULL,
    first_offset bigint NOT NULL,
    next_offset bigint NOT NULL,
    processed int NOT NULL,
    duplicate int NOT NULL,
    quarantined int NOT NULL,
    dead int NOT NULL,
    PRIMARY KEY (consumer_group, topic, partition, first_offset)
);
COMMENT ON TABLE receipt IS 'what became of each range of offsets; ranges abut, counts sum to the log';
"""
