"""Random plots for the handlers: facts of several profiles, moves between leads, arrivals in any order."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

import msgspec
from hypothesis import strategies as st

from services.scoring.domain.facts import ATTRIBUTES, EXTERNAL_ID_PREFIX, Fact
from services.scoring.handlers.interpreting import PersonForgotten, ProfileMoved
from shared.kernel.changes import Fact as Learned
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import DAY, Instant
from tests.unit.scoring.handlers.world import World
from tests.unit.scoring.histories import histories
from tests.unit.scoring.stories import START

LEADS = tuple(deterministic_id("lead", name) for name in "abc")


class Plot(NamedTuple):
    """What happens, in no order, where each profile lives in the end, and who is to be forgotten."""

    learned: list[Learned]
    homes: dict[str, str]
    forgotten: frozenset[str] = frozenset()


def learn_fact(fact: Fact) -> Learned:
    """A fact as it comes from its topic."""
    return Learned(fact.id, fact.profile, fact.received, fact)


def learn_move(profile: str, lead: str, version: int, at: Instant) -> Learned:
    """A merge or an un-merge as it comes from its topic."""
    identity = deterministic_id("move", profile, str(version))
    return Learned(identity, profile, at, ProfileMoved(profile, lead, version))


def learn_erasure(profile: str, at: Instant) -> Learned:
    """A person is to be forgotten."""
    return Learned(deterministic_id("erasure", profile), profile, at, PersonForgotten())


def facts_of(profile: str, facts: list[Fact]) -> list[Fact]:
    """The same facts as facts of one profile, each with an id as ids are."""
    return [
        msgspec.structs.replace(fact, id=deterministic_id(profile, fact.id), profile=profile)
        for fact in facts
    ]


@st.composite
def plots(
    draw: st.DrawFn,
    *,
    leads: int = 3,
    max_facts: int = 14,
    max_moves: int = 6,
    erasures: int = 0,
    of: Callable[..., st.SearchStrategy[list[Fact]]] = histories,
) -> Plot:
    """Facts of up to ``leads`` profiles, and moves between them; some facts name an external id.

    Up to ``erasures`` people are to be forgotten, each with all profiles that are theirs in the end.
    """
    learned: list[Learned] = []
    numbers = st.integers(0, leads - 1)
    for number, fact in enumerate(draw(of(max_size=max_facts))):
        profile = LEADS[draw(numbers)]
        if number in {2, 5, 7}:
            fields = {EXTERNAL_ID_PREFIX + "crm": f"X-{number}", "industry": "pharma"}
            fact = msgspec.structs.replace(fact, name=ATTRIBUTES, fields=fields)  # noqa: PLW2901
        if erasures:
            fact = msgspec.structs.replace(fact, fields={**fact.fields, "wish": "a mill"})  # noqa: PLW2901
        learned += [learn_fact(found) for found in facts_of(profile, [fact])]
    homes = {lead: lead for lead in LEADS}
    versions = dict.fromkeys(LEADS, 0)
    # mostly one profile, so that it comes back to where it was while old messages are still under way
    movers = st.one_of(st.just(0), st.just(0), numbers)
    moves = st.lists(st.tuples(movers, numbers, st.integers(0, 150)), max_size=max_moves)
    for who, where, days in draw(moves):
        profile, lead = LEADS[who], LEADS[where]
        versions[profile] += 1
        homes[profile] = lead
        learned.append(learn_move(profile, lead, versions[profile], START + days * DAY))
    forgotten: set[str] = set()
    for who in draw(st.sets(numbers, max_size=erasures)):
        forgotten |= {profile for profile, lead in homes.items() if lead == homes[LEADS[who]]}
    learned += [learn_erasure(profile, START + 150 * DAY) for profile in sorted(forgotten)]
    return Plot(learned, homes, frozenset(forgotten))


def play(world: World, plot: Plot, random: Random, *, repeats: float = 0.2) -> list[Learned]:
    """Deliver everything in some order, one by one, some of it twice; returns what was delivered.

    What scoring sends itself is delivered some time after it was said.
    """
    waiting = list(plot.learned)
    delivered: list[Learned] = []
    heard = 0
    while waiting:
        learned = waiting.pop(random.randrange(len(waiting)))
        world.learn([learned])
        world.check_clock(learned.key)
        delivered.append(learned)
        if random.random() < repeats:
            waiting.append(random.choice(delivered))
        waiting += world.internal[heard:]
        heard = len(world.internal)
    return delivered
