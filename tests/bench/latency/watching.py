"""Watches a topic from outside the platform, and notes when the first record of a chain can be read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

import asyncpg
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition

from leadmill.platform.ground import LOG_SCHEMA
from shared.contracts.envelope import decode_envelope
from shared.contracts.topics import TIER_CHANGES
from shared.log.embedded.records import unpack_records
from shared.log.port import TopicPartition
from tests.bench.surroundings import PARTITIONS

_LOOK_SECONDS: Final = 0.004
"""How often the embedded log is looked at; on average half of it is in the figures."""

_FIND: Final = """
SELECT p.partition, b.first_offset, b.last_offset, b.places, b.payload
FROM unnest($2::int[], $3::bigint[]) AS a(partition, position)
JOIN partition p ON p.topic = $1 AND p.partition = a.partition AND p.next_offset > a.position
JOIN record_batch b ON b.topic = $1 AND b.partition = a.partition AND b.last_offset >= a.position
ORDER BY p.partition, b.last_offset
"""


class Watcher(Protocol):
    """Notes when tier changes can be read."""

    @property
    def seen(self) -> dict[str, float]:
        """By the id of the message that began the chain: when its first tier change could be read."""
        ...

    async def start(self) -> None:
        """Begin behind what is there."""
        ...

    async def run(self) -> None:
        """Watch until cancelled."""
        ...

    async def stop(self) -> None:
        """Let go."""
        ...


def _note(seen: dict[str, float], values: Iterable[bytes | None]) -> None:
    now = asyncio.get_running_loop().time()
    for value in values:
        if value is not None:
            envelope = decode_envelope(value)
            for cause in (envelope.correlationid, envelope.causationid):
                if cause:
                    seen.setdefault(cause, now)


class KafkaWatcher:
    """Reads topics with a consumer of its own, as another service would."""

    def __init__(self, kafka: str, *, topics: Sequence[str] = (TIER_CHANGES.name,)) -> None:
        self.seen: dict[str, float] = {}
        self._topics = topics
        self._consumer: Any = AIOKafkaConsumer(
            bootstrap_servers=kafka, enable_auto_commit=False, fetch_max_wait_ms=100
        )

    async def start(self) -> None:
        """Begin at the end."""
        await self._consumer.start()
        partitions = [KafkaPartition(topic, number) for topic in self._topics for number in range(PARTITIONS)]
        self._consumer.assign(partitions)
        for partition, end in (await self._consumer.end_offsets(partitions)).items():
            self._consumer.seek(partition, end)

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            fetched = await self._consumer.getmany(timeout_ms=100)
            _note(self.seen, (record.value for records in fetched.values() for record in records))

    async def stop(self) -> None:
        """Let go."""
        await self._consumer.stop()


class EmbeddedWatcher:
    """Reads the table of the embedded log; another process is not woken, so it looks often."""

    def __init__(self, url: str) -> None:
        self.seen: dict[str, float] = {}
        self._url = url
        self._connection: Any = None
        self._positions = dict.fromkeys(range(PARTITIONS), 0)

    async def start(self) -> None:
        """Begin at the end."""
        self._connection = await asyncpg.connect(self._url, server_settings={"search_path": LOG_SCHEMA})
        rows = await self._connection.fetch(
            "SELECT partition, next_offset FROM partition WHERE topic = $1", TIER_CHANGES.name
        )
        self._positions = {row["partition"]: row["next_offset"] for row in rows}

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            positions = self._positions
            rows = await self._connection.fetch(
                _FIND, TIER_CHANGES.name, list(positions), list(positions.values())
            )
            for row in rows:
                number = row["partition"]
                records = unpack_records(
                    TopicPartition(TIER_CHANGES.name, number),
                    first_offset=row["first_offset"],
                    places=row["places"],
                    payload=row["payload"],
                )
                _note(self.seen, (record.value for record in records))
                positions[number] = row["last_offset"] + 1
            await asyncio.sleep(_LOOK_SECONDS)

    async def stop(self) -> None:
        """Let go."""
        if self._connection is not None:
            await self._connection.close()
