"""What the facts of a company's people say at an instant: deals, who works there, what they asked for.

A lead's facts name the company where they worked by the newest that occurred. Who somebody is, and
what they ask for, speaks for the company where they work; a deal belongs to the company where they
worked when it was told of, or if none was known yet, to the first that was named afterwards. For a
deal the facts of its own profile decide if they name any company, so that a merge moves no deal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from services.scoring.domain.companies.hearing import COMPANY, REQUESTS
from services.scoring.domain.facts import ATTRIBUTES, Fact, Place
from services.scoring.domain.vocabulary import (
    OPPORTUNITY_CREATED,
    OPPORTUNITY_LOST,
    OPPORTUNITY_STAGE_CHANGED,
    OPPORTUNITY_WON,
    OUTCOMES,
)
from shared.kernel.instants import Instant
from shared.kernel.money import Money

_OPENING: Final = frozenset({OPPORTUNITY_CREATED, OPPORTUNITY_STAGE_CHANGED})


class Heard(NamedTuple):
    """A fact, and the lead that it is of."""

    lead: str
    fact: Fact


class Deal(NamedTuple):
    """How one opportunity stands: open in a stage, or won for so much since an instant, or neither.

    ``event`` is the word that made it so. A win that is said again keeps its instant and brings the
    amount that was said last.
    """

    opportunity: str
    stage: str | None
    amount: Money | None
    since: Instant
    event: str


class Reading(NamedTuple):
    """What is so at an instant. ``people`` are the attribute facts of each lead, oldest first."""

    at: Instant
    company: str
    deals: Sequence[Deal]
    people: Mapping[str, Sequence[Fact]]
    requests: Sequence[Fact]


def in_order_heard(heard: Iterable[Heard]) -> list[Heard]:
    """Return each fact once, oldest first."""
    unique = {one.fact.id: one for one in heard}
    return sorted(unique.values(), key=lambda one: (one.fact.occurred, one.fact.id))


def read_at(company: str, heard: Sequence[Heard], at: Instant) -> Reading:
    """Return what the facts that occurred by ``at`` say; ``heard`` is in order, each fact once."""
    people: dict[str, list[Fact]] = {}
    words: dict[str, list[Heard]] = {}
    asked: list[Heard] = []
    for one in heard:
        fact = one.fact
        if fact.occurred > at:
            break
        if fact.name == ATTRIBUTES:
            people.setdefault(one.lead, []).append(fact)
        elif fact.name in OUTCOMES:
            opportunity = fact.fields.get("opportunity")
            if isinstance(opportunity, str):
                words.setdefault(opportunity, []).append(one)
        elif fact.name in REQUESTS:
            asked.append(one)
    careers = {lead: career_of(facts) for lead, facts in people.items()}
    own = {profile: career_of(facts) for profile, facts in _by_profile(people).items()} if words else {}
    deals = []
    for opportunity, told in words.items():
        ours = []
        for lead, fact in told:
            place = Place(fact.occurred, fact.id)
            employer = employer_at(own.get(fact.profile, ()), place)
            if (employer or employer_at(careers.get(lead, ()), place)) == company:
                ours.append(fact)
        if ours:
            deals.append(_deal(opportunity, ours))
    there = {lead for lead, career in careers.items() if career and career[-1][1] == company}
    return Reading(
        at,
        company,
        deals,
        {lead: facts for lead, facts in people.items() if lead in there},
        [one.fact for one in asked if one.lead in there],
    )


def _by_profile(people: Mapping[str, Iterable[Fact]]) -> Mapping[str, Sequence[Fact]]:
    found: dict[str, list[Fact]] = {}
    for facts in people.values():
        for fact in facts:
            found.setdefault(fact.profile, []).append(fact)
    return found


Career = Sequence[tuple[Place, str | None]]
"""Where somebody worked from which fact on, oldest first; None is nowhere that we know of."""


def career_of(facts: Iterable[Fact]) -> Career:
    """Return where facts of attributes, oldest first, say that somebody worked."""
    found: list[tuple[Place, str | None]] = []
    for fact in facts:
        if COMPANY in fact.fields:
            company = fact.fields[COMPANY]
            told = company if isinstance(company, str) else None
            if not found or found[-1][1] != told:
                found.append((Place(fact.occurred, fact.id), told))
    return found


def employer_at(career: Career, place: Place) -> str | None:
    """Return the company that was named last at ``place``, else the first that was named after it."""
    named = [(since, company) for since, company in career if company is not None]
    before = [company for since, company in named if since <= place]
    return before[-1] if before else (named[0][1] if named else None)


def _deal(opportunity: str, words: Iterable[Fact]) -> Deal:
    """Return how an opportunity stands after all words about it, oldest first.

    A loss closes it and takes a win back; a later word about its stage opens one that was lost again,
    and leaves one that was won as it is.
    """
    stage: str | None = None
    said, amount, since, event = "", None, 0, ""
    for word in words:
        if word.name in _OPENING:
            told = word.fields.get("stage")
            said = told if isinstance(told, str) and told else said
            if amount is None:
                stage, since, event = said, word.occurred, word.id
        elif word.name == OPPORTUNITY_WON:
            minor, currency = word.fields.get("amount"), word.fields.get("currency")
            if isinstance(minor, int) and isinstance(currency, str):
                since = word.occurred if amount is None else since
                stage, amount, event = None, Money(minor, currency), word.id
        elif word.name == OPPORTUNITY_LOST:
            stage, amount, since, event = None, None, word.occurred, word.id
    return Deal(opportunity, stage, amount, since, event)
