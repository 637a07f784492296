"""One stay of one member in a Kafka group: what it holds, and what it may read of it.

aiokafka looks for committed positions as soon as an assignment is there, paused or not, and then
complains or starts where Kafka remembers. Each new partition is therefore given some position and
paused at once, in the assignor (see there), before the fetcher sees it; :meth:`Membership.seek`
releases it. aiokafka also swallows what a callback raises; here it is kept for the consumer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.structs import TopicPartition as KafkaPartition

from shared.log.kafka import inside
from shared.log.kafka.abandonment import abandon, stop_within
from shared.log.kafka.answers import Answers
from shared.log.kafka.assignor import CoPartitionedAssignor
from shared.log.kafka.connection import Connection, answered, milliseconds
from shared.log.port import AssignmentCallback, Record, TopicPartition, Watermark


class Membership(ConsumerRebalanceListener):
    """Joins a group when it is entered and stays until it is left; there is no second time.

    ``client`` is the aiokafka consumer that does the work. ``is_settled`` tells whether the group
    has given out its partitions and this member was told.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        group: str,
        member: str,
        on_assigned: AssignmentCallback,
        on_revoked: AssignmentCallback,
    ) -> None:
        self._connection = connection
        self._on_assigned, self._on_revoked = on_assigned, on_revoked
        self._failure: Exception | None = None
        self._asked_at: dict[TopicPartition, float] = {}
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self.is_settled = False
        self.client: Any = AIOKafkaConsumer(
            **connection.arguments(client_id=member),
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            partition_assignment_strategy=(CoPartitionedAssignor(self._take),),
            session_timeout_ms=milliseconds(connection.session_timeout),
            rebalance_timeout_ms=milliseconds(connection.session_timeout),
            heartbeat_interval_ms=milliseconds(connection.heartbeat_interval),
            max_poll_interval_ms=milliseconds(3600),
            fetch_max_wait_ms=100,
            fetch_max_bytes=16 * 1024 * 1024,
            max_partition_fetch_bytes=1024 * 1024,
        )
        self.answers = Answers()
        self.answers.overhear(self.client)

    async def enter(self, topics: Iterable[str]) -> None:
        """Connect, and begin to join. :raises LogUnavailable: if Kafka does not answer."""
        try:
            async with answered(self._connection.answer_timeout, what="take a consumer"):
                await self.client.start()
        except BaseException:
            await abandon(self.client)
            raise
        self.client.subscribe(list(topics), listener=self)  # only after start is a missing topic no error

    async def leave(self) -> None:
        """Leave the group within a deadline; no callback is called any more."""
        self._drop()
        self.is_settled = False
        self._on_assigned = self._on_revoked = _ignore
        await stop_within(self.client, self.client.stop(), seconds=self._connection.stop_timeout)

    @property
    def is_alive(self) -> bool:
        """Whether aiokafka still works for this member."""
        return inside.is_alive(self.client)

    def raise_failure(self) -> None:
        """Raise what a callback raised since this was last asked."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    # --- partitions ----------------------------------------------------------------------------------

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Give partitions a position; those not assigned are passed over."""
        for partition, offset in positions.items():
            if partition in self._asked_at:
                self.client.seek(KafkaPartition(*partition), offset)
                self._positions[partition] = offset
                self._ask(partition)

    def pause(self, partitions: Collection[TopicPartition]) -> None:
        """Ask no more for these partitions."""
        for partition in self._asked_at.keys() & set(partitions):
            self._paused.add(partition)
            self.client.pause(KafkaPartition(*partition))

    def resume(self, partitions: Collection[TopicPartition]) -> None:
        """Ask for these partitions again, as far as they have a position."""
        for partition in self._paused & set(partitions):
            self._paused.discard(partition)
            self._ask(partition)

    def held(self, partitions: Iterable[TopicPartition]) -> list[TopicPartition]:
        """Return those of the partitions that are assigned."""
        return [partition for partition in partitions if partition in self._asked_at]

    def fetchable(self) -> set[TopicPartition]:
        """Return the partitions that have a position and are not paused."""
        return self._positions.keys() - self._paused

    def positioned(self, partitions: Iterable[TopicPartition]) -> list[TopicPartition]:
        """Return those of the partitions that are assigned and have a position."""
        return [partition for partition in partitions if partition in self._positions]

    def pass_over(self, records: Mapping[TopicPartition, Sequence[Record]]) -> None:
        """Note that these records were handed out."""
        for partition, handed_out in records.items():
            self._positions[partition] = handed_out[-1].offset + 1

    def rewind(self) -> None:
        """Go back to behind what was handed out, wherever aiokafka believes to be."""
        for partition in self.fetchable():
            self.client.seek(KafkaPartition(*partition), self._positions[partition])

    def watermarks(self) -> dict[TopicPartition, Watermark]:
        """Return what the latest fetch answers told of the assigned partitions."""
        told = ((partition, self.answers.watermark(partition)) for partition in self._asked_at)
        return {partition: watermark for partition, watermark in told if watermark is not None}

    def silent_since(self) -> float:
        """Return the loop's time since when some partition that was asked for has gone unanswered."""
        told = self.watermarks()
        return min(
            (
                max(self._asked_at[partition], told[partition].answered_at if partition in told else 0.0)
                for partition in self.fetchable()
            ),
            default=self.answers.heard_at,
        )

    def _ask(self, partition: TopicPartition) -> None:
        if partition in self._positions and partition not in self._paused:
            self._asked_at[partition] = asyncio.get_running_loop().time()
            self.client.resume(KafkaPartition(*partition))

    # --- the group -----------------------------------------------------------------------------------

    def _take(self, assigned: frozenset[TopicPartition]) -> None:
        """Take an assignment before anything else sees it."""
        self._drop()
        self._asked_at = dict.fromkeys(assigned, asyncio.get_running_loop().time())
        for partition in assigned:
            self.client.seek(KafkaPartition(*partition), 0)  # some position, or aiokafka looks for one
            self.client.pause(KafkaPartition(*partition))

    def _drop(self) -> None:
        self._asked_at, self._positions, self._paused = {}, {}, set()
        self.answers.forget()

    async def on_partitions_assigned(self, assigned: Collection[KafkaPartition]) -> None:
        """Tell the owner; aiokafka calls this."""
        self.is_settled = True
        await self._call(self._on_assigned)

    async def on_partitions_revoked(self, revoked: Collection[KafkaPartition]) -> None:
        """Tell the owner, if he was told of an assignment; aiokafka calls this before every join."""
        was_settled, self.is_settled = self.is_settled, False
        if was_settled:
            await self._call(self._on_revoked)
        self._drop()

    async def _call(self, callback: AssignmentCallback) -> None:
        try:
            await callback(frozenset(self._asked_at))
        except Exception as error:  # noqa: BLE001  # aiokafka would swallow it; the consumer raises it
            self._failure = error


async def _ignore(partitions: frozenset[TopicPartition]) -> None:
    """Do nothing: whoever wanted to know has left."""
