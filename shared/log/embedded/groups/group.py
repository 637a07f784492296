"""A consumer group as rows: leases, a generation, and one assignment that all members read.

A round goes like this. Whoever changes the group (joins, leaves, finds a lease that ran out,
creates a topic) raises its generation and calls it unsettled. Members notice, let go of everything
and enter the new generation. Who enters last, or finds the last straggler's lease run out, computes
the assignment and stores it; so nobody is given a partition before everybody has let go of it or
lost its lease. All of it runs under the lock of the group's row.

Leases are told by PostgreSQL's clock alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import msgspec

from shared.log.assignment import assign_partitions
from shared.log.embedded.availability import availability
from shared.log.port import TopicPartition
from shared.postgres.database import Database, Transaction

TOPICS_LOCK = "SELECT {}(hashtextextended('log topics ' || current_schema(), 0))"
"""Taken shared by who reads the topics for an assignment and exclusively by who creates topics."""

_LOCK = "SELECT generation, is_settled, assignment FROM consumer_group WHERE name = $1 FOR UPDATE"

_EXPIRE = """
DELETE FROM member WHERE consumer_group = $1 AND name <> $2 AND lease_until < clock_timestamp()
"""

_ENTER = """
INSERT INTO member (consumer_group, name, topics, generation, lease_until)
VALUES ($1, $2, $3, $4, clock_timestamp() + make_interval(secs => $5))
ON CONFLICT (consumer_group, name)
DO UPDATE SET generation = excluded.generation, lease_until = excluded.lease_until
"""

_WRITE = (
    "UPDATE consumer_group SET generation = $2, is_settled = $3, assignment = $4::text::jsonb WHERE name = $1"
)

_UNSETTLE = "UPDATE consumer_group SET generation = generation + 1, is_settled = false WHERE name = $1"

# Whoever was away itself (a stopped process, a database that was down) reaps nobody: the others had
# no better chance to renew their leases.
_RENEW = """
WITH mine AS (
    SELECT lease_until >= clock_timestamp() AS was_alive FROM member WHERE consumer_group = $1 AND name = $2
    FOR UPDATE
), renewed AS (
    UPDATE member SET lease_until = clock_timestamp() + make_interval(secs => $3)
    FROM mine WHERE consumer_group = $1 AND name = $2
)
SELECT g.generation,
       EXISTS (SELECT FROM mine) AS is_member,
       (SELECT was_alive FROM mine) AND EXISTS (
           SELECT FROM member m
           WHERE m.consumer_group = $1 AND m.name <> $2 AND m.lease_until < clock_timestamp()
       ) AS others_expired
FROM consumer_group g WHERE g.name = $1
"""

_Shares = dict[str, list[tuple[str, int]]]


class Standing(NamedTuple):
    """Where a member stands: its generation, and its partitions once that generation is settled."""

    generation: int
    partitions: frozenset[TopicPartition] | None


class Renewal(NamedTuple):
    """What a renewed lease told: the present generation, and who is no longer a member of it."""

    generation: int
    is_member: bool
    others_expired: bool


class Group:
    """What one member can do to its group. Every method raises LogUnavailable if it cannot."""

    def __init__(
        self, database: Database, *, name: str, member: str, topics: Sequence[str], lease: float
    ) -> None:
        self._database = database
        self.name = name
        self.member = member
        self._topics = sorted(set(topics))
        self._lease = lease

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Transaction]:
        with availability():
            async with self._database.transaction(durable=False) as transaction:
                yield transaction

    async def enter(self) -> Standing:
        """Enter the present generation holding nothing; settle it if everybody else has entered."""
        async with self._transaction() as transaction:
            await transaction.execute(
                "INSERT INTO consumer_group (name) VALUES ($1) ON CONFLICT DO NOTHING", self.name
            )
            await transaction.fetch(TOPICS_LOCK.format("pg_advisory_xact_lock_shared"))
            row = await transaction.fetch_row(_LOCK, self.name)
            assert row is not None, "a group is never deleted"
            generation, is_settled = int(row["generation"]), bool(row["is_settled"])
            shares: _Shares = msgspec.json.decode(row["assignment"], type=_Shares)
            expired = await transaction.execute(_EXPIRE, self.name, self.member)
            if is_settled and (expired or self.member not in shares):
                generation, is_settled = generation + 1, False
            await transaction.execute(_ENTER, self.name, self.member, self._topics, generation, self._lease)
            if not is_settled:
                agreed = await self._settle(transaction, generation)
                is_settled, shares = agreed is not None, agreed or {}
                await transaction.execute(
                    _WRITE, self.name, generation, is_settled, msgspec.json.encode(shares).decode()
                )
        if not is_settled:
            return Standing(generation, None)
        return Standing(generation, frozenset(TopicPartition(*each) for each in shares[self.member]))

    async def _settle(self, transaction: Transaction, generation: int) -> _Shares | None:
        """Compute the shares if every member has entered this generation."""
        members = await transaction.fetch(
            "SELECT name, topics, generation FROM member WHERE consumer_group = $1", self.name
        )
        if any(member["generation"] != generation for member in members):
            return None
        subscriptions: Mapping[str, list[str]] = {member["name"]: member["topics"] for member in members}
        topics = await transaction.fetch(
            "SELECT name, partitions FROM topic WHERE name = ANY($1)",
            sorted({topic for topics in subscriptions.values() for topic in topics}),
        )
        shares = assign_partitions(
            subscriptions=subscriptions, counts={topic["name"]: topic["partitions"] for topic in topics}
        )
        return {
            member: [(tp.topic, tp.partition) for tp in sorted(share)] for member, share in shares.items()
        }

    async def renew(self) -> Renewal:
        """Renew the lease of a member that still is one."""
        async with self._transaction() as transaction:
            row = await transaction.fetch_row(_RENEW, self.name, self.member, self._lease)
        assert row is not None, "a group is never deleted"
        return Renewal(
            generation=int(row["generation"]),
            is_member=bool(row["is_member"]),
            others_expired=bool(row["others_expired"]),
        )

    async def expel(self) -> None:
        """Take out the members whose lease has run out; the rest will have to enter anew."""
        async with self._transaction() as transaction:
            await transaction.fetch_row(_LOCK, self.name)
            if await transaction.execute(_EXPIRE, self.name, self.member):
                await transaction.execute(_UNSETTLE, self.name)

    async def generation(self) -> int:
        """Return the group's generation; a read that costs next to nothing."""
        with availability():
            async with self._database.connection() as connection:
                return int(
                    await connection.fetch_value(
                        "SELECT generation FROM consumer_group WHERE name = $1", self.name
                    )
                )

    async def leave(self) -> None:
        """Give the partitions up at once instead of when the lease runs out."""
        async with self._transaction() as transaction:
            await transaction.fetch_row(_LOCK, self.name)
            left = await transaction.execute(
                "DELETE FROM member WHERE consumer_group = $1 AND name = $2", self.name, self.member
            )
            if left:
                await transaction.execute(_UNSETTLE, self.name)
