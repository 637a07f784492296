"""The demo from beginning to end: an empty platform, a fortnight of requests, tables, the audit."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Final

from prometheus_client import CollectorRegistry
from rich.console import Console

from leadmill.demo import business, tables
from leadmill.demo.answers import END, WEEK_AGO, Answers, choose_example
from leadmill.demo.cast import CAST, concerned, plan_cast, plan_deeds
from leadmill.demo.clients import Clients
from leadmill.demo.habits import plan_fortnight
from leadmill.demo.mail_sink import MailSink
from leadmill.demo.mailboxes import Mailboxes, mail_settings
from leadmill.demo.people import make_people
from leadmill.demo.sales import REPS, SalesFloor
from leadmill.demo.visits import BEGIN, REPORTING, SOURCES, Report, Visit, arrivals, names_somebody
from leadmill.platform.access import Access, open_access
from leadmill.platform.ground import Ground
from leadmill.platform.simulation import Platform
from shared.kernel.clock import SimulatedClock
from shared.kernel.instants import HOUR, format_instant

_GRAIN: Final = HOUR
_MALFORMED: Final = (
    # what a site with a mistake in it sends: an act that is called nothing
    {"type": "track", "anonymousId": "browser-with-a-mistake", "event": "", "messageId": "demo-malformed"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Casting:
    """How large the story is, the dozen with names included, and from which seed the others are made."""

    people: int = 500
    seed: int = 20_260_914


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
    crowd = make_people(max(casting.people - len(CAST), 0), after=len(CAST), random=Random(casting.seed))
    people = [*CAST, *crowd]
    visits = sorted([*plan_cast(), *plan_fortnight(crowd, seed=casting.seed)], key=lambda visit: visit.at)
    clock = SimulatedClock(BEGIN)
    tell("starting the services")
    async with (
        MailSink() as sink,
        Platform(ground, clock=clock, environment=mail_settings(sink)) as platform,
    ):
        access = await open_access(platform.blueprints, platform.resources)
        try:
            keys = {source: await access.add_key(source) for source in (*SOURCES, *REPORTING)}
            tokens = await _add_tokens(access)
        finally:
            await access.close()
        begun = perf_counter()
        async with (
            Clients(platform.address, write_keys=keys) as clients,
            SalesFloor(platform.address, tokens=tokens, seed=casting.seed) as sales,
            Mailboxes(sink, people, seed=casting.seed) as mailboxes,
        ):
            await _play(platform, visits, clients=clients, sales=sales, mailboxes=mailboxes, tell=tell)
            seconds = perf_counter() - begun
        tell("asking for the tables")
        tables.print_sent(
            screen, clients.sent, people=len(people), begun=BEGIN, ended=END - HOUR, seconds=seconds
        )
        async with Answers(platform.address, token=tokens["manager"]) as answers:
            leads = await answers.find_leads(people)
            movements = await answers.find_movements(leads)
            example = choose_example(leads, tables.MQL)
            now = await answers.explain(example.lead, model=tables.MQL, as_of=END)
            before = await answers.explain(example.lead, model=tables.MQL, as_of=WEEK_AGO)
            funnel = await answers.ask("/analytics/v1/funnel", by="source")
            first = await answers.ask("/analytics/v1/roi", model="first")
            shared = await answers.ask("/analytics/v1/roi", model="u")
            responses = await answers.ask("/analytics/v1/reps")
            reps = await answers.ask("/routing/v1/reps")
            parted = await answers.count_parted(concerned(plan_deeds(), "unmerge"))
            erased = await answers.count_erased(concerned(plan_deeds(), "erase"))
            sequences = await answers.ask("/nurture/v1/sequences")
            traces = [
                (lead.person, await answers.ask(f"/routing/v1/leads/{lead.lead}"))
                for lead in leads
                if lead.person in CAST
            ]
        tables.print_sources(screen, visits, leads)
        tables.print_movements(screen, movements)
        tables.print_hottest(screen, leads)
        tables.print_rules(screen, leads)
        tables.print_example(screen, example, now, before)
        business.print_funnel(screen, funnel["rows"])
        business.print_traces(screen, traces)
        business.print_clocks(screen, responses, reps, race=sales.race)
        business.print_mails(screen, sequences)
        business.print_returns(screen, first["rows"], shared["rows"])
        tables.print_intake(
            screen,
            refused=_count(platform.registry, "leads_ingest_quarantined_messages", by="code"),
            repeated=sum(_count(platform.registry, "leads_ingest_repeated_messages").values()),
            merged=sum(lead.is_merged for lead in leads),
            named=tables.count_named(visits),
            parted=parted,
            erased=erased,
        )
        await ending(platform)


async def _add_tokens(access: Access) -> Mapping[str, str]:
    """Give everybody of the sales floor a token of their own."""
    tokens = {rep: await access.add_token(rep, role="rep", subject=rep) for rep in REPS}
    for role in ("manager", "marketer", "admin"):
        tokens[role] = await access.add_token(f"demo-{role}", role=role)
    return tokens


async def _play(
    platform: Platform,
    visits: Sequence[Visit],
    *,
    clients: Clients,
    sales: SalesFloor,
    mailboxes: Mailboxes,
    tell: Callable[[str], None],
) -> None:
    """Let time pass, stopping where somebody comes or does something; sales acts on what had its effect."""
    deeds = plan_deeds()
    slots = set(arrivals())
    news: list[Visit] = []
    for at in sorted({visit.at for visit in visits} | {deed.at for deed in deeds} | slots):
        tell(f"{format_instant(at)[:10]}: {clients.sent.messages:,} messages so far")
        await platform.advance_to(at, grain=_GRAIN)
        named = {visit.person.number: visit.person for visit in news if names_somebody(visit)}
        await sales.meet(named.values())
        for deed in deeds:
            if deed.at == at:
                await sales.do(deed)
        await mailboxes.read(at)
        if at in slots:
            await sales.work(at)
        news = [
            await sales.name_deal(visit) if isinstance(visit, Report) else visit
            for visit in visits
            if visit.at == at
        ]
        await clients.send_all(news)
    await clients.send_batch(_MALFORMED, source=SOURCES[0])
    await platform.drained()
    await platform.advance_to(END, grain=_GRAIN)


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
