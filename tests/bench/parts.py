"""The parts of a run but scoring's own: what is compared with what, and which targets it is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.testing.kafka_broker import find_kafka
from tests.bench.cost import Meter
from tests.bench.latency.measurement import (
    EVENTS_PER_REQUEST,
    Latencies,
    measure_engine,
    measure_platform,
    percentile,
)
from tests.bench.on_door.deployment import LogKind
from tests.bench.on_door.lines import lines_of
from tests.bench.on_door.measurement import measure_door
from tests.bench.on_mill.measurement import measure_mill
from tests.bench.on_resolver.measurement import measure_telling
from tests.bench.on_resolver.sharing import TWO_WORKERS, two_workers
from tests.bench.on_services import contenders as services
from tests.bench.on_services.workload import prepare_services
from tests.bench.on_tally import contenders as tally
from tests.bench.on_tally import faststream_peer as peer
from tests.bench.on_tally.workload import TallyWorkload, prepare_tally
from tests.bench.profile import Sampler, print_profile, stage_micros
from tests.bench.report import Line, tell
from tests.bench.rounds import Contender, Rounds, describe, interleave
from tests.bench.surroundings import Servers, start_servers

_WITHOUT_TIMERS = 0.8
_WITH_TIMERS = 0.65
_SERVICES = 0.5
_LIVE_SCORING = 0.4
_PEER = 1.5
_P99_MS = 250.0
_LEADS_PER_SECOND = 200.0
_DOOR_SECONDS = 4.0
_RESOLVED = 8_000.0
_TOLD_P99_MS = 150.0


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much is measured: rounds, events per run, and for latencies events per second and seconds."""

    rounds: int
    events: int
    rate: float
    seconds: float

    @property
    def service_events(self) -> int:
        """Events per run of a service: they cost several times as much as those of tally."""
        return self.events // 4


async def compare_with_bare_loops(servers: Servers, extent: Extent) -> list[Line]:
    """(a) The processor, and ingest's and scoring's own steps, against bare loops."""
    tell(f"(a) the processor against the bare loop, on tally: {extent.events:,} events a run")
    workload = await prepare_tally(servers, events=extent.events)
    rounds = await interleave(servers, tally.tally_contenders(workload), rounds=extent.rounds)
    lines = [
        _rate("a", rounds, tally.PROCESSOR),
        _rate("a", rounds, tally.BARE),
        _ratio("a", rounds, tally.PROCESSOR, tally.BARE, target=_WITHOUT_TIMERS),
        _rate("a", rounds, tally.WITH_TIMERS),
        _ratio("a", rounds, tally.WITH_TIMERS, tally.BARE, target=_WITH_TIMERS),
    ]
    tell(f"(a) ingest and scoring against bare loops: {extent.service_events:,} events a run")
    traffic = await prepare_services(servers, events=extent.service_events)
    for contenders, ours, bare in (
        (services.scoring_contenders(traffic), services.SCORING, services.BARE_SCORING),
        (services.ingest_contenders(traffic), services.INGEST, services.BARE_INGEST),
    ):
        rounds = await interleave(servers, contenders, rounds=extent.rounds)
        lines += [
            _rate("a", rounds, ours),
            _rate("a", rounds, bare),
            _ratio("a", rounds, ours, bare, target=_SERVICES),
        ]
    return lines


async def compare_scoring(servers: Servers, extent: Extent) -> list[Line]:
    """(g) Live scoring with all models that ship, against a bare loop that writes the same rows."""
    tell(f"(g) scoring with all models against a bare loop: {extent.service_events:,} events a run")
    traffic = await prepare_services(servers, events=extent.service_events)
    rounds = await interleave(servers, services.scoring_contenders(traffic), rounds=extent.rounds)
    models = ", ".join(model.name for model in traffic.models.models)
    ratio = _ratio("g", rounds, services.SCORING, services.BARE_SCORING, target=_LIVE_SCORING)
    return [
        _rate("g", rounds, services.SCORING),
        _rate("g", rounds, services.BARE_SCORING),
        replace(ratio, remark=f"{ratio.remark}; {models}"),
    ]


