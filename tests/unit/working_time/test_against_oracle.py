"""Every question gets the answer that walking through the minutes gives.

Weekends, holidays, make-up days, breaks, both changes of the clock, and the worst that zones have done.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.documents.checking import check_document
from shared.kernel.instants import DAY, HOUR, MINUTE, Instant, format_instant, parse_instant
from shared.working_time.compiler import compile_calendar
from shared.working_time.document import CalendarDocument
from tests.examples import tried
from tests.unit.working_time.oracle import Walker
from tests.unit.working_time.seasons import ALL_DAYS, AMOUNTS, Season, document, seasons_with_instants

pytestmark = pytest.mark.lasts(15)

Asked = tuple[Season, list[Instant]]


class TestSeasons:
    @settings(max_examples=tried(60), deadline=None)
    @given(seasons_with_instants())
    def test_openings_and_closings(self, asked: Asked) -> None:
        season, (at,) = asked
        calendar, walker = season.calendar, season.walker
        assert calendar.is_open(at) is walker.is_open(at)
        assert calendar.next_opening(at) == walker.next_opening(at)
        assert calendar.previous_closing(at) == walker.previous_closing(at)
        assert calendar.due_in_hours(at) == walker.due_in_hours(at)

    @settings(max_examples=tried(60), deadline=None)
    @given(seasons_with_instants(2))
    def test_working_time_between_two_instants(self, asked: Asked) -> None:
        season, (since, until) = asked
        assert season.calendar.working_between(since, until) == season.walker.working_between(since, until)

    @settings(max_examples=tried(60), deadline=None)
    @given(seasons_with_instants(), AMOUNTS)
    def test_an_amount_of_working_time_from_an_instant(self, asked: Asked, amount: int) -> None:
        season, (at,) = asked
        assert season.calendar.add_working(at, amount) == season.walker.add_working(at, amount)

    @settings(max_examples=tried(60), deadline=None)
    @given(seasons_with_instants(2))
    def test_an_amount_that_ends_where_something_begins_or_ends(self, asked: Asked) -> None:
        season, instants = asked
        at, until = min(instants), max(instants)
        amount = season.walker.working_between(at, until)
        assert season.calendar.add_working(at, amount) == season.walker.add_working(at, amount)

    @settings(max_examples=tried(60), deadline=None)
    @given(seasons_with_instants(), st.integers(0, 5))
    def test_working_days_from_an_instant(self, asked: Asked, days: int) -> None:
        season, (at,) = asked
        assert season.calendar.add_working_days(at, days) == season.walker.add_working_days(at, days)

    @settings(max_examples=tried(60), deadline=None)
    @given(seasons_with_instants(), st.integers(0, 12))
    def test_calendar_days_from_an_instant(self, asked: Asked, days: int) -> None:
        season, (at,) = asked
        assert season.calendar.add_calendar_days(at, days) == season.walker.add_calendar_days(at, days)

    @settings(max_examples=tried(60), deadline=None)
    @given(
        seasons_with_instants(),
        st.integers(0, 10),
        st.one_of(
            st.just(10 * HOUR), st.integers(0, 24 * 60 - 1).map(MINUTE.__mul__), st.integers(0, DAY - 1)
        ),
    )
    def test_a_clock_time_some_days_on(self, asked: Asked, days: int, clock: int) -> None:
        season, (at,) = asked
        assert season.calendar.at_clock(at, days=days, clock=clock) == season.walker.at_clock(
            at, days=days, clock=clock
        )


ZONES = {
    "Asia/Shanghai": "2026-05-04T00:00",
    "Europe/Berlin": "2026-03-29T01:00",
    "Europe/London": "2026-10-25T01:00",
    "America/New_York": "2026-03-08T07:00",
    "America/Santiago": "2026-04-05T03:00",
    "Asia/Kathmandu": "1986-01-01T00:00",
    "Asia/Beirut": "2026-03-28T22:00",
    "Africa/Casablanca": "2026-02-15T02:00",
    "Antarctica/Troll": "2026-10-25T01:00",
    "Pacific/Kiritimati": "1994-12-31T10:00",
}
"""Zones, each with an instant at which its clock changes; Shanghai has none any more."""


@st.composite
def spans(draw: st.DrawFn) -> list[str]:
    """Up to three spans of a day, to five minutes, some of them touching."""
    bounds = sorted(draw(st.lists(st.integers(0, 288), min_size=2, max_size=6, unique=True)))
    if len(bounds) % 2:
        bounds.insert(1, bounds[1])
    texts = [f"{bound // 12:02}:{bound % 12 * 5:02}" for bound in bounds]
    return [
        f"{opens}-{closes}" for opens, closes in zip(texts[::2], texts[1::2], strict=False) if opens != closes
    ]


@st.composite
def documents(draw: st.DrawFn, zone: str, days: list[str]) -> dict[str, Any]:
    """A calendar with special days among ``days``."""
    weekdays = draw(st.lists(st.sampled_from(ALL_DAYS), min_size=1, unique=True))
    special = draw(st.lists(st.sampled_from(days), max_size=6, unique=True))
    free, other = special[::2], special[1::2]
    return document(
        zone,
        draw(spans()),
        weekdays,
        weekday_hours={day: draw(spans()) for day in weekdays[:1]},
        holidays=[{"day": day} for day in free],
        exceptions=[{"day": day, "hours": draw(st.one_of(st.just([]), spans()))} for day in other],
    )


@st.composite
def calendars_with_an_instant(draw: st.DrawFn) -> tuple[dict[str, Any], Instant]:
    """Any calendar near a change of its clock, and an instant there."""
    zone = draw(st.sampled_from(sorted(ZONES)))
    change = parse_instant(ZONES[zone])
    days = [format_instant(change + n * DAY)[:10] for n in range(-6, 7)]
    at = change + draw(
        st.one_of(
            st.integers(-4 * 24 * 60, 4 * 24 * 60).map(MINUTE.__mul__),
            st.integers(-60, 60).map(lambda n: n * 5 * MINUTE),
            st.sampled_from([-1, 0, 1]),
        )
    )
    return draw(documents(zone, days)), at


class TestAnyCalendar:
    @settings(max_examples=tried(100), deadline=None)
    @given(
        calendars_with_an_instant(),
        st.integers(-3000, 3000),
        st.integers(0, 20 * 60),
        st.integers(0, 3),
    )
    def test_answers_as_the_oracle_does(
        self, asked: tuple[dict[str, Any], Instant], by: int, minutes: int, days: int
    ) -> None:
        plain, at = asked
        calendar = compile_calendar(check_document(plain, CalendarDocument, about="calendar"))
        walker = Walker(plain)
        assert calendar.is_open(at) is walker.is_open(at)
        assert calendar.next_opening(at) == walker.next_opening(at)
        until = at + by * MINUTE
        assert calendar.working_between(at, until) == walker.working_between(at, until)
        amount = min(minutes * MINUTE, walker.working_between(at, at + 3 * DAY))
        assert calendar.add_working(at, amount) == walker.add_working(at, amount)
        assert calendar.add_working_days(at, days) == walker.add_working_days(at, days)
        assert calendar.add_calendar_days(at, days) == walker.add_calendar_days(at, days)
        assert calendar.at_clock(at, days=days, clock=10 * HOUR) == walker.at_clock(
            at, days=days, clock=10 * HOUR
        )
