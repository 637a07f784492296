"""The embedded log as one object."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from shared.log.embedded.admin import EmbeddedAdmin
from shared.log.embedded.arrivals import Arrivals
from shared.log.embedded.availability import availability
from shared.log.embedded.consumer import EmbeddedConsumer
from shared.log.embedded.producer import EmbeddedProducer
from shared.log.embedded.tables import create_tables
from shared.log.embedded.tidying.retention import Tidied, tidy_topics
from shared.postgres.database import Database

_DAY_MS = 86_400_000


class EmbeddedLog:
    """A log in the schema of a started ``database``, for the processes of **one machine**.

    It keeps every promise of :mod:`shared.log.port`, also towards other processes, but one
    PostgreSQL does all the work: past one machine the log is Kafka. ``lease`` is the number of
    seconds after which a member that does not renew it loses its partitions, ``idle_limit`` that
    after which one gives them up that is alive but does not fetch. Processes wake each other by
    looking every 250 ms, consumers of this very object at once: share one per process.
    """

    def __init__(self, database: Database, *, lease: float = 10.0, idle_limit: float = 300.0) -> None:
        self._database = database
        self._lease = lease
        self._idle_limit = idle_limit
        self._arrivals = Arrivals()

    async def prepare(self) -> None:
        """Create the tables where they are missing. :raises LogUnavailable: if that cannot be done."""
        with availability():
            await create_tables(self._database)

    def producer(self, *, name: str) -> EmbeddedProducer:
        """Return a producer that has not been started; ``name`` is for people who look at the log."""
        return EmbeddedProducer(self._database, self._arrivals, name=name)

    def consumer(self, *, group: str, topics: Sequence[str], member: str) -> EmbeddedConsumer:
        """Return a consumer that has not been started.

        Each is a member of its own, also where two are given one name: a process that was killed
        and started again waits until its predecessor's lease has run out.
        """
        return EmbeddedConsumer(
            self._database,
            self._arrivals,
            group=group,
            topics=topics,
            member=f"{member}-{secrets.token_hex(4)}",
            lease=self._lease,
            idle_limit=self._idle_limit,
        )

    async def admin(self) -> EmbeddedAdmin:
        """Return a connected admin. :raises LogUnavailable: if the database does not answer."""
        admin = EmbeddedAdmin(self._database, self._arrivals)
        await admin.layouts()
        return admin

    async def tidy(self, now_ms: int, *, tombstones_kept_ms: int = _DAY_MS) -> Tidied:
        """Apply retention and compaction as of ``now_ms``; call it every few minutes.

        Retention removes from a partition's beginning what is older than its topic's
        ``retention_ms``. Compaction keeps the latest record of each key where it stands, and a
        tombstone for ``tombstones_kept_ms`` after its timestamp. The last record of a compacted
        partition always stays, so that a reader can arrive at the end. Ends never move.

        :raises LogUnavailable: if the database does not answer; what was done stays done.
        """
        with availability():
            return await tidy_topics(self._database, now_ms=now_ms, tombstones_kept_ms=tombstones_kept_ms)
