"""What the resolver is handed: pure functions that read, decide and tell, and a meter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from services.ingest.domain.dialects.hooks import Errand
from services.ingest.domain.directory import Directory, Lead
from services.ingest.domain.intake import Intake, Refusal
from services.ingest.domain.story import StoryRow
from services.ingest.domain.validity.judging import WordHeard
from services.ingest.store.desk.heard import Heard
from shared.contracts.envelope import Envelope
from shared.contracts.events.raw import RawReceived
from shared.kernel.changes import Emission, Fact
from shared.kernel.instants import Instant
from shared.postgres.database import Transaction
from shared.processor.stage import Decision

Reading = Intake | Errand | Refusal


class ReadRaw(Protocol):
    """Turns a raw record into an intake or an errand, or says why it can be neither; pure."""

    def __call__(self, raw: RawReceived, *, record_id: str, received: Instant) -> Reading:
        """Return what the record says, or what it wants to be done first."""
        ...


class RetellContact(Protocol):
    """Says the latest about a lead's contact again; pure."""

    def __call__(self, lead: Lead, *, lives_with: str, at: Instant) -> Emission:
        """Return the contact as it stands, or a tombstone."""
        ...


class TakeIn(Protocol):
    """Takes one message into the directory, or raises Rejected; pure."""

    def __call__(self, directory: Directory, intake: Intake, *, cause: str) -> Sequence[Emission]:
        """Return what the message makes us say, in order."""
        ...


class WatchBursts(Protocol):
    """Says for which messages the acts of late are wanted; pure."""

    def __call__(self, intake: Intake) -> int:
        """Return how far around the act to look, in microseconds; 0 if its act is none that is watched."""
        ...


class TellStory(Protocol):
    """Says what a message that was just taken in adds to the story of its lead; pure."""

    def __call__(
        self, directory: Directory, intake: Intake, emissions: Sequence[Emission], *, cause: str
    ) -> Sequence[StoryRow]:
        """Return the lines, in order."""
        ...


CarryOut = Callable[[Transaction, Fact], Awaitable[Decision]]
"""Carries out a command about the directory, which comes by itself."""


class OnWordHeard(Protocol):
    """Takes as a word about a lead's validity what a person said of it in sales; pure."""

    def __call__(
        self, directory: Directory, word: WordHeard, *, at: Instant, cause: str
    ) -> tuple[Sequence[Emission], Sequence[StoryRow]]:
        """Return what is said about it, and the lines of the story."""
        ...


Hear = Callable[[Envelope], Heard | None]
"""Says what an event of another service tells ingest, None if nothing; pure."""


class ResolverMeter(Protocol):
    """Counts what became of messages; never blocks, never raises."""

    def quarantined(self, code: str, count: int = 1) -> None:
        """Count messages that went to quarantine, by reason."""
        ...

    def repeated(self, count: int) -> None:
        """Count messages that had been seen already."""
        ...

    def suppressed(self) -> None:
        """Count a message about somebody who was erased."""
        ...
