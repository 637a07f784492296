"""Topics on Kafka: what is there, what is to be, and how far each partition reaches."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code
from aiokafka.structs import TopicPartition as KafkaPartition

from shared.kernel.errors import Rejected
from shared.log.kafka.abandonment import abandon, stop_within
from shared.log.kafka.connection import Connection, answered
from shared.log.port import LogUnavailable, TopicLayout, TopicPartition

_HOUR_MS: Final = 3_600_000
_FOREVER: Final = -1
_NEVER: Final = 2**63 - 1
_CLIENT: Final = "leadmill-admin"


class KafkaAdmin:
    """Keeps the promises of :class:`shared.log.port.Admin`."""

    def __init__(self, connection: Connection, *, replication: int | None) -> None:
        self._connection = connection
        self._replication = replication
        self._client: Any = AIOKafkaAdminClient(**connection.arguments(client_id=_CLIENT))
        self._reader: Any = AIOKafkaConsumer(**connection.arguments(client_id=_CLIENT))

    async def start(self) -> None:
        """Connect. :raises LogUnavailable: if Kafka does not answer."""
        try:
            async with answered(self._connection.answer_timeout, what="take an admin"):
                await self._client.start()
                await self._reader.start()
        except BaseException:
            await abandon(self._client)
            await abandon(self._reader)
            raise

    async def layouts(self) -> Mapping[str, TopicLayout]:
        """Return every topic that exists, Kafka's own excepted."""
        async with answered(self._connection.answer_timeout, what="list its topics"):
            counts = await self._counts()
            settings = await self._settings(counts)
        return {
            name: TopicLayout(
                name=name,
                partitions=count,
                compacted="compact" in settings[name].get("cleanup.policy", ""),
                retention_ms=_retention(settings[name]),
                clears_ms=_clears(settings[name]),
            )
            for name, count in counts.items()
            if name in settings
        }

    async def create(self, layouts: Sequence[TopicLayout]) -> None:
        """Create these topics, and return once Kafka shows them.

        :raises Rejected: code ``log.partition_count`` if one exists with another count (then none is
            created), code ``log.topic_refused`` if Kafka does not take its layout.
        """
        async with answered(self._connection.answer_timeout, what="create topics"):
            counts = await self._counts()
            _compare_counts(layouts, counts)
            missing = [layout for layout in layouts if layout.name not in counts]
            if missing:
                topics = [_describe(layout, replication=self._replication) for layout in missing]
                answer = await self._client.create_topics(topics)
                for name, error_code, *text in answer.topic_errors:
                    _check_creation(name, error_code, text)
            counts = await self._await_leaders({layout.name for layout in layouts})
        _compare_counts(layouts, counts)  # somebody else may have been quicker

    async def bounds(self, topics: Collection[str]) -> Mapping[TopicPartition, tuple[int, int]]:
        """Return the first offset still held and the next to be written; missing topics are left out."""
        async with answered(self._connection.answer_timeout, what="tell how far its partitions reach"):
            counts = await self._counts()
            partitions = [
                KafkaPartition(name, number)
                for name in sorted(set(topics) & counts.keys())
                for number in range(counts[name])
            ]
            if not partitions:
                return {}
            firsts = await self._reader.beginning_offsets(partitions)
            ends = await self._reader.end_offsets(partitions)
        return {TopicPartition(*partition): (firsts[partition], ends[partition]) for partition in partitions}

    async def stop(self) -> None:
        """Let go of the connections."""
        seconds = self._connection.stop_timeout
        await stop_within(self._client, self._client.close(), seconds=seconds)
        await stop_within(self._reader, self._reader.stop(), seconds=seconds)

    async def _counts(self, *, led: bool = False) -> dict[str, int]:
        """Return the partition counts of the topics; ``led``: only where each partition has a leader."""
        return {
            topic["topic"]: len(topic["partitions"])
            for topic in await self._client.describe_topics()
            if topic["error_code"] == 0
            and not topic["is_internal"]
            and not (led and any(partition["leader"] < 0 for partition in topic["partitions"]))
        }

    async def _await_leaders(self, names: set[str]) -> dict[str, int]:
        """Wait until each partition of these topics has a leader; return the counts."""
        while not names <= (counts := await self._counts(led=True)).keys():  # Kafka tells nobody
            await asyncio.sleep(0.02)
        return counts

    async def _settings(self, names: Collection[str]) -> dict[str, dict[str, str]]:
        """Return the settings of these topics that make a layout."""
        wanted = dict.fromkeys(("cleanup.policy", "retention.ms", "segment.ms", "max.compaction.lag.ms"), "")
        asked = [ConfigResource(ConfigResourceType.TOPIC, name, wanted) for name in names]
        if not asked:
            return {}
        answers = await self._client.describe_configs(asked)
        return {
            name: {entry[0]: entry[1] for entry in entries}
            for answer in answers
            for error_code, _, _, name, entries in answer.resources
            if error_code == 0
        }


