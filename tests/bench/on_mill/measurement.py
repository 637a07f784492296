"""Sends a morning at full speed, then ready buyers at a steady rate, and measures what becomes of them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from shared.contracts.topics import ASSIGNMENTS
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import format_instant
from shared.runtime.clock import SystemClock
from tests.bench.latency.requests import Sender, make_parcels
from tests.bench.latency.watching import KafkaWatcher
from tests.bench.on_mill.deployment import SOURCE, Mill, open_mill
from tests.bench.on_services.traffic import EVENTS_PER_VISITOR, LASTS, Call, make_calls
from tests.bench.surroundings import Servers

EVENTS_PER_REQUEST: Final = 100
_AT_ONCE: Final = 1_000_000.0
_WARM_UP_SECONDS: Final = 5.0
_QUIET_SECONDS: Final = 10.0


@dataclass(frozen=True, kw_only=True)
class MillFigures:
    """What was measured.

    ``per_second`` is events from the first request until all services were at rest; ``shares`` the part
    of the services' processor time that each used for it; ``owned`` the seconds from when a request was
    due until its lead's assignment could be read.
    """

    events: int
    per_second: float
    shares: Mapping[str, float]
    leads: int
    owned: Sequence[float]


async def measure_mill(servers: Servers, *, events: int, rate: float, seconds: float) -> MillFigures:
    """Measure the whole chain.

    :raises AssertionError: if a request is refused, or a lead that is ready finds no owner.
    """
    with tempfile.TemporaryDirectory(prefix="leadmill-bench-", ignore_cleanup_errors=True) as name:
        async with open_mill(servers, Path(name)) as mill:
            per_second, shares = await _run_through(mill, events=events)
            owned = await _await_owners(mill, servers.kafka, rate=rate, seconds=seconds)
    return MillFigures(
        events=events,
        per_second=per_second,
        shares=shares,
        leads=int(rate * seconds),
        owned=owned,
    )


async def _run_through(mill: Mill, *, events: int) -> tuple[float, dict[str, float]]:
    calls = make_calls(
        visitors=-(-events // EVENTS_PER_VISITOR), begin=SystemClock().now() - LASTS, repeats=0.0
    )[:events]
    parcels = make_parcels(calls, address=mill.edge, source=SOURCE, key=mill.key, size=EVENTS_PER_REQUEST)
    before = mill.used()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await Sender(mill.edge).send(parcels, per_second=_AT_ONCE)
    await mill.settle()
    lasted = loop.time() - begun
    used = {name: seconds - before[name] for name, seconds in mill.used().items()}
    total = sum(used.values())
    return events / lasted, {name: seconds / total for name, seconds in used.items()}


async def _await_owners(mill: Mill, kafka: str, *, rate: float, seconds: float) -> list[float]:
    count = int(rate * (seconds + _WARM_UP_SECONDS))
    calls = [call for number in range(count) for call in _ready_buyer(number)]
    size = len(calls) // count
    parcels = make_parcels(calls, address=mill.edge, source=SOURCE, key=mill.key, size=size)
    watcher = KafkaWatcher(kafka, topics=(ASSIGNMENTS.name,))
    await watcher.start()
    watching = asyncio.create_task(watcher.run())
    try:
        answered = await Sender(mill.edge).send(parcels, per_second=rate)
        await mill.settle()
        await asyncio.sleep(_QUIET_SECONDS / 10)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await watcher.stop()
    first = answered[0].due + _WARM_UP_SECONDS
    owned = []
    for parcel, answer in zip(parcels, answered, strict=True):
        if answer.due >= first:
            seen = [watcher.seen[identity] for identity in parcel.ids if identity in watcher.seen]
            assert seen, "a lead that is ready for sales found no owner"
            owned.append(min(seen) - answer.due)
    return owned


def _ready_buyer(number: int) -> list[Call]:
    """Somebody who is tier A of ``mql`` with one request: 10 + 15 + 10 + 5, 30 and 20 points."""
    at = SystemClock().now()
    who = {"anonymousId": deterministic_id("buyer", str(number)), "timestamp": format_instant(at)}
    traits = {
        "email": f"buyer.{number}@company-{number % 977}.example",
        "title": "Marketing Director",
        "industry": "医药",
        "employees": 300,
        "region": "Shanghai",
    }
    said: Sequence[tuple[str, dict[str, object]]] = (
        ("identify", {"traits": traits}),
        ("track", {"event": "Demo Requested", "properties": {}}),
        ("track", {"event": "Form Submitted", "properties": {"form": "demo", "start_within_months": 1}}),
    )
    return [
        Call(
            at,
            kind,
            msgspec.json.encode(
                {
                    "type": kind,
                    "messageId": f"buyer-{deterministic_id('buyer', str(number), str(step))}",
                    **who,
                    **more,
                }
            ),
        )
        for step, (kind, more) in enumerate(said)
    ]
