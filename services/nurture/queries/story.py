"""Nurture's part of a lead's story: runs, messages, what came back, each with its cause."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from services.nurture.domain.course import CLOCK
from services.nurture.store.reading import LeadFile, find_home, load_file
from shared.kernel.changes import TimerKey
from shared.kernel.instants import Instant
from shared.postgres.database import Database
from shared.postgres.snapshots import snapshot
from shared.processor.tables.timers import ring

_GROUP: Final = "nurture"

_PLANNED: Final = "mail planned"
_CLOCK: Final = "clock"
_FIRST: Final = ("lead_enrolled", _CLOCK, _PLANNED)


class StoryEntry(NamedTuple):
    """One line: when, what kind, in words, the fact behind it, and the event that tells of it."""

    at: Instant
    kind: str
    text: str
    cause: str
    event: str


async def tell_story(database: Database, lead: str) -> list[StoryEntry]:
    """Return what nurture did with a lead and with those who were merged into it.

    A mail is told twice: when it was planned, by its cause, and when it was known how it ended, by the
    message. What came back from it names the message, too. A mail that a clock brought about is told by
    the clock, and the clock by what set it: the enrolment, or how the mail before it ended.
    """
    async with snapshot(database) as transaction:
        home = await find_home(transaction, lead)
        file = await load_file(transaction, home)
    return [] if file is None else sorted(_entries(file), key=lambda entry: (entry.at, _rank(entry)))


def _rank(entry: StoryEntry) -> int:
    """Return the place of a line among those of the same instant: a simulated clock stands still."""
    if entry.kind in _FIRST:
        return _FIRST.index(entry.kind)
    return len(_FIRST) + (entry.kind == "sequence_exited")


def _entries(file: LeadFile) -> list[StoryEntry]:
    messages = {row.message.id: row.message for row in file.messages}
    sequences = {run.id: run.sequence for run in file.desk.enrolments}
    entries = [
        StoryEntry(
            message.planned_at,
            _PLANNED,
            f"{message.sequence}/{message.step}: {message.chosen}",
            message.cause,
            message.id,
        )
        for message in messages.values()
    ]
    entries += _clocks(file)
    for row in file.said:
        about = sequences.get(row["enrolment"], "")
        message_id = row["message"]
        if message_id is None:
            entries.append(
                StoryEntry(row["at"], row["kind"], f"{about}: {row['reason']}", row["cause"], row["event"])
            )
        else:
            message = messages.get(message_id)
            step = f"{about}/{message.step}" if message is not None else about
            entries.append(
                StoryEntry(row["at"], row["kind"], f"{step}: {row['reason']}", message_id, row["event"])
            )
    for row in file.acts:
        told = f"by a machine ({row['machine']}), not told" if row["machine"] else row["state"]
        entries.append(StoryEntry(row["at"], f"mail {row['kind']}", told, row["message"], row["id"]))
    return entries


def _clocks(file: LeadFile) -> Iterator[StoryEntry]:
    """Return a line for each clock that rang and brought a mail about."""
    for row in file.messages:
        message = row.message
        due = ring(_GROUP, TimerKey(message.lead, CLOCK), message.due)
        if message.cause != due.id:
            continue
        before = [
            said
            for said in file.said
            if said["enrolment"] == message.enrolment
            and said["at"] <= message.planned_at
            and said["message"] != message.id
            and said["kind"] != "sequence_exited"
        ]
        set_by = max(before, key=lambda said: (said["at"], said["message"] is not None), default=None)
        yield StoryEntry(
            message.due,
            _CLOCK,
            f"{message.sequence}/{message.step} is due",
            "" if set_by is None else set_by["event"],
            due.id,
        )
