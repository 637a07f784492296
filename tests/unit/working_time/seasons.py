"""Weeks in which something happens: a calendar, its oracle, and instants that meet every edge of it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from shared.documents.checking import check_document
from shared.documents.yaml_text import parse_yaml
from shared.kernel.instants import HOUR, MINUTE, Instant, parse_instant
from shared.working_time.calendar import Calendar
from shared.working_time.compiler import compile_calendar
from shared.working_time.document import CalendarDocument
from tests.unit.working_time.oracle import Walker

CONFIG: Final = Path(__file__).parents[3] / "config" / "calendars"

WORKDAYS: Final = ["monday", "tuesday", "wednesday", "thursday", "friday"]
ALL_DAYS: Final = [*WORKDAYS, "saturday", "sunday"]


class Season:
    """Some weeks of a calendar. What is asked begins in them, and ends before the oracle gets tired."""

    def __init__(self, name: str, document: dict[str, Any], since: str, until: str) -> None:
        self.name = name
        self.calendar: Calendar = compile_calendar(check_document(document, CalendarDocument, about=name))
        self.walker = Walker(document)
        self.since, self.until = parse_instant(since), parse_instant(until)

    def __repr__(self) -> str:
        return self.name

    @cached_property
    def edges(self) -> list[Instant]:
        """Openings, closings and changes of the clock."""
        walker, minutes = self.walker, range(self.since // MINUTE, self.until // MINUTE)
        return [
            minute * MINUTE
            for minute in minutes
            if walker.open_in(minute) != walker.open_in(minute - 1)
            or (walker.wall(minute) - walker.wall(minute - 1)).total_seconds() != 60
        ]

    @cached_property
    def instants(self) -> st.SearchStrategy[Instant]:
        """Any instant of these weeks, every other one close to an edge."""
        minutes = st.integers(self.since // MINUTE, self.until // MINUTE)
        return st.one_of(
            minutes.map(MINUTE.__mul__),
            st.builds(lambda minute, rest: minute * MINUTE + rest, minutes, st.integers(1, MINUTE - 1)),
            st.builds(lambda edge, by: edge + by, st.sampled_from(self.edges), st.integers(-1, 1)),
            st.builds(lambda edge, by: edge + by * MINUTE, st.sampled_from(self.edges), st.integers(-90, 90)),
        )


def document(zone: str, hours: list[str], weekdays: list[str] = WORKDAYS, **more: Any) -> dict[str, Any]:
    return {"name": "season", "version": 1, "zone": zone, "hours": hours, "weekdays": weekdays, **more}


_CHINA: Final[Any] = parse_yaml((CONFIG / "china.yaml").read_text("utf-8"), about="china")

_BREAKS: Final = document(
    "Europe/Berlin",
    ["08:30-12:30", "13:15-17:00"],
    weekday_hours={"friday": ["08:30-14:30"], "wednesday": ["10:00-12:00", "12:00-19:00"]},
    holidays=[{"day": "2026-04-03", "until": "2026-04-06"}, {"day": "2026-10-31"}],
    make_up_days=[{"day": "2026-03-28"}, {"day": "2026-10-25", "hours": ["01:30-02:30", "09:00-11:00"]}],
    exceptions=[
        {"day": "2026-03-31", "hours": ["15:00-20:00"]},
        {"day": "2026-10-27", "hours": []},
        {"day": "2026-10-28", "hours": ["00:00-24:00"]},
    ],
)
_NIGHTS: Final = ["00:00-02:15", "02:45-06:00", "22:30-24:00"]

SEASONS: Final = (
    Season("national day with make-up days", _CHINA, "2026-09-14T00:00", "2026-10-14T00:00"),
    Season("spring festival with make-up days", _CHINA, "2026-02-08T00:00", "2026-03-03T00:00"),
    Season("breaks in spring", _BREAKS, "2026-03-22T00:00", "2026-04-10T00:00"),
    Season("breaks in autumn", _BREAKS, "2026-10-19T00:00", "2026-11-03T00:00"),
    Season(
        "nights in spring",
        document("Europe/Berlin", _NIGHTS, ALL_DAYS),
        "2026-03-26T00:00",
        "2026-04-01T00:00",
    ),
    Season(
        "nights in autumn",
        document("Europe/Berlin", _NIGHTS, ALL_DAYS),
        "2026-10-22T00:00",
        "2026-10-29T00:00",
    ),
    Season(
        "nine to five in New York",
        document("America/New_York", ["09:00-17:00"]),
        "2024-10-28T00:00",
        "2024-11-12T00:00",
    ),
    Season(
        "a clock that moves by half an hour",
        document("Australia/Lord_Howe", ["01:15-01:45", "01:50-02:10", "02:20-09:00"], ALL_DAYS),
        "2026-04-01T00:00",
        "2026-04-09T00:00",
    ),
    Season(
        "a midnight that is skipped",
        document("Africa/Cairo", ["00:00-24:00"], ["monday", "tuesday", "friday"]),
        "2024-04-22T00:00",
        "2024-05-01T00:00",
    ),
    Season(
        "a midnight that comes twice",
        document("America/St_Johns", ["00:00-00:30", "08:00-12:00", "23:15-24:00"], ALL_DAYS),
        "2010-11-03T00:00",
        "2010-11-11T00:00",
    ),
    Season(
        "a day that never was",
        document("Pacific/Apia", ["00:00-03:00", "09:00-24:00"], WORKDAYS),
        "2011-12-26T00:00",
        "2012-01-06T00:00",
    ),
)


@st.composite
def seasons_with_instants(draw: st.DrawFn, count: int = 1) -> tuple[Season, list[Instant]]:
    """A season, and so many instants of it."""
    season = draw(st.sampled_from(SEASONS))
    return season, [draw(season.instants) for _ in range(count)]


AMOUNTS: Final = st.one_of(
    st.sampled_from([0, 1, MINUTE, 2 * HOUR, 8 * HOUR, 24 * HOUR]),
    st.integers(0, 40 * 60).map(MINUTE.__mul__),
    st.builds(
        lambda minutes, rest: minutes * MINUTE + rest, st.integers(0, 40 * 60), st.integers(1, 999_999)
    ),
)
"""Amounts of working time. Drawn by the minute: Hypothesis takes small numbers from wide ranges."""
