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
from leadmill.demo.people import Person, make_people
from leadmill.demo.sales import REPS, SalesFloor
from leadmill.demo.visits import BEGIN, REPORTING, SOURCES, Report, Visit, arrivals, names_somebody
from leadmill.platform.access import Access, open_access
from leadmill.platform.ground import Ground
from leadmill.platform.simulation import Platform
from shared.kernel.clock import SimulatedClock
from shared.kernel.instants import HOUR, format_instant
from shared.processor.transaction import Journal, no_journal
from shared.security.write_keys import KeyTerms

_GRAIN: Final = HOUR
_IN_A_HURRY: Final = KeyTerms(rate=1_000_000, burst=1_000_000)
"""A fortnight's requests come within seconds; no key in the real world is to let so many through."""
_MALFORMED: Final = (
    # what a site with a mistake in it sends: an act that is called nothing
    {"type": "track", "anonymousId": "browser-with-a-mistake", "event": "", "messageId": "demo-malformed"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Casting:
    """How large the story is, the dozen with names included, and from which seed the others are made."""

    people: int = 500
    seed: int = 20_260_914


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What the tables take from the story itself, and from what was counted on the way.

    ``race`` is how many claimed one lead at once and how many got it; ``refused`` counts by code.
    """

    people: Sequence[Person]
    visits: Sequence[Visit]
    race: tuple[int, int]
    refused: Mapping[str, int]
    repeated: int


Ending = Callable[[Platform], Awaitable[None]]
"""What is to be done with the platform once the story is told, while it still runs."""


def cast_story(casting: Casting) -> tuple[list[Person], list[Visit]]:
    """Return everybody of the story, and every visit of theirs in order of time."""
    crowd = make_people(max(casting.people - len(CAST), 0), after=len(CAST), random=Random(casting.seed))
    visits = [*plan_cast(), *plan_fortnight(crowd, seed=casting.seed)]
    return [*CAST, *crowd], sorted(visits, key=lambda visit: visit.at)


async def perform(
    ground: Ground,
    casting: Casting,
    *,
    screen: Console,
    ending: Ending,
    tell: Callable[[str], None] = lambda _: None,
    journal_of: Callable[[str], Journal] = lambda _service: no_journal,
) -> None:
    """Play the fortnight on an empty ground, print what became of it, then do what the ending says.

    ``journal_of`` gives each service's journal, for whoever wants to work it all out again.

    :raises Unavailable: if something the platform stands on does not answer, or a request is refused.
    """
    people, visits = cast_story(casting)
    clock = SimulatedClock(BEGIN)
    tell("starting the services")
    async with (
        MailSink() as sink,
        Platform(ground, clock=clock, environment=mail_settings(sink), journal_of=journal_of) as platform,
    ):
        access = await open_access(platform.blueprints, platform.resources)
        try:
            keys = {
                source: await access.add_key(source, terms=_IN_A_HURRY) for source in (*SOURCES, *REPORTING)
            }
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
        played = Played(
            people=people,
            visits=visits,
            race=sales.race,
            refused=_count(platform.registry, "leads_ingest_quarantined_messages", by="code"),
            repeated=sum(_count(platform.registry, "leads_ingest_repeated_messages").values()),
        )
        async with Answers(platform.address, token=tokens["manager"]) as answers:
            await print_tables(screen, answers, played)
        await ending(platform)


async def print_tables(screen: Console, answers: Answers, played: Played) -> None:
    """Ask for everything that a manager would want to see, and print it."""
    leads = await answers.find_leads(played.people)
    tables.print_sources(screen, played.visits, leads)
    tables.print_movements(screen, await answers.find_movements(leads))
    tables.print_hottest(screen, leads)
    tables.print_rules(screen, leads)
    example = choose_example(leads, tables.MQL)
    now = await answers.explain(example.lead, model=tables.MQL, as_of=END)
    before = await answers.explain(example.lead, model=tables.MQL, as_of=WEEK_AGO)
    tables.print_example(screen, example, now, before)
    business.print_funnel(screen, (await answers.ask("/analytics/v1/funnel", by="source"))["rows"])
    traces = [
        (lead.person, await answers.ask(f"/routing/v1/leads/{lead.lead}"))
        for lead in leads
        if lead.person in CAST
    ]
    business.print_traces(screen, traces)
    responses = await answers.ask("/analytics/v1/reps")
    reps = await answers.ask("/routing/v1/reps")
    business.print_clocks(screen, responses, reps, race=played.race)
    business.print_mails(screen, await answers.ask("/nurture/v1/sequences"))
    first = await answers.ask("/analytics/v1/roi", model="first")
    shared = await answers.ask("/analytics/v1/roi", model="u")
    business.print_returns(screen, first["rows"], shared["rows"])
    tables.print_intake(
        screen,
        refused=played.refused,
        repeated=played.repeated,
        merged=sum(lead.is_merged for lead in leads),
        named=tables.count_named(played.visits),
        parted=await answers.count_parted(concerned(plan_deeds(), "unmerge")),
        erased=await answers.count_erased(concerned(plan_deeds(), "erase")),
    )


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
        news = [visit for visit in visits if visit.at == at]
        if any(isinstance(visit, Report) for visit in news):
            await platform.drained()  # an opportunity that follows from what was just done has its name
            news = [await sales.name_deal(visit) if isinstance(visit, Report) else visit for visit in news]
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
