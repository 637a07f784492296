"""Every figure that the demo prints is what an in-memory fold of the pure domains comes to.

The fortnight is played once. Then all that is left of it is the log, who committed what in which order,
and which commands took effect; from that everything is folded again, without a database, and printed by
the same printers. Both prints must be the same, line by line.
"""

from __future__ import annotations

import io
import os
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console

from leadmill.demo.cast import WANG, plan_deeds
from leadmill.demo.performance import Casting, Played, cast_story, perform, print_tables
from leadmill.demo.sales import REPS, RIVALS
from leadmill.platform.ground import open_ground
from leadmill.platform.settings import load_platform_settings
from leadmill.platform.simulation import Platform
from services.routing.domain.commands import ClaimLead
from shared.contracts.topics import RAW
from tests.journeys.fortnight.answering import FoldedAnswers
from tests.journeys.fortnight.folding import Folded, Log, fold
from tests.journeys.fortnight.recording import Journals, read_all
from tests.journeys.site import environment_of

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.lasts(60)]

PEOPLE = int(os.environ.get("LEADMILL_FORTNIGHT_PEOPLE", "60"))
"""Enough that every kind of person comes; 500 is the demo's own size."""

TABLES = 12


def screen() -> Console:
    return Console(file=io.StringIO(), width=200)


def printed(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def played_of(folded: Folded, journals: Journals, casting: Casting) -> Played:
    """What the tables take from the story, counted in the fold."""
    people, visits = cast_story(casting)
    (race,) = [deed for deed in plan_deeds() if deed.kind == "race"]
    assert race.person == WANG
    won = sum(
        isinstance(fact.event, ClaimLead) and fact.received == race.at
        for fact in journals.commands["routing"].values()
    )
    return Played(
        people=people,
        visits=visits,
        race=(len(REPS) * RIVALS, won),
        refused=Counter(kept.code for kept in folded.ingest.quarantine.values()),
        repeated=sum(tally.duplicate for tp, tally in folded.ingest.tallies.items() if tp.topic == RAW.name),
    )


async def test_every_figure_printed_is_what_the_pure_domains_come_to(
    database_url: str, tmp_path: Path
) -> None:
    casting = Casting(people=PEOPLE)
    journals, kept = Journals(), list[tuple[Log, bytes]]()

    async def keep(platform: Platform) -> None:
        key = platform.resources.secrets.identity_key.reveal()
        kept.append((await read_all(platform.ground.log), key))

    settings = load_platform_settings(environment=environment_of(database_url, tmp_path))
    told = screen()
    async with open_ground(settings) as ground:
        await perform(ground, casting, screen=told, ending=keep, journal_of=journals.of)

    ((log, key),) = kept
    folded = fold(log, journals, identity_key=key)
    assert folded.differences.lines == []
    again = screen()
    async with FoldedAnswers(folded) as answers:
        await print_tables(again, answers, played_of(folded, journals, casting))

    wanted = printed(again).splitlines()
    found = printed(told).splitlines()
    begins = found.index("People by first source") - 1
    assert found[begins:] == wanted
    assert sum(1 for line, after in pairwise(wanted) if not line and after) >= TABLES - 1
