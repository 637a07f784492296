"""Sequences: who gets which contents when, as documents, and the set of them that a service runs by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from shared.kernel.faults import Fault, Faults, allowed, show
from shared.kernel.instants import HOUR, MINUTE

Name = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$")]
TierName = Annotated[str, Meta(pattern="^[A-Za-z][A-Za-z0-9_]{0,62}$")]
Hold = Literal["owned", "opportunity", "won"]
Clock = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]

LONGEST_DAYS: Final = 3660


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys that no part knows are faults."""


class TierEntry(_Part, tag_field="type", tag="tier", frozen=True, kw_only=True):
    """Whoever is in this tier of the model in charge."""

    model: Name
    tier: TierName


class LossEntry(_Part, tag_field="type", tag="lost", frozen=True, kw_only=True):
    """Whoever's last deal was lost, while none is open (N7)."""


class StepDocument(_Part, frozen=True, kw_only=True):
    """One mail: on ``day`` 0 at once, else on that calendar day or the next working day.

    It is dropped with the reason if its time would come after ``last_day``.
    """

    step: Name
    content: Name
    day: Annotated[int, Meta(ge=0, le=LONGEST_DAYS)]
    last_day: Annotated[int, Meta(ge=0, le=LONGEST_DAYS)] | None = None


class RepeatDocument(_Part, frozen=True, kw_only=True):
    """A mail every so many days for as long as the lead stays; contents take turns."""

    first_day: Annotated[int, Meta(ge=1, le=LONGEST_DAYS)]
    every_days: Annotated[int, Meta(ge=1, le=LONGEST_DAYS)]
    contents: Annotated[tuple[Name, ...], Meta(min_length=1)]


class SequenceDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole sequence: either ``steps`` or ``repeats``.

    A lead is in one sequence at a time: of those it may enter the one with the highest ``priority``.
    ``at`` is the time of day, by the recipient's clock, of every mail that is not sent at once.
    ``stops_for`` are standings in which the lead leaves at once. A mail that could not be sent for
    ``give_up_after_days`` is dropped. Whoever refuses mail of its ``purpose``, of its name if it has
    none, is left out, whatever else they agreed to.
    """

    name: Name
    version: Annotated[int, Meta(ge=1)]
    description: str = ""
    entry: TierEntry | LossEntry
    priority: Annotated[int, Meta(ge=0, le=1000)]
    at: Clock
    stops_for: tuple[Hold, ...] = ()
    give_up_after_days: Annotated[int, Meta(ge=1, le=30)] = 4
    purpose: Annotated[str, Meta(pattern="^([a-z][a-z0-9_]{0,62})?$")] = ""
    steps: tuple[StepDocument, ...] = ()
    repeats: RepeatDocument | None = None

    @property
    def clock(self) -> int:
        """The time of day as microseconds since midnight."""
        hours, minutes = self.at.split(":")
        return int(hours) * HOUR + int(minutes) * MINUTE

    @property
    def wanted_for(self) -> str:
        """The purpose to which a refusal of consent may be limited."""
        return self.purpose or self.name

    @property
    def contents(self) -> tuple[str, ...]:
        """The contents it names."""
        return tuple(step.content for step in self.steps) + (self.repeats.contents if self.repeats else ())


class SequenceFaults(Faults):
    """A sequence has faults; all of them are listed, each with its path."""

    code = "nurture.sequence_faults"


class SequenceSet:
    """All sequences in all their versions; of each name the highest version is live.

    Those inside finish the version that they began.

    :raises SequenceFaults: with every fault of every document.
    """

    def __init__(self, documents: Iterable[SequenceDocument], *, contents: Iterable[str]) -> None:
        known = frozenset(contents)
        faults: list[Fault] = []
        self._all: dict[tuple[str, int], SequenceDocument] = {}
        for document in documents:
            self._all[document.name, document.version] = document
            faults += _find_faults(document, known)
        newest: dict[str, SequenceDocument] = {}
        for document in self._all.values():
            if document.name not in newest or newest[document.name].version < document.version:
                newest[document.name] = document
        priorities: dict[int, str] = {}
        for name, document in sorted(newest.items()):
            other = priorities.setdefault(document.priority, name)
            if other != name:
                faults.append(Fault(f"{name}.priority", f"is that of {other}, too; one must come first"))
        if faults:
            raise SequenceFaults(faults, about="sequences")
        self.live = tuple(sorted(newest.values(), key=lambda document: -document.priority))
        """The live versions, highest priority first."""

    def find(self, name: str, version: int) -> SequenceDocument | None:
        """Return a version; where it is gone, the live one; None if the whole sequence is gone."""
        found = self._all.get((name, version))
        if found is None:
            return next((document for document in self.live if document.name == name), None)
        return found


def _find_faults(document: SequenceDocument, contents: frozenset[str]) -> Iterable[Fault]:
    name = document.name
    if bool(document.steps) == (document.repeats is not None):
        yield Fault(name, "has either steps or repeats, and one of them")
    for content in dict.fromkeys(document.contents):
        if content not in contents:
            yield Fault(
                f"{name}.content", f"{show(content)} is no content; {allowed(contents, instead_of=content)}"
            )
    days: Mapping[str, int] = {step.step: step.day for step in document.steps}
    if len(days) < len(document.steps):
        yield Fault(f"{name}.steps", "has two steps of one name")
    before = -1
    for place, step in enumerate(document.steps):
        path = f"{name}.steps[{place}]"
        if step.day <= before:
            yield Fault(f"{path}.day", "comes after the day of the step before")
        before = step.day
        if step.last_day is not None and step.last_day < step.day:
            yield Fault(f"{path}.last_day", "lies before the day")
