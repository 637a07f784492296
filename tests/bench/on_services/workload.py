"""The morning's traffic in the raw topic, and what ingest made of it, as scoring's input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from leadmill.platform.topics import apply_topics
from services.ingest import bootstrap as ingest
from services.ingest.metrics import IngestMetrics
from services.ingest.store.resolver import Resolver
from services.scoring import bootstrap as scoring
from services.scoring.domain.scoring_models.compiled import ModelSet
from shared.contracts.topics import RAW, partition_of
from shared.kernel.clock import SimulatedClock
from shared.kernel.instants import Instant
from shared.log.port import NewRecord, TopicPartition
from shared.runtime.clock import SystemClock
from tests.bench.cost import Meter
from tests.bench.loops.processor import ProcessorRun
from tests.bench.on_services.results import Results, ingest_results
from tests.bench.on_services.traffic import (
    EVENTS_PER_VISITOR,
    IDENTITY_KEY,
    LASTS,
    make_calls,
    stamp_calls,
)
from tests.bench.surroundings import PARTITIONS, Servers, ends_of, open_fresh

CONFIG: Final = Path(__file__).parents[3] / "config"
_RECORDS_AT_ONCE: Final = 5_000
_SCORED: Final = ("leadmill.leads", "leadmill.behaviour")

Positions = Mapping[TopicPartition, int]


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """From where to where a service reads."""

    starts: Positions
    goals: Positions

    @property
    def events(self) -> int:
        """How many records lie between."""
        return sum(self.goals.values()) - sum(self.starts[target] for target in self.goals)


@dataclass(frozen=True, kw_only=True)
class ServicesWorkload:
    """What ingest reads and what scoring reads; ``ingested`` is what must come of the first.

    ``end`` lies behind all of it, and ``visitors`` made it. ``scored`` holds the results of scoring's first
    run, that all others are held against.
    """

    servers: Servers
    end: Instant
    visitors: int
    raw: Stretch
    told: Stretch
    ingested: Results
    scored: dict[str, Results] = field(default_factory=dict)

    @cached_property
    def models(self) -> ModelSet:
        """The scoring models as shipped."""
        return scoring.load_models(CONFIG)


def build_resolver(registry: CollectorRegistry) -> Resolver:
    """Return ingest's stage by the documents as shipped."""
    return ingest.build_resolver(CONFIG, identity_key=IDENTITY_KEY, metrics=IngestMetrics(registry))


async def prepare_services(servers: Servers, *, events: int) -> ServicesWorkload:
    """Put about ``events`` calls into the raw topic and let ingest tell of them once."""
    await apply_topics(servers.log, partitions=PARTITIONS)
    starts = await ends_of(servers, [RAW.name])
    end = SystemClock().now()
    visitors = max(1, events // EVENTS_PER_VISITOR)
    await fill_raw(servers, visitors=visitors, end=end)
    raw = Stretch(starts=starts, goals=await ends_of(servers, [RAW.name]))
    resolver = build_resolver(CollectorRegistry())
    begin = await ends_of(servers, [*resolver.outputs])
    async with open_fresh(servers, ingest.NAME, migrations=ingest.MIGRATIONS) as database:
        mirrors = await ends_of(servers, resolver.mirrors)
        run = ProcessorRun(
            servers=servers,
            stage=resolver,
            clock=SimulatedClock(end),
            starts={**raw.starts, **mirrors},
            goals=raw.goals,
        )
        await run.run(database, Meter(servers))
        ingested = await ingest_results(servers, database, begin)
    told = Stretch(
        starts={target: at for target, at in begin.items() if target.topic in _SCORED},
        goals=await ends_of(servers, _SCORED),
    )
    return ServicesWorkload(
        servers=servers, end=end, visitors=visitors, raw=raw, told=told, ingested=ingested
    )


async def fill_raw(servers: Servers, *, visitors: int, end: Instant) -> None:
    """Put the calls of the hours before ``end`` into the raw topic; always the same ones."""
    calls = make_calls(visitors=visitors, begin=end - LASTS)
    await _append(servers, stamp_calls(calls))


async def _append(servers: Servers, records: list[NewRecord]) -> None:
    producer = servers.log.producer(name="bench-fill")
    await producer.start()
    try:
        for begin in range(0, len(records), _RECORDS_AT_ONCE):
            batches: dict[TopicPartition, list[NewRecord]] = {}
            for record in records[begin : begin + _RECORDS_AT_ONCE]:
                target = TopicPartition(RAW.name, partition_of(record.key or b"", PARTITIONS))
                batches.setdefault(target, []).append(record)
            await producer.append(list(batches.items()))
    finally:
        await producer.stop()
