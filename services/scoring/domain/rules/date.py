"""Rules over a day that is coming: points while it is near, which begin and end by time alone."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec import Meta

from services.scoring.domain.facts import Fact
from services.scoring.domain.rules.context import RuleContext
from services.scoring.domain.rules.rule import EMPTY, Mark, Rule, RuleDocument, Slot
from shared.conditions.catalogue import Day
from shared.conditions.compiler import Condition
from shared.kernel.faults import allowed, show
from shared.kernel.instants import Instant, from_datetime
from shared.working_time.zones import UnknownZone, load_zone

_MONTHS_OF_A_YEAR = 12


class DateRuleDocument(RuleDocument, frozen=True, kw_only=True, tag="date"):
    """The day in ``field`` lies ahead, by ``within_months`` calendar months at most (C3).

    Holds from the day so many months earlier, or the last of its month, until the day itself begins;
    days begin at midnight in ``zone``. ``when`` is a condition over attributes that must hold besides.
    """

    field: str
    within_months: Annotated[int, Meta(ge=1, le=120)]
    zone: str
    when: Mapping[str, object] | None = None

    def compile(self, context: RuleContext) -> Rule | None:
        """Return the rule, or None after noting its faults."""
        if context.behaviour:
            context.fault("type", "belongs in a group of fit; attributes tell who somebody is")
        points = context.thousandths(self.points, "points")
        attributes = context.vocabulary.attributes
        if not isinstance(attributes.get(self.field), Day):
            days = [name for name, kind in attributes.items() if isinstance(kind, Day)]
            context.fault("field", f"{show(self.field)} holds no day; {allowed(days, instead_of=self.field)}")
        try:
            zone = load_zone(self.zone)
        except UnknownZone:
            context.fault("zone", f"{show(self.zone)} is no zone; write Asia/Shanghai or Europe/Berlin")
            return None
        condition = context.condition(self.when, attributes) if self.when else None
        return DateRule(
            name=self.rule,
            points=points,
            field=self.field,
            months=self.within_months,
            zone=zone,
            condition=condition,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRule:
    """One mark for the day that is known, carried by the fact with which it became known.

    The mark's object is the day. It counts within the span that the slot keeps in ``recent``: from the
    first mark there until the second.
    """

    name: str
    points: int
    field: str
    months: int
    zone: ZoneInfo
    condition: Condition | None = None
    acts: frozenset[str] = frozenset()
    cap: int | None = None

    @property
    def attributes(self) -> frozenset[str]:
        """The attributes that it reads."""
        others = self.condition.fields if self.condition is not None else frozenset[str]()
        return others | {self.field}

    def advance(self, slot: Slot, fact: Fact, attributes: Mapping[str, object]) -> Slot:
        """Grant for a day that has become known, take back when it is no longer, or has passed."""
        day = attributes.get(self.field)
        if not isinstance(day, str) or (self.condition is not None and not self.condition.test(attributes)):
            return EMPTY if slot.marks else slot
        if slot.marks and slot.marks[0].object == day:
            return slot
        span = span_before(day, self.months, self.zone)
        if span is None or span[1] <= fact.occurred:
            return EMPTY if slot.marks else slot
        begin, end = (Mark(at, fact.id, day) for at in span)
        return Slot((Mark(fact.occurred, fact.id, day),), (begin, end))


def span_before(day: str, months: int, zone: ZoneInfo) -> tuple[Instant, Instant] | None:
    """Return when the day so many calendar months before ``day`` begins, and when ``day`` does.

    Where that month has no such day its last one is meant. None if there is no such day at all.
    """
    try:
        end = date.fromisoformat(day)
        return _midnight(last_day_of(end.year, end.month - months, end.day), zone), _midnight(end, zone)
    except (ValueError, OverflowError):
        return None


def last_day_of(year: int, month: int, day: int) -> date:
    """Return the day of a month, or its last where it is too short; months beyond a year's count on.

    :raises ValueError: if there is no such year.
    """
    year, place = divmod(year * _MONTHS_OF_A_YEAR + month - 1, _MONTHS_OF_A_YEAR)
    return date(year, place + 1, min(day, monthrange(year, place + 1)[1]))


def _midnight(day: date, zone: ZoneInfo) -> Instant:
    return from_datetime(datetime.combine(day, time(), zone))
