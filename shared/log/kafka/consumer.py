"""One member of a Kafka group, with the promises of the port on top of aiokafka.

What aiokafka does otherwise, and what is done about it here (more in ``membership``):

- ``getmany`` forgets its time-out while the group is joining. It is cancelled then; it never waits
  with records in hand, so nothing is lost.
- It says nothing while nobody answers. A fetch that waited in vain raises ``LogUnavailable`` here
  once a partition has gone unanswered for the answer time-out.
- Its background tasks can die, and then nothing ever comes. The member is replaced by a new one.

Time since the last fetch is not held against a member (aiokafka's poll interval): whether a worker
gets on with its work is for the processor's watchdog to judge.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from aiokafka.errors import CorruptRecordException, KafkaError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition as KafkaPartition

from shared.log.kafka.connection import Connection, milliseconds
from shared.log.kafka.corruption import CorruptionWatch
from shared.log.kafka.membership import Membership
from shared.log.port import (
    AssignmentCallback,
    LogUnavailable,
    OffsetOutOfRange,
    Record,
    TopicPartition,
    Watermark,
)

_REPORT_TIMEOUT: Final = 1.0
_GRACE: Final = 0.05
"""What ``getmany`` may overrun its time-out by before it is cancelled, in seconds."""

log = logging.getLogger(__name__)


class KafkaConsumer:
    """Keeps the promises of :class:`shared.log.port.Consumer`.

    :meth:`start` returns before the group has settled; the assignment comes through the callback.
    :meth:`fetch` is for one task at a time. A new assignment is not paused, and stopping calls no
    callback. What a callback raises is raised by the next :meth:`fetch`.
    """

    def __init__(self, connection: Connection, *, group: str, topics: Sequence[str], member: str) -> None:
        self._connection = connection
        self._group = group
        self._topics = tuple(topics)
        self._member = member
        self._callbacks: tuple[AssignmentCallback, AssignmentCallback] | None = None
        self._membership: Membership | None = None
        self._corruption = CorruptionWatch()

    async def start(self, *, on_assigned: AssignmentCallback, on_revoked: AssignmentCallback) -> None:
        """Connect and begin to join the group. :raises LogUnavailable: if Kafka does not answer."""
        self._callbacks = on_assigned, on_revoked
        await self._join()

    async def fetch(self, *, max_records: int, timeout: float) -> Mapping[TopicPartition, Sequence[Record]]:
        """Return up to ``max_records`` records, or an empty mapping after ``timeout`` seconds.

        :raises OffsetOutOfRange: if a position lies outside what is still held, or what is there
            cannot be read (:class:`shared.log.kafka.corruption.CorruptRecords`).
        :raises LogUnavailable: if Kafka does not answer; the consumer can be used again.
        """
        membership = await self._living_membership()
        membership.raise_failure()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while True:
            remaining = max(0.0, deadline - loop.time())
            fetched = await self._fetch_once(membership, max_records=max_records, timeout=remaining)
            records = {each: fetched[each] for each in membership.positioned(fetched)}
            if records:
                membership.pass_over(records)
                return records
            if loop.time() >= deadline:
                break
        self._require_answers(membership)
        return {}

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Read on from these offsets; partitions no longer assigned are passed over."""
        if self._membership is not None:
            self._membership.seek(positions)

    def pause(self, partitions: Collection[TopicPartition]) -> None:
        """Fetch nothing from these partitions until they are resumed or assigned anew."""
        if self._membership is not None:
            self._membership.pause(partitions)

    def resume(self, partitions: Collection[TopicPartition]) -> None:
        """Fetch from these partitions again; one that was never given a position stays silent."""
        if self._membership is not None:
            self._membership.resume(partitions)

    def watermarks(self) -> Mapping[TopicPartition, Watermark]:
        """Return the ends of the assigned partitions as the latest fetch answers told them."""
        return {} if self._membership is None else self._membership.watermarks()

    async def report(self, positions: Mapping[TopicPartition, int]) -> None:
        """Commit these positions to Kafka, within a second or not at all."""
        if self._membership is None:
            return
        mine = {KafkaPartition(*held): positions[held] for held in self._membership.held(positions)}
        if not mine:
            return
        try:
            async with asyncio.timeout(_REPORT_TIMEOUT):
                await self._membership.client.commit(mine)
        except (KafkaError, OSError, TimeoutError) as error:
            log.info("kafka.report_failed", extra={"group": self._group, "error": type(error).__name__})

    async def stop(self) -> None:
        """Leave the group and let go within a deadline."""
        self._callbacks = None
        membership, self._membership = self._membership, None
        if membership is not None:
            await membership.leave()

    async def _join(self) -> Membership:
        if self._callbacks is None:
            raise RuntimeError("this consumer is not started or has been stopped; make a new one")
        on_assigned, on_revoked = self._callbacks
        membership = Membership(
            self._connection,
            group=self._group,
            member=self._member,
            on_assigned=on_assigned,
            on_revoked=on_revoked,
        )
        await membership.enter(self._topics)
        self._membership = membership
        return membership

    async def _living_membership(self) -> Membership:
        """Return the membership, a new one if aiokafka has given up on the last."""
        membership = self._membership
        if membership is not None and not membership.is_alive:
            log.error("kafka.membership_replaced", extra={"group": self._group})
            self._membership = None
            await membership.on_partitions_revoked(())
            await membership.leave()
            membership.raise_failure()
        return self._membership or await self._join()

    async def _fetch_once(
        self, membership: Membership, *, max_records: int, timeout: float
    ) -> dict[TopicPartition, Sequence[Record]]:
        try:
            async with asyncio.timeout(timeout + _GRACE):
                if self._corruption.is_suspected:
                    return await self._corruption.fetch(
                        membership.client, membership.fetchable(), max_records=max_records, timeout=timeout
                    )
                fetched = await membership.client.getmany(
                    timeout_ms=milliseconds(timeout), max_records=max_records
                )
        except TimeoutError:  # the group is joining
            return {}
        except OffsetOutOfRangeError as error:
            _raise_if_current(error, membership.fetchable())
            return {}
        except CorruptRecordException:
            self._corruption.suspect()
            membership.rewind()  # what it drew from other partitions in the same breath is lost
            return {}
        except (KafkaError, OSError) as error:
            raise LogUnavailable(f"Kafka could not be read: {type(error).__name__}") from error
        return {TopicPartition(*partition): records for partition, records in fetched.items()}

    def _require_answers(self, membership: Membership) -> None:
        """Raise LogUnavailable if Kafka has been silent for longer than it may be."""
        limit = self._connection.answer_timeout
        if not membership.is_settled and not membership.answers.refused:
            limit = self._connection.request_timeout  # a join may take as long as the slowest member
        if asyncio.get_running_loop().time() - membership.silent_since() > limit:
            raise LogUnavailable(f"Kafka has not answered a fetch within {limit:g} s; check that it is up")


def _raise_if_current(error: OffsetOutOfRangeError, fetchable: Collection[TopicPartition]) -> None:
    """Raise for partitions that are being read; of others the error is old news."""
    positions: Mapping[KafkaPartition, int] = error.args[0]
    named = {TopicPartition(*partition): at for partition, at in positions.items()}
    current = {partition: at for partition, at in named.items() if partition in fetchable}
    if current:
        raise OffsetOutOfRange(current) from error