async def compare_with_peer(servers: Servers, extent: Extent) -> list[Line]:
    """(b) The processor against a FastStream consumer with the same guarantee."""
    tell(f"(b) the processor against FastStream, on tally: {extent.events:,} events a run")
    workload = await prepare_tally(servers, events=extent.events)
    ours = [one for one in tally.tally_contenders(workload) if one.name == tally.PROCESSOR]
    rounds = await interleave(servers, [*ours, *peer.peer_contenders(workload)], rounds=extent.rounds)
    return [
        _rate("b", rounds, tally.PROCESSOR),
        _rate("b", rounds, peer.DOCUMENTED),
        _rate("b", rounds, peer.STRIPPED),
        _ratio("b", rounds, tally.PROCESSOR, peer.DOCUMENTED, target=_PEER),
        _ratio("b", rounds, tally.PROCESSOR, peer.STRIPPED),
    ]


async def measure_latencies(extent: Extent) -> list[Line]:
    """(c) From the HTTP request to the tier change: ingest and scoring alone, and the whole platform."""
    lines: list[Line] = []
    pace = f"{extent.rate:,.0f} events/s for {extent.seconds:.0f} s"
    tell(f"(c) requests to tier changes, ingest and scoring on Kafka: {pace}")
    with start_servers() as servers:
        found = await measure_engine(servers, rate=extent.rate, seconds=extent.seconds)
    lines += _latencies("ingest and scoring, a process each, Kafka", found)
    tell(f"(c) requests to tier changes, all services in one process, embedded log: {pace}")
    found = await measure_platform(log="embedded", kafka="", rate=extent.rate, seconds=extent.seconds)
    lines += _latencies("all in one process, embedded", found)
    tell(f"(c) requests to tier changes, all services in one process, Kafka: {pace}")
    with find_kafka(disposable=True, measured=True) as broker:
        found = await measure_platform(
            log="kafka", kafka=broker.address, rate=extent.rate, seconds=extent.seconds
        )
    return lines + _latencies("all in one process, Kafka", found)


def _latencies(who: str, found: Latencies) -> list[Line]:
    said = f"{len(found.changes):,} tier changes at {found.per_second:,.0f} events/s"
    used = f"{found.cores:.2f} cores used"
    tell(f"  {said}; {used}")

    quantiles = [
        Line(
            part="c",
            what=f"{who}, p{share:.0%}".rstrip("%"),
            figure=percentile(found.changes, share) * 1000,
            unit=" ms",
        )
        for share in (0.5, 0.95)
    ]
    slowest = percentile(found.changes, 0.99) * 1000
    answer = percentile(found.answers, 0.99) * 1000
    return [
        *quantiles,
        Line(
            part="c",
            what=f"{who}, p99",
            figure=slowest,
            unit=" ms",
            target=_P99_MS,
            holds="below",
            remark=f"{said}; {used}",
        ),
        Line(part="c", what=f"{who}, answer to {EVENTS_PER_REQUEST} events, p99", figure=answer, unit=" ms"),
    ]


async def measure_the_mill(servers: Servers, extent: Extent) -> list[Line]:
    """(d) The whole chain, a process for each service: rate, shares, and time from request to owner."""
    events = extent.service_events
    tell(f"(d) all services: {events:,} events at once, then {_LEADS_PER_SECOND:.0f} leads a second")
    found = await measure_mill(servers, events=events, rate=_LEADS_PER_SECOND, seconds=extent.seconds)
    shares = ", ".join(f"{name} {share:.0%}" for name, share in found.shares.items())
    milliseconds = [value * 1000 for value in found.owned]
    what = f"request to assignment at {_LEADS_PER_SECOND:.0f} leads/s"
    return [
        Line(
            part="d",
            what="events in until everything settled, all services",
            figure=found.per_second,
            unit="/s",
            remark=f"of the services' processor time: {shares}",
        ),
        Line(part="d", what=f"{what}, p50", figure=percentile(milliseconds, 0.5), unit=" ms"),
        Line(
            part="d",
            what=f"{what}, p99",
            figure=percentile(milliseconds, 0.99),
            unit=" ms",
            remark=f"{found.leads:,} leads, each owned",
        ),
    ]


