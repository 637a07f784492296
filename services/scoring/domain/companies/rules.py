"""The rules of models that are kept per company: each gives one line, or none, for what is so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from services.scoring.domain.companies.reading import Deal, Reading
from services.scoring.domain.facts import Fact
from services.scoring.domain.rules.date import last_day_of
from services.scoring.domain.vocabulary import OPPORTUNITY_WON
from shared.conditions.compiler import Condition
from shared.kernel.instants import Instant, from_datetime, to_datetime


class CompanyLine(NamedTuple):
    """One line of a company's score: thousandths of a point, and the event with which it began to hold.

    ``events`` are all that it rests on, oldest first; ``until`` is when it ends if nothing else is
    learnt, None if time does not end it.
    """

    rule: str
    points: int
    event: str
    granted: Instant
    events: tuple[str, ...]
    until: Instant | None = None


class CompanyRule(Protocol):
    """A compiled rule."""

    @property
    def name(self) -> str:
        """Its name, unique in its model."""
        ...

    @property
    def points(self) -> int:
        """Thousandths of a point that its line is worth; may be negative."""
        ...

    def line(self, reading: Reading) -> CompanyLine | None:
        """Return its line for what is so, if it has one."""
        ...

    def leaves_at(self, fact: Fact) -> Instant | None:
        """Return when a fact stops to count for this rule, None if it never does."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountRule:
    """Holds while what was won sums to ``least`` at the least and ``most`` at the most, in minor units."""

    name: str
    points: int
    currency: str
    least: int
    most: int | None
    months: int | None
    zone: ZoneInfo

    def line(self, reading: Reading) -> CompanyLine | None:
        """Return the line, carried by the deal with which the sum reached its least."""
        counted = [deal for deal in reading.deals if self._counts(deal, reading.at)]
        counted.sort(key=lambda deal: (deal.since, deal.event))
        total = sum(_minor(deal) for deal in counted)
        if not counted or total < self.least or (self.most is not None and total > self.most):
            return None
        reached, carrier = 0, counted[0]
        for carrier in counted:
            reached += _minor(carrier)
            if reached >= self.least:
                break
        events = tuple(deal.event for deal in counted)
        return CompanyLine(
            *(self.name, self.points, carrier.event, carrier.since, events), self._until(counted, total)
        )

    def leaves_at(self, fact: Fact) -> Instant | None:
        """Return when an amount that was won with ``fact`` leaves."""
        return self._leaves(fact.occurred) if fact.name == OPPORTUNITY_WON else None

    def _counts(self, deal: Deal, at: Instant) -> bool:
        if deal.amount is None or deal.amount.currency != self.currency:
            return False
        leaves = self._leaves(deal.since)
        return leaves is None or leaves > at

    def _leaves(self, won: Instant) -> Instant | None:
        return None if self.months is None else months_later(won, self.months, self.zone)

    def _until(self, counted: Sequence[Deal], total: int) -> Instant | None:
        """Return when so much has left that the least is reached no longer."""
        leaving = sorted((self._leaves(deal.since) or 0, _minor(deal)) for deal in counted)
        if self.months is None:
            return None
        for at, minor in leaving:
            total -= minor
            if total < self.least:
                return at
        return leaving[-1][0]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpportunityRule:
    """Holds while an opportunity is open, in one of ``stages`` if there are any."""

    name: str
    points: int
    stages: frozenset[str]

    def line(self, reading: Reading) -> CompanyLine | None:
        """Return the line, carried by the opportunity that came there first."""
        found = [
            deal
            for deal in reading.deals
            if deal.stage is not None and (not self.stages or deal.stage in self.stages)
        ]
        found.sort(key=lambda deal: (deal.since, deal.event))
        if not found:
            return None
        events = tuple(deal.event for deal in found)
        return CompanyLine(self.name, self.points, found[0].event, found[0].since, events)

    def leaves_at(self, fact: Fact) -> Instant | None:
        """Return None: an opportunity does not close by itself."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRule:
    """Holds while the condition holds for somebody who works there."""

    name: str
    points: int
    condition: Condition

    def line(self, reading: Reading) -> CompanyLine | None:
        """Return the line, carried by the fact with which it first began to hold for somebody."""
        began = sorted(
            (fact.occurred, fact.id) for facts in reading.people.values() for fact in self._began(facts)
        )
        if not began:
            return None
        return CompanyLine(self.name, self.points, began[0][1], began[0][0], tuple(e for _, e in began))

    def _began(self, facts: Sequence[Fact]) -> Iterator[Fact]:
        """Give the fact with which the condition began to hold for one lead, if it holds."""
        attributes: dict[str, object] = {}
        since: Fact | None = None
        for fact in facts:
            attributes.update(fact.fields)
            if not self.condition.test(attributes):
                since = None
            elif since is None:
                since = fact
        if since is not None:
            yield since

    def leaves_at(self, fact: Fact) -> Instant | None:
        """Return None: who somebody is does not end by itself."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRule:
    """Holds for ``window`` microseconds after somebody who works there asked for something."""

    name: str
    points: int
    acts: frozenset[str]
    window: int

    def line(self, reading: Reading) -> CompanyLine | None:
        """Return the line, carried by what was asked last."""
        asked = [
            fact
            for fact in reading.requests
            if fact.name in self.acts and fact.occurred + self.window > reading.at
        ]
        if not asked:
            return None
        newest = asked[-1]
        events = tuple(fact.id for fact in asked)
        until = newest.occurred + self.window
        return CompanyLine(self.name, self.points, newest.id, newest.occurred, events, until)

    def leaves_at(self, fact: Fact) -> Instant | None:
        """Return when it is too long ago."""
        return fact.occurred + self.window if fact.name in self.acts else None


def months_later(at: Instant, months: int, zone: ZoneInfo) -> Instant:
    """Return the same time of day in ``zone`` so many calendar months later.

    A month that is too short gives its last day.
    """
    then = to_datetime(at).astimezone(zone)
    day = last_day_of(then.year, then.month + months, then.day)
    return from_datetime(datetime.combine(day, then.timetz().replace(tzinfo=None), zone))


def _minor(deal: Deal) -> int:
    return 0 if deal.amount is None else deal.amount.minor
