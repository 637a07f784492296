"""Ingest and scoring in the processor, and each in a bare loop."""

from __future__ import annotations

from functools import partial

from prometheus_client import CollectorRegistry

from services.ingest import bootstrap as ingest
from services.ingest.domain.identifiers import identifier_hasher
from services.ingest.handlers.reading import RawReader
from services.ingest.store.documents import read_rulebook
from services.scoring import bootstrap as scoring
from shared.contracts.topics import INTERNAL, SCORES
from shared.kernel.clock import SimulatedClock
from tests.bench.cost import Cost, Meter
from tests.bench.loops.bare import BareLoop
from tests.bench.loops.processor import ProcessorRun
from tests.bench.on_services.bare_ingest import IngestWork
from tests.bench.on_services.bare_scoring import ScoringWork
from tests.bench.on_services.results import check_same, ingest_results, scoring_results
from tests.bench.on_services.traffic import IDENTITY_KEY
from tests.bench.on_services.workload import CONFIG, ServicesWorkload, build_resolver
from tests.bench.rounds import Contender
from tests.bench.surroundings import PARTITIONS, ends_of, open_fresh

INGEST = "ingest's step"
BARE_INGEST = "bare loop, ingest's rows"
SCORING = "scoring's step"
BARE_SCORING = "bare loop, scoring's rows"


def scoring_contenders(workload: ServicesWorkload) -> list[Contender]:
    """Return scoring and its bare loop."""
    return [
        Contender(name=SCORING, run=partial(_score, workload, is_bare=False)),
        Contender(name=BARE_SCORING, run=partial(_score, workload, is_bare=True)),
    ]


def ingest_contenders(workload: ServicesWorkload) -> list[Contender]:
    """Return ingest and its bare loop."""
    return [
        Contender(name=INGEST, run=partial(_ingest, workload, is_bare=False)),
        Contender(name=BARE_INGEST, run=partial(_ingest, workload, is_bare=True)),
    ]


async def _score(workload: ServicesWorkload, meter: Meter, *, is_bare: bool) -> Cost:
    servers, told = workload.servers, workload.told
    stage = scoring.build_stage(workload.models, partitions=PARTITIONS)
    before = await ends_of(servers, stage.outputs)
    async with open_fresh(servers, scoring.NAME, migrations=scoring.MIGRATIONS) as database:
        if is_bare:
            work = ScoringWork(workload.models)
            loop = BareLoop(
                servers=servers, schema=scoring.NAME, work=work, starts=told.starts, events=told.events
            )
            cost = await loop.run(meter)
        else:
            read_back = await ends_of(servers, [SCORES.name, INTERNAL[scoring.NAME].name])
            cost = await ProcessorRun(
                servers=servers,
                stage=stage,
                clock=SimulatedClock(workload.end),
                starts={**told.starts, **read_back},
                goals=told.goals,
            ).run(database, meter)
        results = await scoring_results(servers, database, before, models=workload.models)
    check_same(results, workload.scored.setdefault("", results), who=BARE_SCORING if is_bare else SCORING)
    return cost


async def _ingest(workload: ServicesWorkload, meter: Meter, *, is_bare: bool) -> Cost:
    servers, raw = workload.servers, workload.raw
    resolver = build_resolver(CollectorRegistry())
    before = await ends_of(servers, resolver.outputs)
    async with open_fresh(servers, ingest.NAME, migrations=ingest.MIGRATIONS) as database:
        if is_bare:
            rulebook = read_rulebook(CONFIG / ingest.NAME, default_region="CN")
            hasher = identifier_hasher(IDENTITY_KEY)
            work = IngestWork(RawReader(rulebook, hash_identifier=hasher), resolver._take_in)
            loop = BareLoop(
                servers=servers, schema=ingest.NAME, work=work, starts=raw.starts, events=raw.events
            )
            cost = await loop.run(meter)
        else:
            mirrors = await ends_of(servers, resolver.mirrors)
            cost = await ProcessorRun(
                servers=servers,
                stage=resolver,
                clock=SimulatedClock(workload.end),
                starts={**raw.starts, **mirrors},
                goals=raw.goals,
            ).run(database, meter)
        results = await ingest_results(servers, database, before)
    check_same(results, workload.ingested, who=BARE_INGEST if is_bare else INGEST)
    return cost
