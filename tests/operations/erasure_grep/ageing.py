"""Lets topics age: in the embedded log by its own tidying, in Kafka by shortening what it keeps."""

from __future__ import annotations

import asyncio

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.contracts.topics import all_topics
from shared.kernel.instants import DAY, MILLISECOND
from shared.log.embedded.log import EmbeddedLog
from shared.log.port import NewRecord, TopicPartition
from tests.journeys.site import Site
from tests.operations.erasure_grep.looking import look_into_topics

_LOOKS = 240
_BETWEEN_LOOKS = 0.5


async def let_embedded_age(site: Site) -> None:
    """Tidy as the platform does every few minutes, forty days on."""
    log = site.platform.ground.log
    assert isinstance(log, EmbeddedLog)
    await log.tidy((site.now + 40 * DAY) // MILLISECOND)


class KafkaAgeing:
    """Shortens what topics with a stated retention keep, and lets every partition hear a beat.

    Only a closed segment is compacted or removed, and only an append closes one: an idle partition needs a
    beat. Retention is by size here, because the records of a simulated clock lie ahead of the broker's.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    async def __call__(self, site: Site) -> None:
        """Age, and wait until nothing of the person is left on any topic."""
        log = site.platform.ground.log
        partitions = site.platform.resources.partitions
        admin = AIOKafkaAdminClient(bootstrap_servers=self._address)
        await admin.start()
        try:
            for topic in all_topics():
                if topic.retention is None and not topic.compacted:
                    continue
                kept = {"segment.ms": "1", "max.compaction.lag.ms": "1", "min.cleanable.dirty.ratio": "0.001"}
                kept |= {"cleanup.policy": "compact" if topic.compacted else "delete"}
                kept |= {"message.timestamp.after.max.ms": str(2**63 - 1)}
                kept |= {} if topic.compacted else {"retention.bytes": "1", "retention.ms": "1"}
                resource = ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=kept)
                await admin.alter_configs([resource])
        finally:
            await admin.close()
        for beat in range(_LOOKS):
            if not await look_into_topics(log):
                return
            if beat % 10 == 0:
                await self._beat(site, partitions, beat)
            await asyncio.sleep(_BETWEEN_LOOKS)

    async def _beat(self, site: Site, partitions: int, number: int) -> None:
        """Append an empty record far ahead in time to every partition that is to be compacted or removed."""
        producer = site.platform.ground.log.producer(name=f"beat-{number}")
        await producer.start()
        at = (site.now + (2 + number) * DAY) // MILLISECOND
        filler = NewRecord(b"beat", None, [], at)
        for topic in all_topics():
            if topic.retention is not None or topic.compacted:
                targets = [(TopicPartition(topic.name, place), [filler]) for place in range(partitions)]
                await producer.append(targets)
        await producer.stop()
