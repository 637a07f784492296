"""The tables of the embedded log, in the schema of the database it was given.

``partition`` holds one row per partition: who appends locks these rows in order until commit, so
offsets are in commit order and a reader never meets one that is still to come. ``record_batch`` is
found by its *last* offset: the first row at or after a position is the one that holds it.
"""

from __future__ import annotations

from shared.postgres.database import Database

_TABLES = """
CREATE TABLE topic (
    name text COLLATE "C" PRIMARY KEY,
    partitions integer NOT NULL CHECK (partitions > 0),
    compacted boolean NOT NULL,
    retention_ms bigint CHECK (retention_ms > 0)
);
CREATE TABLE partition (
    topic text COLLATE "C" NOT NULL REFERENCES topic,
    partition integer NOT NULL,
    log_start bigint NOT NULL DEFAULT 0,
    next_offset bigint NOT NULL DEFAULT 0,
    compacted_to bigint NOT NULL DEFAULT 0,
    oldest_tombstone bigint,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE TABLE record_batch (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    first_offset bigint NOT NULL,
    last_offset bigint NOT NULL,
    max_timestamp bigint NOT NULL,
    places integer[],
    payload bytea NOT NULL,
    PRIMARY KEY (topic, partition, last_offset)
);
ALTER TABLE record_batch ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE TABLE consumer_group (
    name text COLLATE "C" PRIMARY KEY,
    generation bigint NOT NULL DEFAULT 0,
    is_settled boolean NOT NULL DEFAULT false,
    assignment jsonb NOT NULL DEFAULT '{}'
);
CREATE TABLE member (
    consumer_group text COLLATE "C" NOT NULL REFERENCES consumer_group,
    name text COLLATE "C" NOT NULL,
    topics text[] NOT NULL,
    generation bigint NOT NULL,
    lease_until timestamptz NOT NULL,
    PRIMARY KEY (consumer_group, name)
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE TABLE progress (
    consumer_group text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    reported_at timestamptz NOT NULL,
    PRIMARY KEY (consumer_group, topic, partition)
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
"""


async def create_tables(database: Database) -> None:
    """Create schema and tables where they are missing; several may do so at once."""
    async with database.transaction() as transaction:
        await transaction.fetch(
            "SELECT pg_advisory_xact_lock(hashtextextended('log tables ' || $1, 0))", database.schema
        )
        if await transaction.fetch_value("SELECT to_regnamespace($1)", f'"{database.schema}"') is None:
            await transaction.execute(f'CREATE SCHEMA "{database.schema}"')
        if await transaction.fetch_value("SELECT to_regclass('record_batch')") is None:
            await transaction.execute(_TABLES)
