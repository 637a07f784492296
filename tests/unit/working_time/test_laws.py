"""What must hold for any instants and amounts, whatever the calendar."""

from __future__ import annotations

import random

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from shared.kernel.instants import DAY, HOUR, Instant, parse_instant
from shared.working_time.calendar import Calendar, OutOfYears
from shared.working_time.zones import UnknownZone
from tests.examples import tried
from tests.unit.working_time.calendars import at, calendar_from, shipped
from tests.unit.working_time.seasons import AMOUNTS, SEASONS, Season, seasons_with_instants

Asked = tuple[Season, list[Instant]]

law = settings(max_examples=tried(120), deadline=None)


class TestSums:
    @law
    @given(seasons_with_instants(), AMOUNTS)
    def test_what_was_added_lies_between(self, asked: Asked, amount: int) -> None:
        season, (at,) = asked
        calendar = season.calendar
        assert calendar.working_between(at, calendar.add_working(at, amount)) == amount

    @law
    @given(seasons_with_instants(), AMOUNTS, AMOUNTS)
    def test_adding_twice_is_adding_the_sum(self, asked: Asked, first: int, second: int) -> None:
        season, (at,) = asked
        add = season.calendar.add_working
        assert add(add(at, first), second) == add(at, first + second)

    @law
    @given(seasons_with_instants(3))
    def test_time_between_adds_up_in_any_order(self, asked: Asked) -> None:
        season, (a, b, c) = asked
        between = season.calendar.working_between
        assert between(a, b) + between(b, c) == between(a, c)
        assert between(b, a) == -between(a, b)
        assert 0 <= between(min(a, b), max(a, b)) <= abs(b - a)

    @law
    @given(seasons_with_instants(2), AMOUNTS, AMOUNTS)
    def test_who_starts_later_or_has_more_to_do_is_never_done_earlier(
        self, asked: Asked, first: int, second: int
    ) -> None:
        season, instants = asked
        (earlier, later), (less, more) = sorted(instants), sorted((first, second))
        add = season.calendar.add_working
        assert add(earlier, less) <= add(later, less) <= add(later, more)


class TestOpenings:
    @law
    @given(seasons_with_instants())
    def test_until_the_next_opening_and_since_the_last_closing_nobody_works(self, asked: Asked) -> None:
        season, (at,) = asked
        calendar = season.calendar
        opening, closing = calendar.next_opening(at), calendar.previous_closing(at)
        assert closing <= at <= opening
        assert calendar.is_open(opening)
        assert calendar.next_opening(opening) == opening
        assert calendar.working_between(at, opening) == 0
        assert not calendar.is_open(closing)
        assert calendar.is_open(closing - 1)
        assert calendar.previous_closing(closing) == closing
        if not calendar.is_open(at):
            assert calendar.working_between(closing, at) == 0

    @law
    @given(seasons_with_instants())
    def test_moving_a_due_time_into_hours_changes_no_working_time(self, asked: Asked) -> None:
        season, (at,) = asked
        due = season.calendar.due_in_hours(at)
        assert season.calendar.working_between(due, at) == 0
        assert season.calendar.next_opening(due) == season.calendar.next_opening(at)


class TestDays:
    @law
    @given(seasons_with_instants(), st.integers(1, 6))
    def test_a_due_time_in_working_days_is_after_the_start_and_in_hours_or_at_a_closing(
        self, asked: Asked, days: int
    ) -> None:
        season, (at,) = asked
        calendar = season.calendar
        due = calendar.add_working_days(at, days)
        assert due > at
        assert calendar.is_open(due) or calendar.previous_closing(due) == due
        assert calendar.add_working_days(calendar.next_opening(at), days) == due

    @law
    @given(seasons_with_instants(2), st.integers(1, 6))
    def test_who_starts_later_is_not_due_earlier_unless_clocks_went_back(
        self, asked: Asked, days: int
    ) -> None:
        season, instants = asked
        earlier, later = sorted(map(season.calendar.next_opening, instants))
        assume(season.walker.shown(earlier) <= season.walker.shown(later))
        assert season.calendar.add_working_days(earlier, days) <= season.calendar.add_working_days(
            later, days
        )

    @law
    @given(seasons_with_instants(), st.integers(0, 14))
    def test_a_clock_time_falls_on_a_working_day_not_before_the_day_that_was_named(
        self, asked: Asked, days: int
    ) -> None:
        season, (at,) = asked
        calendar = season.calendar
        found = calendar.at_clock(at, days=days, clock=10 * HOUR)
        assert calendar.works_on(calendar.day_of(found))
        assert (calendar.day_of(found) - calendar.day_of(at)).days >= days


class TestPauses:
    @law
    @given(seasons_with_instants(3))
    def test_what_was_left_before_a_pause_is_left_after_it(self, asked: Asked) -> None:
        season, instants = asked
        paused, resumed, due = sorted(instants)
        calendar = season.calendar
        moved = calendar.due_after_pause(due, paused=paused, resumed=resumed)
        assert calendar.working_between(resumed, moved) == calendar.working_between(paused, due)

    @law
    @given(seasons_with_instants(2))
    def test_a_pause_of_no_length_moves_no_breach(self, asked: Asked) -> None:
        season, instants = asked
        paused, due = sorted(instants)
        calendar = season.calendar
        moved = calendar.due_after_pause(due, paused=paused, resumed=paused)
        if calendar.working_between(paused, due) > 0:
            assert calendar.next_opening(moved) == calendar.next_opening(due)

    @law
    @given(seasons_with_instants(3))
    def test_what_was_due_before_a_pause_stays_due(self, asked: Asked) -> None:
        season, instants = asked
        due, paused, resumed = sorted(instants)
        assert season.calendar.due_after_pause(due, paused=paused, resumed=resumed) == due


