"""The figures of the door as lines of the report, with the targets that they are held against."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final

from tests.bench.latency.measurement import percentile
from tests.bench.on_door.deployment import LogKind
from tests.bench.on_door.measurement import CONNECTIONS, DoorFigures, Reached
from tests.bench.on_door.requests import BATCH_SIZE
from tests.bench.report import Line

_RATIO: Final = 4.0
_BATCHED_PER_SECOND: Final = 60_000.0
_P99_MS: Final = 25.0


def lines_of(found: DoorFigures, *, log: LogKind) -> list[Line]:
    """Return the figures; those on Kafka have targets."""
    has_target = log == "kafka"
    peer = "one send_and_wait" if log == "kafka" else "one INSERT"
    singles = f"single events at {CONNECTIONS} connections, {log}"
    return [
        _rate(f"the edge, {singles}", found.ours),
        _rate(f"FastAPI and {peer} a request, {singles}", found.peer),
        Line(
            part="e",
            what=f"the edge : FastAPI, {log}",
            figure=found.ratio,
            target=_RATIO if has_target else None,
            remark=f"by own processor time {found.own_ratio:.2f}",
        ),
        _rate(
            f"the edge, batches of {BATCH_SIZE}, {log}",
            found.batches,
            target=_BATCHED_PER_SECOND if has_target else None,
        ),
        *(
            Line(
                part="e",
                what=f"the edge, {found.half_rate:,.0f} single events/s, {log}, p{share:.0%}".rstrip("%"),
                figure=percentile(found.at_half, share) * 1000,
                unit=" ms",
                target=_P99_MS if has_target and share == 0.99 else None,
                holds="below",
            )
            for share in (0.5, 0.99)
        ),
        Line(
            part="e",
            what="the sender against a server that does nothing",
            figure=found.nothing.per_second,
            unit="/s",
            remark=f"{found.nothing.sender:.2f} cores",
        ),
    ]


def _rate(what: str, reached: Sequence[Reached], *, target: float | None = None) -> Line:
    typical = sorted(reached, key=lambda one: one.per_second)[len(reached) // 2]
    return Line(
        part="e",
        what=what,
        figure=median(one.per_second for one in reached),
        unit="/s",
        target=target,
        remark=f"cores: server {typical.cores:.2f}, sender {typical.sender:.2f}, log {typical.broker:.2f};"
        f" server {typical.micros:.1f} us an event",
    )