def _compare_counts(layouts: Sequence[TopicLayout], counts: Mapping[str, int]) -> None:
    """Raise if one of the topics exists with another count."""
    other = [
        f"{layout.name} has {counts[layout.name]} partitions, not {layout.partitions}"
        for layout in layouts
        if counts.get(layout.name, layout.partitions) != layout.partitions
    ]
    if other:
        raise Rejected(
            "; ".join(other) + "; counts are frozen, grow by a new generation of the topic",
            code="log.partition_count",
        )


def _describe(layout: TopicLayout, *, replication: int | None) -> Any:
    """Return the topic as Kafka is to make it.

    Segments are rolled within hours: only a closed segment is compacted or removed, and erasure is
    promised within days. Times far ahead are taken, so that a simulated clock may write.
    """
    segment = 6 * _HOUR_MS if layout.retention_ms is None else min(6 * _HOUR_MS, layout.retention_ms)
    settings = {
        "cleanup.policy": "compact" if layout.compacted else "delete",
        "retention.ms": _FOREVER if layout.retention_ms is None else layout.retention_ms,
        "retention.bytes": _FOREVER,
        "segment.ms": segment,
        "message.timestamp.type": "CreateTime",
        "message.timestamp.after.max.ms": 2**63 - 1,
    }
    if layout.compacted:
        settings |= {"max.compaction.lag.ms": 12 * _HOUR_MS, "delete.retention.ms": 24 * _HOUR_MS}
        if layout.retention_ms is not None:
            settings["cleanup.policy"] = "compact,delete"
    return NewTopic(
        layout.name,
        layout.partitions,
        replication or -1,
        replica_assignments=None if replication else {},
        topic_configs={name: str(value) for name, value in settings.items()},
    )


def _check_creation(name: str, error_code: int, text: Sequence[str | None]) -> None:
    """Raise what an answer to a creation means; that somebody else was quicker is fine."""
    error = for_code(error_code)
    if error_code == 0 or error is TopicAlreadyExistsError:
        return
    reason = f"{error.__name__}: {text[0]}" if text and text[0] else error.__name__
    if error.retriable:
        raise LogUnavailable(f"Kafka could not create {name} now: {reason}")
    raise Rejected(f"Kafka refuses to create {name}: {reason}", code="log.topic_refused")


def _clears(settings: Mapping[str, str]) -> int | None:
    """Return after how many milliseconds a record's bytes are gone at the latest; None if never.

    Whole segments are removed or compacted, and only once they are closed.
    """
    segment, kept = int(settings.get("segment.ms", _NEVER)), _retention(settings)
    if "compact" not in settings.get("cleanup.policy", ""):
        return None if kept is None or segment == _NEVER else kept + segment
    lag = int(settings.get("max.compaction.lag.ms", _NEVER))
    return None if lag == _NEVER else min(segment, lag) + lag


def _retention(settings: Mapping[str, str]) -> int | None:
    """Return how long records are kept, in milliseconds; None if for good."""
    kept = int(settings.get("retention.ms", _FOREVER))
    return kept if "delete" in settings.get("cleanup.policy", "") and kept >= 0 else None
