"""When mails are due, against a calendar that is walked day by day."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.nurture.domain.schedule import History, Planned, plan_next
from services.nurture.domain.sequences import RepeatDocument, SequenceDocument, StepDocument, TierEntry
from shared.kernel.instants import DAY, Instant, from_datetime, parse_instant, to_datetime
from shared.working_time.calendar import Calendar
from tests.unit.nurture.stories import rules

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Pacific/Auckland", "UTC")
instants = st.integers(parse_instant("2024-02-01"), parse_instant("2026-12-01"))
calendars = st.sampled_from(ZONES).map(rules().calendar.in_zone)


@st.composite
def sequences(draw: st.DrawFn) -> SequenceDocument:
    days = sorted(draw(st.sets(st.integers(0, 40), min_size=1, max_size=6)))
    steps = tuple(
        StepDocument(
            step=f"step_{day}",
            content="welcome",
            day=day,
            last_day=draw(st.none() | st.integers(day, day + 12)),
        )
        for day in days
    )
    hour, minute = draw(st.integers(0, 23)), draw(st.integers(0, 59))
    return SequenceDocument(
        name="tried",
        version=1,
        entry=TierEntry(model="mql", tier="B"),
        priority=1,
        at=f"{hour:02d}:{minute:02d}",
        steps=steps,
    )


def slot(calendar: Calendar, begun: date, days: int, at: str) -> Instant:
    """The time of day ``at`` on the day so many days later, or on the next one that is worked."""
    day = begun + timedelta(days=days)
    while not calendar.works_on(day):
        day += timedelta(days=1)
    return from_datetime(datetime.combine(day, time.fromisoformat(at), calendar.zone))


def local_day(instant: Instant, calendar: Calendar) -> date:
    return to_datetime(instant).astimezone(calendar.zone).date()


def plan_all(sequence: SequenceDocument, entered: Instant, calendar: Calendar) -> list[Planned]:
    """Every mail of a run in which each is settled the moment it is due."""
    planned: list[Planned] = []
    now = entered
    while True:
        settled = [one.step for one in planned]
        one = plan_next(
            sequence, entered=entered, settled=settled, history=History(), now=now, calendar=calendar
        )
        if one is None:
            return planned
        planned.append(one)
        now = max(now, one.due)


@given(sequence=sequences(), entered=instants, calendar=calendars)
def test_a_mail_is_due_on_its_day_or_the_next_working_day_by_the_recipients_clock(
    sequence: SequenceDocument, entered: Instant, calendar: Calendar
) -> None:
    begun = local_day(entered, calendar)
    planned = plan_all(sequence, entered, calendar)
    assert [one.step for one in planned] == [step.step for step in sequence.steps]
    for step, one, before in zip(sequence.steps, planned, [None, *planned], strict=False):
        expected = entered if step.day == 0 else slot(calendar, begun, step.day, sequence.at)
        if before is not None and expected <= before.due:
            continue  # two fell on one day: the later one waits, see below
        assert one.due == expected


@given(sequence=sequences(), entered=instants, calendar=calendars)
def test_no_mail_is_due_before_the_one_before_it_nor_are_two_at_once(
    sequence: SequenceDocument, entered: Instant, calendar: Calendar
) -> None:
    planned = plan_all(sequence, entered, calendar)
    for one, other in pairwise(planned):
        assert one.due < other.due


@given(sequence=sequences(), entered=instants, calendar=calendars)
def test_a_mail_is_dropped_if_and_only_if_its_time_comes_after_its_last_day(
    sequence: SequenceDocument, entered: Instant, calendar: Calendar
) -> None:
    begun = local_day(entered, calendar)
    for step, one in zip(sequence.steps, plan_all(sequence, entered, calendar), strict=True):
        if step.last_day is None:
            assert not one.is_too_late
            assert one.too_late == one.due + sequence.give_up_after_days * DAY
        else:
            last = begun + timedelta(days=step.last_day)
            assert one.is_too_late == (local_day(one.due, calendar) > last)


@given(
    sequence=sequences(),
    entered=instants,
    calendar=calendars,
    late=st.integers(0, 30 * DAY),
)
def test_what_became_overdue_is_due_at_the_usual_time_of_another_day(
    sequence: SequenceDocument, entered: Instant, calendar: Calendar, late: int
) -> None:
    now = entered + late
    one = plan_next(sequence, entered=entered, settled=(), history=History(), now=now, calendar=calendar)
    assert one is not None
    if late:
        assert one.due >= now
        shown = to_datetime(one.due).astimezone(calendar.zone)
        day = shown.date()
        assert calendar.works_on(day)
        assert one.due == from_datetime(datetime.combine(day, time.fromisoformat(sequence.at), calendar.zone))


@given(
    entered=instants,
    calendar=calendars,
    first=st.integers(1, 40),
    every=st.integers(1, 40),
    sent=st.integers(0, 20),
)
def test_repeated_mails_keep_their_distance_and_never_drift(
    entered: Instant, calendar: Calendar, first: int, every: int, sent: int
) -> None:
    sequence = SequenceDocument(
        name="tried",
        version=1,
        entry=TierEntry(model="mql", tier="C"),
        priority=1,
        at="10:00",
        repeats=RepeatDocument(first_day=first, every_days=every, contents=("one", "two")),
    )
    begun = local_day(entered, calendar)
    settled: list[str] = []
    now = entered
    for _ in range(sent + 1):
        one = plan_next(
            sequence, entered=entered, settled=settled, history=History(), now=now, calendar=calendar
        )
        assert one is not None
        number = int(one.step.removeprefix("issue_"))
        assert one.due == slot(calendar, begun, first + (number - 1) * every, "10:00")
        assert one.due >= now
        settled.append(one.step)
        now = one.due + 1
    assert len(set(settled)) == len(settled)