async def measure_the_door(servers: Servers, extent: Extent) -> list[Line]:
    """(e) The edge on a core of its own against FastAPI's usual way, on Kafka and on the embedded log."""
    lines: list[Line] = []
    logs: Sequence[LogKind] = ("kafka", "embedded")
    for log in logs:
        tell(f"(e) the front door on {log}: single events, batches, and half load")
        found = await measure_door(
            servers, log=log, rounds=extent.rounds, seconds=min(extent.seconds, _DOOR_SECONDS)
        )
        lines += lines_of(found, log=log)
    return lines


async def measure_the_resolver(servers: Servers, extent: Extent) -> list[Line]:
    """(f) Ingest's resolver alone on Kafka: from the raw topic to what it says, at a rate and at once."""
    tell(
        f"(f) the resolver on Kafka: {extent.rate:,.0f} events a second, then {extent.service_events:,} a run"
    )
    told = await measure_telling(servers, rate=extent.rate, seconds=extent.seconds)
    workload = await prepare_services(servers, events=extent.service_events)
    ours = [one for one in services.ingest_contenders(workload) if one.name == services.INGEST]
    ours.append(two_workers(workload))
    rounds = await interleave(servers, ours, rounds=extent.rounds)
    what = f"raw topic to leads and behaviour at {told.per_second:,.0f} events/s"
    p50, p99 = (percentile(told.latencies, share) * 1000 for share in (0.5, 0.99))
    late = percentile(told.late, 0.99) * 1000
    return [
        replace(_rate("f", rounds, services.INGEST), target=_RESOLVED),
        replace(_rate("f", rounds, TWO_WORKERS), target=_RESOLVED),
        Line(part="f", what=f"{what}, p50", figure=p50, unit=" ms"),
        Line(
            part="f",
            what=f"{what}, p99",
            figure=p99,
            unit=" ms",
            target=_TOLD_P99_MS,
            holds="below",
            remark=f"the append itself p99 {late:.1f} ms; {told.cores:.2f} cores",
        ),
    ]


async def profile_resolver(servers: Servers, extent: Extent) -> None:
    """Print where the resolver's time goes."""
    workload = await prepare_services(servers, events=extent.service_events)
    await _profile(servers, services.ingest_contenders(workload)[:1])


async def profile_scoring(servers: Servers, extent: Extent) -> None:
    """Print where scoring's time goes, and that of its bare loop."""
    traffic = await prepare_services(servers, events=extent.service_events)
    await _profile(servers, services.scoring_contenders(traffic))


async def profile_tally(servers: Servers, extent: Extent) -> None:
    """Print where the time goes: the processor, the same with clocks, and the bare loop."""
    tell(f"profile of (a), on tally: {extent.events:,} events a run, after a run that warms up")
    workload: TallyWorkload = await prepare_tally(servers, events=extent.events)
    await _profile(servers, tally.tally_contenders(workload))
    traffic = await prepare_services(servers, events=extent.service_events)
    await _profile(servers, [*services.scoring_contenders(traffic), *services.ingest_contenders(traffic)])


async def _profile(servers: Servers, contenders: Sequence[Contender]) -> None:
    for contender in contenders:
        tell(f"  {contender.name:<34} {describe(await contender.run(Meter(servers)))}")
        sampler = Sampler()
        meter = Meter(servers, around=sampler.sampling())
        cost = await contender.run(meter)
        print_profile(contender.name, cost, sampler, stage_micros(meter.registry, events=cost.events))


def _rate(part: str, rounds: Rounds, name: str) -> Line:
    cost = rounds.typical(name)
    return Line(
        part=part,
        what=name,
        figure=cost.per_second,
        unit="/s",
        remark=f"us of processor time an event: own {cost.own_micros:.1f},"
        f" PostgreSQL {cost.postgres_micros:.1f}, Kafka {cost.kafka_micros:.1f}",
    )


def _ratio(part: str, rounds: Rounds, ours: str, other: str, *, target: float | None = None) -> Line:
    return Line(
        part=part,
        what=f"{ours} : {other}",
        figure=rounds.ratio(ours, other),
        target=target,
        remark=f"by own processor time {rounds.own_ratio(ours, other):.2f}",
    )
