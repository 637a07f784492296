"""The rows that one batch works on, changed in memory and saved at its end."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from services.nurture.domain.enrolments import Enrolment
from services.nurture.domain.leads import Contact, Lead, Profile
from services.nurture.domain.messages import UNDER_WAY, Message
from shared.kernel.instants import Instant

R = TypeVar("R")


class SaidRow(NamedTuple):
    """An event that was said, as it is kept for the story and the audit; ``message`` if it is about one."""

    event: str
    lead: str
    kind: str
    at: Instant
    cause: str
    enrolment: str
    message: str | None
    reason: str


class Rows(Generic[R]):
    """Rows of one kind by id; remembers what changed, and what the fact in hand changed."""

    def __init__(self, rows: Iterable[tuple[str, R]] = ()) -> None:
        self._rows: dict[str, R] = dict(rows)
        self._changed: set[str] = set()
        self._before: dict[str, tuple[R | None, bool]] = {}

    def __iter__(self) -> Iterator[R]:
        return iter(self._rows.values())

    def find(self, key: str) -> R | None:
        """Return a row, None if there is none."""
        return self._rows.get(key)

    def put(self, key: str, row: R) -> None:
        """Store a row; the very same row changes nothing."""
        before = self._rows.get(key)
        if before is row:
            return
        self._before.setdefault(key, (before, key in self._changed))
        self._rows[key] = row
        self._changed.add(key)

    def begin(self) -> None:
        """From here on :meth:`undo` comes back to here."""
        self._before.clear()

    def undo(self) -> None:
        """Make everything as it was at :meth:`begin`."""
        for key, (row, was_changed) in self._before.items():
            if row is None:
                del self._rows[key]
            else:
                self._rows[key] = row
            if not was_changed:
                self._changed.discard(key)
        self._before.clear()

    @property
    def changed(self) -> list[R]:
        """What is to be saved, in order of the ids."""
        return [self._rows[key] for key in sorted(self._changed)]


@dataclass(slots=True, kw_only=True)
class Desk:
    """Leads with all their profiles and runs, their contacts, and their messages under way.

    ``leads`` are those whose rows are locked; ``said`` is to be appended.
    """

    leads: Collection[str] = ()
    lead_rows: Rows[Lead] = field(default_factory=Rows)
    profiles: Rows[Profile] = field(default_factory=Rows)
    contacts: Rows[Contact] = field(default_factory=Rows)
    enrolments: Rows[Enrolment] = field(default_factory=Rows)
    messages: Rows[Message] = field(default_factory=Rows)
    said: list[SaidRow] = field(default_factory=list)
    _said_before: int = 0

    def begin_fact(self) -> None:
        """From here on :meth:`undo_fact` comes back to here."""
        for rows in self._all():
            rows.begin()
        self._said_before = len(self.said)

    def undo_fact(self) -> None:
        """Make everything as it was when the fact in hand began."""
        for rows in self._all():
            rows.undo()
        del self.said[self._said_before :]

    def lead(self, lead: str) -> Lead:
        """Return a lead; one that nothing was known of is a stub."""
        return self.lead_rows.find(lead) or Lead(id=lead)

    def home_of(self, profile: str, otherwise: str) -> str:
        """Return the lead with which a profile lives; ``otherwise`` if nothing was heard of it yet."""
        known = self.profiles.find(profile)
        return otherwise if known is None else known.lead

    def profiles_of(self, lead: str) -> list[Profile]:
        """Return the profiles that live with a lead, in order of their ids.

        A lead of which nothing else is known stands for itself.
        """
        living = sorted((one for one in self.profiles if one.lead == lead), key=lambda one: one.id)
        own = self.profiles.find(lead)
        return living if living or own is not None else [Profile(id=lead, lead=lead, is_stub=True)]

    def runs_of(self, lead: str) -> list[Enrolment]:
        """Return all runs of the people of a lead, also those from before a merge."""
        people = {lead, *(profile.id for profile in self.profiles_of(lead))}
        return [one for one in self.enrolments if one.lead in people]

    def running(self, lead: str) -> Enrolment | None:
        """Return the run that a lead is in."""
        return next((one for one in self.enrolments if one.lead == lead and one.is_running), None)

    def message_under_way(self, enrolment: Enrolment) -> Message | None:
        """Return the message that a run waits for."""
        message = self.messages.find(enrolment.message) if enrolment.message else None
        return message if message is not None and message.state in UNDER_WAY else None

    def _all(self) -> tuple[Rows[object], ...]:
        rows: tuple[Rows[object], ...] = (
            self.lead_rows,  # type: ignore[assignment]
            self.profiles,
            self.contacts,
            self.enrolments,
            self.messages,
        )
        return rows
