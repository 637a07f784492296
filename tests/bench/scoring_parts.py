"""The parts of a run that are scoring's, and which targets they are held against."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.cost import Cost, Meter
from tests.bench.latency.measurement import percentile
from tests.bench.on_scoring.arrivals import measure_arrivals
from tests.bench.on_scoring.clocks import CLOCKS, measure_clocks
from tests.bench.on_scoring.long_lead import EVENTS, measure_long_lead
from tests.bench.on_scoring.rules import measure_rules
from tests.bench.report import Line, tell
from tests.bench.surroundings import Servers

_RATE: float = 2_000.0
APPENDED_EVERY = (0.002, 0.01)
"""How often events are appended, in seconds: as a swarm of producers does, and about as ingest does."""
_P99_MS = 250.0
_RULES = 100_000.0
_LONG_LEAD_MS = 20.0
_SETTLED_SECONDS = 20.0
_RULED_FACTS = 60_000
_MOST_SECONDS = 20.0


async def measure_changes(servers: Servers, *, seconds: float, every: float) -> list[Line]:
    """(h) Scoring's worker alone: from an event's publication to its tier change, at 2,000 a second."""
    tell(f"(h) events to tier changes, scoring alone on Kafka: {_RATE:,.0f} events/s, every {every:g} s")
    found = await measure_arrivals(servers, rate=_RATE, seconds=min(seconds, _MOST_SECONDS), every=every)
    what = f"event to tier change at {found.per_second:,.0f} events/s, appended every {every * 1000:g} ms"
    p50, p95, p99 = (percentile(found.changes, share) * 1000 for share in (0.5, 0.95, 0.99))
    used = f"cores: worker {found.cores:.2f}, PostgreSQL {found.postgres:.2f}, Kafka {found.kafka:.2f}"
    late = percentile(found.late, 0.99) * 1000
    return [
        Line(part="h", what=f"{what}, p50", figure=p50, unit=" ms"),
        Line(part="h", what=f"{what}, p95", figure=p95, unit=" ms"),
        Line(
            part="h",
            what=f"{what}, p99",
            figure=p99,
            unit=" ms",
            target=_P99_MS,
            holds="below",
            remark=f"{len(found.changes):,} tier changes; the append itself p99 {late:.1f} ms; {used}",
        ),
    ]


def measure_evaluation() -> list[Line]:
    """(i) Rule evaluation alone, one core."""
    tell(f"(i) rule evaluation alone: {_RULED_FACTS:,} facts of 2,000 leads")
    return [
        Line(
            part="i",
            what=f"rule evaluation alone, {name.replace('_', ' ')}",
            figure=per_second,
            unit="/s",
            target=None if name.startswith("all") else _RULES,
        )
        for name, per_second in measure_rules(facts=_RULED_FACTS).items()
    ]


async def measure_a_long_lead(servers: Servers) -> list[Line]:
    """(j) A lead with 10,000 events: why, over HTTP, and late events, by scoring's step."""
    tell(f"(j) a lead with {EVENTS:,} events: why, and late events")
    found = await measure_long_lead(servers)
    return [
        *_quantiles("j", "why, over HTTP", found.why, remark=f"up to {found.lines} lines a model"),
        *_quantiles("j", "why as of any instant of 90 days", found.as_of),
        *(
            line
            for how, lasted in found.late.items()
            for line in _quantiles("j", f"a late event: {how}", lasted)
        ),
    ]


def _quantiles(part: str, what: str, seconds: Sequence[float], *, remark: str = "") -> list[Line]:
    p50, p99 = (percentile(seconds, share) * 1000 for share in (0.5, 0.99))
    return [
        Line(part=part, what=f"{what}, p50", figure=p50, unit=" ms"),
        Line(
            part=part,
            what=f"{what}, p99",
            figure=p99,
            unit=" ms",
            target=_LONG_LEAD_MS,
            holds="below",
            remark=remark,
        ),
    ]


async def measure_settling(servers: Servers, *, workers: int) -> Line:
    """(k) Decay timers that are due in one second, so many worker processes on Kafka."""
    tell(f"(k) {CLOCKS:,} decay timers due in one second, {workers} workers")
    found = await measure_clocks(servers, Meter(servers), workers=workers)
    cost: Cost = found.cost
    return Line(
        part="k",
        what=f"{CLOCKS:,} decay timers, {workers} workers, settled in",
        figure=cost.wall,
        unit=" s",
        target=_SETTLED_SECONDS,
        holds="below",
        remark=f"due within {found.due_within:.2f} s; seconds of processor: own {cost.own:.1f},"
        f" PostgreSQL {cost.postgres:.1f}, Kafka {cost.kafka:.1f}",
    )