class TestTables:
    """Answers depend on the question only, not on what was asked before."""

    @settings(max_examples=tried(10), deadline=None)
    @given(st.integers(1990, 2060), st.integers(1990, 2060), st.integers(0, 365 * 24 - 1))
    @example(1972, 2196, 0)
    def test_any_order_of_years_gives_the_same_answers(self, first: int, second: int, hour: int) -> None:
        fresh, other = _copy(shipped("china")), _copy(shipped("china"))
        instants = [parse_instant(f"{year}-01-01T00:00") + hour * HOUR + 1 for year in (first, second)]
        told = [_answers(fresh, instant) for instant in instants]
        assert told == [_answers(other, instant) for instant in reversed(instants)][::-1]

    def test_a_question_is_a_few_bisections(self) -> None:
        import time

        calendar, draw = shipped("china"), random.Random(7)
        instants = [
            parse_instant("2024-02-01T00:00") + draw.randrange(900 * 24 * 60) * 60_000_000
            for _ in range(20_000)
        ]
        calendar.add_working_days(instants[0], 1)
        begun = time.process_time()
        for instant in instants:
            calendar.add_working_days(instant, 1)
            calendar.add_working(instant, 2 * HOUR)
        assert time.process_time() - begun < 4, "0.2 ms for a deadline; about 0.01 is usual"

    @pytest.mark.parametrize("text", ["1969-12-31T00:00", "2200-01-01T00:00", "0001-01-01T00:00"])
    def test_years_beyond_reckoning_are_refused(self, text: str) -> None:
        with pytest.raises(OutOfYears):
            shipped("china").next_opening(parse_instant(text))

    def test_no_search_goes_on_for_ever(self) -> None:
        calendar = shipped("china")
        now = at(calendar, "2026-11-16 10:00")
        with pytest.raises(OutOfYears):
            calendar.add_working(now, 400 * 366 * DAY)
        with pytest.raises(OutOfYears):
            calendar.add_working_days(now, 1_000_000)
        with pytest.raises(OutOfYears):
            calendar.at_clock(now, days=1_000_000, clock=0)

    def test_a_calendar_that_never_closes_has_no_closing(self) -> None:
        always = calendar_from(
            "{name: always, version: 1, zone: Europe/Berlin, hours: [00:00-24:00],"
            " weekdays: [monday, tuesday, wednesday, thursday, friday, saturday, sunday]}"
        )
        now = at(always, "2026-12-31 23:59")
        assert always.next_opening(now) == now
        assert always.add_working(now, 30 * DAY) == now + 30 * DAY
        with pytest.raises(OutOfYears):
            always.previous_closing(now)


class TestArguments:
    def test_negative_amounts_and_days_are_refused(self) -> None:
        calendar = shipped("china")
        now = at(calendar, "2026-11-16 10:00")
        with pytest.raises(ValueError, match="not negative"):
            calendar.add_working(now, -1)
        for ask in (calendar.add_working_days, calendar.add_calendar_days):
            with pytest.raises(ValueError, match="forwards"):
                ask(now, -1)
        with pytest.raises(ValueError, match="forwards"):
            calendar.at_clock(now, days=-1, clock=0)
        with pytest.raises(ValueError, match="24 hours"):
            calendar.at_clock(now, days=1, clock=DAY)

    @pytest.mark.parametrize(
        "key", ["Nowhere/Nohow", "", "../../etc/passwd", "Europe", "/etc/localtime", "\0"]
    )
    def test_a_zone_that_is_not_known_is_refused(self, key: str) -> None:
        with pytest.raises(UnknownZone):
            shipped("china").in_zone(key)

    def test_another_zone_has_the_same_hours_by_its_own_clock(self) -> None:
        china = shipped("china")
        berlin = china.in_zone("Europe/Berlin")
        assert berlin is china.in_zone("Europe/Berlin")
        assert china.in_zone("Asia/Shanghai") is china
        assert china.next_opening(at(china, "2026-11-16 03:00")) == at(china, "2026-11-16 09:00")
        assert berlin.next_opening(at(berlin, "2026-11-16 03:00")) == at(berlin, "2026-11-16 09:00")


def _copy(calendar: Calendar) -> Calendar:
    return Calendar(
        name=calendar.name,
        version=calendar.version,
        zone=calendar.zone,
        week=calendar._week,
        days=calendar._days,
        complete=calendar.complete,
    )


def _answers(calendar: Calendar, instant: Instant) -> tuple[object, ...]:
    return (
        calendar.is_open(instant),
        calendar.next_opening(instant),
        calendar.previous_closing(instant),
        calendar.add_working(instant, 2 * HOUR),
        calendar.add_working(instant, 3000 * HOUR),
        calendar.add_working_days(instant, 3),
        calendar.at_clock(instant, days=3, clock=10 * HOUR),
        calendar.working_between(instant, instant + 400 * DAY),
    )


def test_every_season_has_edges_to_meet() -> None:
    assert all(len(season.edges) >= 4 for season in SEASONS)
