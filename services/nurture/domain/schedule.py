"""When a sequence's mails are due: a function of the run, the calendar and what was mailed already (N1, N11).

The calendar is that of the organisation, on the recipient's clock. Nothing here knows what time it is
but by ``now``, the instant of the fact at hand.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple

from services.nurture.domain.sequences import RepeatDocument, SequenceDocument
from shared.kernel.instants import DAY, Instant, from_datetime
from shared.working_time.calendar import Calendar
from shared.working_time.zones import UnknownZone

ISSUE: Final = "issue_"
"""Mails that repeat are called issue_1, issue_2, and so on within one run."""


class Planned(NamedTuple):
    """The next mail: its step, its content, when it is due, and from when on it is too late."""

    step: str
    content: str
    due: Instant
    too_late: Instant

    @property
    def is_too_late(self) -> bool:
        """True if it can only be dropped."""
        return self.due >= self.too_late


class History(NamedTuple):
    """What a person has behind them in a sequence, over all runs: its steps, and when mails went out."""

    behind: frozenset[str] = frozenset()
    mailed: tuple[Instant, ...] = ()


class Waiting(NamedTuple):
    """The step that a run waits for, and since its clock rings, when that was to be."""

    step: str
    due: Instant


def calendar_for(calendar: Calendar, time_zone: str | None) -> Calendar:
    """Return the calendar on the recipient's clock; on the organisation's where theirs is unknown."""
    if not time_zone:
        return calendar
    try:
        return calendar.in_zone(time_zone)
    except UnknownZone:
        return calendar


def plan_next(
    sequence: SequenceDocument,
    *,
    entered: Instant,
    settled: Collection[str],
    history: History,
    now: Instant,
    calendar: Calendar,
    waiting: Waiting | None = None,
) -> Planned | None:
    """Return the next mail of a run that began at ``entered``; None if nothing is left.

    ``settled`` are the steps that this run has behind it; of ``history`` no step is repeated. What would
    have been due by ``now`` is due at the usual time of the next day, so that nothing is sent in a
    burst; what the run was ``waiting`` for is due when it was to be.
    """
    if sequence.repeats is not None:
        return _plan_issue(sequence, sequence.repeats, entered, settled, history, now, calendar)
    begun = max((place for place, step in enumerate(sequence.steps) if step.step in settled), default=-1)
    for step in sequence.steps[begun + 1 :]:
        if step.step in history.behind:
            continue
        due = entered
        if step.day > 0:
            due = calendar.at_clock(entered, days=step.day, clock=sequence.clock)
        if waiting is not None and waiting.step == step.step:
            due = waiting.due
        elif due < now or (due == now and step.day > 0):
            due = calendar.at_clock(now, days=1, clock=sequence.clock)
        last = None
        if step.last_day is not None:
            last = calendar.day_of(entered) + timedelta(days=step.last_day)
        return Planned(step.step, step.content, due, _too_late(sequence, due, last, calendar))
    return None


def has_more(sequence: SequenceDocument, history: History) -> bool:
    """Tell whether a new run would mail anything that this person has not behind them."""
    return sequence.repeats is not None or any(step.step not in history.behind for step in sequence.steps)


def _plan_issue(
    sequence: SequenceDocument,
    repeats: RepeatDocument,
    entered: Instant,
    settled: Collection[str],
    history: History,
    now: Instant,
    calendar: Calendar,
) -> Planned:
    number = max((int(step.removeprefix(ISSUE)) for step in settled), default=0) + 1
    earliest = now
    if history.mailed and not settled:
        # a mail sent late in its turn must not push all others: only another run's mails are waited for
        rest = calendar.at_clock(history.mailed[-1], days=repeats.every_days, clock=sequence.clock)
        earliest = max(now, rest)
    due = _issue_due(sequence, repeats, entered, number, calendar)
    while due < earliest:
        number += 1
        due = _issue_due(sequence, repeats, entered, number, calendar)
    content = repeats.contents[len(history.mailed) % len(repeats.contents)]
    return Planned(f"{ISSUE}{number}", content, due, _too_late(sequence, due, None, calendar))


def _issue_due(
    sequence: SequenceDocument, repeats: RepeatDocument, entered: Instant, number: int, calendar: Calendar
) -> Instant:
    days = repeats.first_day + (number - 1) * repeats.every_days
    return calendar.at_clock(entered, days=days, clock=sequence.clock)


def _too_late(sequence: SequenceDocument, due: Instant, last: date | None, calendar: Calendar) -> Instant:
    given_up = due + sequence.give_up_after_days * DAY
    return given_up if last is None else min(given_up, _end_of(last, calendar))


def _end_of(day: date, calendar: Calendar) -> Instant:
    midnight = datetime.combine(day + timedelta(days=1), time(), calendar.zone)
    return from_datetime(midnight)
