"""Analytics as it runs, on either log and under a simulated clock."""

from __future__ import annotations

from typing import NamedTuple

from prometheus_client import CollectorRegistry

from services.analytics.bootstrap import build, build_stage
from services.analytics.metrics import AnalyticsMetrics
from shared.contracts.declarations import DECLARED
from shared.contracts.topics import partition_of
from shared.kernel.clock import SimulatedClock
from shared.kernel.instants import MILLISECOND
from shared.log.port import Log, NewRecord, TopicPartition
from tests.services.surroundings.logs import PARTITIONS
from tests.services.surroundings.stand import ServiceStand, resources_of
from tests.unit.analytics.telling import CONFIG, START, Told, rulebook


class Word(NamedTuple):
    """An event as a record, and where it goes."""

    target: TopicPartition
    record: NewRecord


class Stand(ServiceStand):
    """Analytics on one database and one log."""

    def __init__(self, log: Log, url: str) -> None:
        self.stage = build_stage(
            rulebook(), partitions=PARTITIONS, metrics=AnalyticsMetrics(CollectorRegistry())
        )
        clock = SimulatedClock(START)
        blueprint = build(resources_of(log, url, clock, config=CONFIG.parent))
        super().__init__(self.stage, blueprint, log=log, clock=clock)

    async def hear(self, *said: Told) -> None:
        """Append events, in this order per partition."""
        await self.feed(*map(_word, said))

    async def take_in(self, *said: Told) -> None:
        """Append events and wait until they have had their effect."""
        await self.learn(*map(_word, said))


def _word(said: Told) -> Word:
    return Word(target_of(said), NewRecord(said.key.encode(), said.value(), [], said.received // MILLISECOND))


def target_of(said: Told) -> TopicPartition:
    """The partition that an event goes to."""
    topic = DECLARED.of_struct(type(said.event)).topics[0].name
    return TopicPartition(topic, partition_of(said.key, PARTITIONS))
