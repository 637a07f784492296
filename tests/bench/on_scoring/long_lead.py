"""A lead with 10,000 events: how soon anyone is told why, and how soon a late event has had its effect."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import httpx

from services.scoring import bootstrap as scoring
from shared.contracts.events import behaviour
from shared.kernel.instants import DAY, HOUR, MINUTE, Instant, format_instant
from shared.runtime.clock import SystemClock
from tests.bench.on_scoring.stepping import Steps
from tests.bench.surroundings import Servers, open_fresh
from tests.operations.processes import Running, leadmill
from tests.services.scoring.deeds import Deed, Deeds, lead_id
from tests.services.scoring.throughput import act_of

EVENTS: Final = 10_000
_LASTED: Final = 90 * DAY
_QUESTIONS: Final = 300
_LATE: Final = 150
_BATCH: Final = 1_000
_WHO: Final = "somebody busy"


@dataclass(frozen=True, kw_only=True)
class LongLead:
    """Seconds, one by one: of answers to why, now and as of earlier instants; of late events by how late."""

    why: Sequence[float]
    as_of: Sequence[float]
    late: dict[str, Sequence[float]]
    lines: int


async def measure_long_lead(servers: Servers) -> LongLead:
    """Let somebody do 10,000 things in 90 days, hear of others late, and ask why over HTTP.

    :raises AssertionError: if an answer is no success, or its lines do not sum to the score.
    """
    random, deeds = Random(1), Deeds("long lead")
    end = SystemClock().now() - HOUR
    begin = end - _LASTED
    async with open_fresh(servers, scoring.NAME, migrations=scoring.MIGRATIONS) as database:
        steps = await Steps.open(database)
        told = [deeds.is_known_as(_WHO, begin, industry="pharma", title_level="director")]
        every = _LASTED // EVENTS
        told += [act_of(random, deeds, _WHO, begin + number * every) for number in range(1, EVENTS)]
        for start in range(0, EVENTS, _BATCH):
            await steps.take(told[start : start + _BATCH])
        await steps.forget_output()
        asked = await _ask(servers, random, begin=begin, end=end)
        late: dict[str, Sequence[float]] = {}
        for how, choose in _ways(random, deeds, begin=begin, end=end).items():
            late[how] = [await _take(steps, choose()) for _ in range(_LATE)]
            await steps.forget_output()
    return LongLead(why=asked[0], as_of=asked[1], late=late, lines=asked[2])


def _ways(random: Random, deeds: Deeds, *, begin: Instant, end: Instant) -> dict[str, Callable[[], Deed]]:
    def by(longest: int) -> Callable[[], Deed]:
        return lambda: act_of(random, deeds, _WHO, end - random.randrange(1, longest), received=end)

    def trial_of_the_first_days() -> Deed:
        at = begin + random.randrange(DAY, 2 * DAY)
        return deeds.did(_WHO, behaviour.TrialRequested, at, received=end)

    return {
        "late by up to an hour": by(HOUR),
        "late by up to a day": by(DAY),
        "late by up to 90 days": by(_LASTED - MINUTE),
        "a trial of the first days, the only one": trial_of_the_first_days,
    }


async def _take(steps: Steps, deed: Deed) -> float:
    begun = time.perf_counter()
    await steps.take([deed])
    return time.perf_counter() - begun


async def _ask(
    servers: Servers, random: Random, *, begin: Instant, end: Instant
) -> tuple[list[float], list[float], int]:
    with tempfile.TemporaryDirectory(prefix="leadmill-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        environment = {
            "LEADMILL_POSTGRES": servers.postgres,
            "LEADMILL_LOG": "kafka",
            "LEADMILL_KAFKA": servers.kafka,
            "LEADMILL_DATA_DIR": str(folder),
            "LEADMILL_LOG_LEVEL": "warning",
        }
        token = await asyncio.to_thread(_prepare, environment)
        with Running(["run", "scoring", "--role", "api"], environment, folder / "api.log") as api:
            await asyncio.to_thread(api.until, "/readyz", status=200)
            address = f"{api.address}/scoring/v1/leads/{lead_id(_WHO)}/why"
            headers = {"authorization": f"Bearer {token}"}
            async with httpx.AsyncClient(headers=headers, timeout=30) as client:
                now, lines = await _answers(client, [address] * _QUESTIONS)
                past = [
                    f"{address}?as_of={format_instant(random.randrange(begin, end))}"
                    for _ in range(_QUESTIONS)
                ]
                earlier, _ = await _answers(client, past)
            assert await asyncio.to_thread(api.terminate) == 0, api.said()
    return now, earlier, lines


def _prepare(environment: dict[str, str]) -> str:
    for command in (["migrate"], ["topics", "apply"]):
        done = leadmill(*command, environment=environment)
        assert done.code == 0, done.err
    made = leadmill("token", "create", "bench", "--role", "read", "--json", environment=environment)
    token: str = made.document["token"]
    return token


async def _answers(client: httpx.AsyncClient, addresses: Sequence[str]) -> tuple[list[float], int]:
    lasted, lines = [], 0
    for address in addresses:
        begun = time.perf_counter()
        answer = await client.get(address)
        lasted.append(time.perf_counter() - begun)
        assert answer.status_code == 200, answer.text
        for score in answer.json()["scores"]:
            lines = max(lines, len(score["lines"]))
            assert abs(sum(line["points"] for line in score["lines"]) - score["points"]) < 1e-6
    return lasted[len(lasted) // 10 :], lines
