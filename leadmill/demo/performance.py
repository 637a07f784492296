"""The demo from beginning to end: an empty platform, a fortnight of requests, tables, the audit."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Final

from prometheus_client import CollectorRegistry
from rich.console import Console

from leadmill.demo import tables
from leadmill.demo.answers import END, WEEK_AGO, Answers, choose_example
from leadmill.demo.clients import Clients
from leadmill.demo.habits import plan_fortnight
from leadmill.demo.people import make_people
from leadmill.demo.visits import BEGIN, SOURCES
from leadmill.platform.access import open_access
from leadmill.platform.ground import Ground
from leadmill.platform.simulation import Platform
from shared.kernel.clock import SimulatedClock
from shared.kernel.instants import HOUR, MINUTE, format_instant

_GRAIN: Final = 30 * MINUTE
_MALFORMED: Final = (
    # what a site with a mistake in it sends: an act that is called nothing
    {"type": "track", "anonymousId": "browser-with-a-mistake", "event": "", "messageId": "demo-malformed"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Casting:
    """How large the story is, and from which seed it is told."""

    people: int = 320
    seed: int = 20_260_302


Ending = Callable[[Platform], Awaitable[None]]
"""What is to be done with the platform once the story is told, while it still runs."""


async def perform(
    ground: Ground,
    casting: Casting,
    *,
    screen: Console,
    ending: Ending,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Play the fortnight on an empty ground, print what became of it, then do what the ending says.

    :raises Unavailable: if something the platform stands on does not answer, or a request is refused.
    """
    people = make_people(casting.people, random=Random(casting.seed))
    visits = plan_fortnight(people, seed=casting.seed)
    clock = SimulatedClock(BEGIN)
    tell("starting the services")
    async with Platform(ground, clock=clock) as platform:
        access = await open_access(platform.blueprints, platform.resources)
        try:
            keys = {source: await access.add_key(source) for source in SOURCES}
            token = await access.add_token("demo", role="read")
        finally:
            await access.close()
        begun = perf_counter()
        async with Clients(platform.address, write_keys=keys) as clients:
            for at, arriving in groupby(visits, key=lambda visit: visit.at):
                tell(f"{format_instant(at)[:10]}: {clients.sent.messages:,} messages so far")
                await platform.advance_to(at, grain=_GRAIN)
                await clients.send_all(list(arriving))
            await clients.send_batch(_MALFORMED, source=SOURCES[0])
            await platform.drained()
            await platform.advance_to(END, grain=_GRAIN)
            seconds = perf_counter() - begun
        tell("asking for the tables")
        tables.print_sent(
            screen, clients.sent, people=len(people), begun=BEGIN, ended=END - HOUR, seconds=seconds
        )
        async with Answers(platform.address, token=token) as answers:
            leads = await answers.find_leads(people)
            movements = await answers.find_movements(leads)
            example = choose_example(leads, tables.MQL)
            now = await answers.explain(example.lead, model=tables.MQL, as_of=END)
            before = await answers.explain(example.lead, model=tables.MQL, as_of=WEEK_AGO)
        tables.print_sources(screen, visits, leads)
        tables.print_movements(screen, movements)
        tables.print_hottest(screen, leads)
        tables.print_rules(screen, leads)
        tables.print_example(screen, example, now, before)
        tables.print_intake(
            screen,
            refused=_count(platform.registry, "leads_ingest_quarantined_messages", by="code"),
            repeated=sum(_count(platform.registry, "leads_ingest_repeated_messages").values()),
            merged=sum(lead.is_merged for lead in leads),
            named=tables.count_named(visits),
        )
        await ending(platform)


def _count(registry: CollectorRegistry, name: str, *, by: str = "") -> Mapping[str, int]:
    """Return what a counter has counted, by one of its labels."""
    counted: dict[str, int] = {}
    for family in registry.collect():
        if family.name == name:
            for sample in family.samples:
                if sample.name.endswith("_total"):
                    label = sample.labels.get(by, "")
                    counted[label] = counted.get(label, 0) + int(sample.value)
    return counted


def empty_folder(data: Path) -> None:
    """Remove what an earlier demo left behind; whatever else lies in the folder stays."""
    with suppress(FileNotFoundError):
        for name in ("postgres", "deployment.json", "secrets.json", "password"):
            path = data / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
