"""A table of states, one row per lead: loaded in one query, saved in one statement.

The version rises by one per transaction and is compared when saving; keys are unique and sorted, so
that two writers never wait for each other in a circle. The payload is MessagePack: nobody queries
into it, and it is cheaper to write than JSON.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from shared.postgres.database import Row, Transaction
from shared.processor.stage import Loaded, Write

S = TypeVar("S")

_ENCODER = msgspec.msgpack.Encoder()


def create_state_table(table: str, *, comment: str) -> str:
    """Return the DDL of a state table, for a migration."""
    return f"""
CREATE TABLE {table} (
    key text COLLATE "C" PRIMARY KEY,
    partition int NOT NULL,
    version bigint NOT NULL,
    payload bytea
) WITH (fillfactor = 75);
COMMENT ON TABLE {table} IS '{comment}';
"""


class StateTable(Generic[S]):
    """Loads and saves states of one type; ``table`` was made by :func:`create_state_table`."""

    def __init__(self, table: str, state: type[S]) -> None:
        self._decoder = msgspec.msgpack.Decoder(state)
        self._load = f"SELECT key, version, payload FROM {table} WHERE key = ANY($1::text[])"  # noqa: S608 - a name from code
        self._open = (
            f"INSERT INTO {table} (key, partition, version)"  # noqa: S608
            " SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[]) ON CONFLICT DO NOTHING"
        )
        self._save = (
            f"INSERT INTO {table} AS s (key, partition, version, payload)"  # noqa: S608
            " SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[])"
            " ON CONFLICT (key) DO UPDATE SET version = excluded.version, payload = excluded.payload"
            " WHERE s.version = excluded.version - 1"
        )

    async def load(self, transaction: Transaction, keys: Collection[str]) -> dict[str, Loaded[S]]:
        """Return the states of those leads that have one."""
        return self._read(await transaction.fetch(self._load, list(keys)))

    async def lock(
        self, transaction: Transaction, keys: Collection[str], *, partitions: Mapping[str, int]
    ) -> dict[str, Loaded[S]]:
        """Return the states and keep their rows locked until commit, also rows that are new."""
        ordered = sorted(keys)
        await transaction.execute(
            self._open, ordered, [partitions[key] for key in ordered], [0] * len(ordered)
        )
        return self._read(await transaction.fetch(self._load + " ORDER BY key FOR UPDATE", ordered))

    async def save(self, transaction: Transaction, writes: Sequence[Write[S]]) -> int:
        """Store states over the version before; return how many had it. ``writes`` is sorted by key."""
        return await transaction.execute(
            self._save,
            [write.key for write in writes],
            [write.partition for write in writes],
            [write.version for write in writes],
            [_ENCODER.encode(write.state) for write in writes],
        )

    def _read(self, rows: Sequence[Row]) -> dict[str, Loaded[S]]:
        decode = self._decoder.decode
        return {
            row["key"]: Loaded(row["version"], decode(row["payload"]))
            for row in rows
            if row["payload"] is not None
        }
