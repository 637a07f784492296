"""Lets topics age: in the embedded log by its own tidying, in Kafka by shortening what it keeps."""

from __future__ import annotations

import asyncio

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.contracts.topics import all_topics
from shared.kernel.instants import DAY, HOUR, MILLISECOND
from shared.log.embedded.log import EmbeddedLog
from shared.log.port import NewRecord, TopicPartition
from shared.testing.java_broker import JavaBroker
from shared.testing.kafka_node import KafkaBroker
from tests.journeys.site import Site
from tests.operations.erasure_grep.looking import look_into_files, look_into_topics

_BEATS = 40
_BETWEEN_BEATS = 2.0


async def let_embedded_age(site: Site) -> None:
    """Tidy as the platform does every few minutes, forty days on."""
    log = site.platform.ground.log
    assert isinstance(log, EmbeddedLog)
    await log.tidy((site.now + 40 * DAY) // MILLISECOND)


class KafkaAgeing:
    """Shortens what topics with a stated retention keep, and hurries the broker.

    Compacted topics keep the segments that they are laid out with, and hear nothing but what ingest says by
    itself (``services.ingest.jobs.wiping``). Of the others every partition hears a beat, because only an
    append closes a segment, and retention is by size, because the records of a simulated clock lie ahead of
    the broker's.
    """

    def __init__(self, broker: KafkaBroker) -> None:
        self._address = broker.address
        self.folder = broker.data if isinstance(broker, JavaBroker) else None

    async def __call__(self, site: Site) -> None:
        """Age, and wait until nothing of the person is left on any topic, nor in the broker's own files."""
        log = site.platform.ground.log
        partitions = site.platform.resources.partitions
        admin = AIOKafkaAdminClient(bootstrap_servers=self._address)
        await admin.start()
        try:
            for topic in all_topics():
                if topic.retention is None and not topic.compacted:
                    continue
                kept = {"message.timestamp.after.max.ms": str(2**63 - 1), "file.delete.delay.ms": "1"}
                if topic.compacted:
                    kept |= {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.001"}
                    kept |= {"segment.ms": str(6 * HOUR // MILLISECOND)}
                else:
                    kept |= {"cleanup.policy": "delete", "retention.bytes": "1", "retention.ms": "1"}
                    kept |= {"segment.ms": "1"}
                resource = ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=kept)
                await admin.alter_configs([resource])
        finally:
            await admin.close()
        left = set(await look_into_topics(log))
        for beat in range(_BEATS):
            if not left and not self.look_into_files():
                return
            await self._beat(site, partitions, beat)
            await asyncio.sleep(_BETWEEN_BEATS)
            left = set(await look_into_topics(log, left))
        print(f"kafka: still there after {_BEATS} beats: {', '.join(sorted(left))}")

    def look_into_files(self) -> dict[str, set[str]]:
        """What of the person stands in the broker's files, where they can be reached."""
        return {} if self.folder is None else look_into_files(self.folder)

    async def _beat(self, site: Site, partitions: int, number: int) -> None:
        """Append an empty record far ahead in time to every partition that is to be removed."""
        producer = site.platform.ground.log.producer(name=f"beat-{number}")
        await producer.start()
        at = (site.now + (2 + number) * DAY) // MILLISECOND
        filler = NewRecord(b"beat", None, [], at)
        for topic in all_topics():
            if topic.retention is not None:
                targets = [(TopicPartition(topic.name, place), [filler]) for place in range(partitions)]
                await producer.append(targets)
        await producer.stop()
