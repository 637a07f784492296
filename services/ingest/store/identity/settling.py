"""What people decide about two leads, carried out: lock, load, let the pure handler decide, write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from services.ingest.domain.directory import Directory, Lead
from services.ingest.domain.evidence.doubts import Conflict
from services.ingest.domain.identifiers import Identifier, IdentifierKind
from services.ingest.domain.identity.resolving import LeadUnknown
from services.ingest.domain.identity.settling import (
    ConflictOfOne,
    ConflictSettled,
    ConflictUnknown,
    MergeLeads,
    SettleConflict,
)
from services.ingest.domain.scrubbing import scrub_text
from services.ingest.domain.story import StoryRow
from services.ingest.store.directory_rows import load_directory, save_directory
from services.ingest.store.identity.conflicts import load_conflict, save_settled
from services.ingest.store.story import save_story
from shared.kernel.changes import Emission, Fact
from shared.kernel.instants import Instant
from shared.postgres.database import Transaction
from shared.processor.stage import Decision, Outcome


class Settled(Protocol):
    """What a decision came to."""

    @property
    def lead(self) -> str:
        """The lead that is there now."""
        ...

    @property
    def emissions(self) -> Sequence[Emission]:
        """What is said about it."""
        ...

    @property
    def story(self) -> Sequence[StoryRow]:
        """The lines of the story."""
        ...


class OnDecision(Protocol):
    """Does with two leads what a person decided; pure."""

    def on_merge(
        self,
        directory: Directory,
        first: Lead,
        second: Lead,
        *,
        by: str,
        reason: str,
        at: Instant,
        cause: str,
    ) -> Settled:
        """Make one lead of two."""
        ...

    def on_apart(
        self, directory: Directory, first: Lead, second: Lead, *, by: str, note: str, at: Instant, cause: str
    ) -> Settled:
        """Keep two leads apart for good."""
        ...


class Rejudge(Protocol):
    """Judges anew whether leads are somebody, after something about them has changed; pure."""

    def __call__(
        self, directory: Directory, lead_ids: Iterable[str], *, at: Instant, cause: str, first: int = 0
    ) -> tuple[Sequence[Emission], Sequence[StoryRow]]:
        """Return what is said about it behind ``first`` emissions, and the lines of the story."""
        ...


class SettlingCommands:
    """Carries out what people decided."""

    def __init__(self, decided: OnDecision, *, rejudge: Rejudge) -> None:
        self._decided = decided
        self._rejudge = rejudge

    async def carry_out(self, transaction: Transaction, fact: Fact) -> Decision:
        """Carry out one command.

        :raises Rejected: if it cannot be done; nothing was.
        :raises WriteConflict: if a profile moved meanwhile; it is tried again.
        """
        command = fact.event
        if isinstance(command, MergeLeads):
            lead, emissions = await self._merge(
                transaction, fact, command.lead, command.other, by=command.by, reason=command.reason
            )
            reply = {"lead": lead, "merged": [command.lead, command.other]}
            return Decision(Outcome.PROCESSED, emissions, reply=reply)
        assert isinstance(command, SettleConflict)
        return await self._settle(transaction, fact, command)

    async def _settle(self, transaction: Transaction, fact: Fact, command: SettleConflict) -> Decision:
        conflict = await load_conflict(transaction, command.conflict)
        if conflict is None:
            raise ConflictUnknown
        if conflict.settled is not None:
            raise ConflictSettled
        emissions = await self._act(transaction, fact, command, conflict)
        await save_settled(
            transaction,
            conflict.id,
            settled=command.decided,
            at=fact.received,
            by=command.by,
            note=scrub_text(command.note),
        )
        reply = {"id": conflict.id, "settled": command.decided, "settled_by": command.by}
        return Decision(Outcome.PROCESSED, emissions, reply=reply)

    async def _act(
        self, transaction: Transaction, fact: Fact, command: SettleConflict, conflict: Conflict
    ) -> Sequence[Emission]:
        if command.decided == "dismiss":
            return ()
        if not conflict.other_lead:
            raise ConflictOfOne
        if command.decided == "merge":
            why = command.note or conflict.reason
            _, emissions = await self._merge(
                transaction, fact, conflict.lead, conflict.other_lead, by=command.by, reason=why
            )
            return emissions
        directory, first, second = await _load_two(transaction, conflict.lead, conflict.other_lead)
        settled = self._decided.on_apart(
            directory, first, second, by=command.by, note=command.note, at=fact.received, cause=fact.id
        )
        await save_directory(transaction, directory, fresh=())
        await save_story(transaction, settled.story)
        return settled.emissions

    async def _merge(
        self, transaction: Transaction, fact: Fact, lead: str, other: str, *, by: str, reason: str
    ) -> tuple[str, Sequence[Emission]]:
        """Merge two leads; returns the one that stays, and what is said about it."""
        directory, first, second = await _load_two(transaction, lead, other)
        settled = self._decided.on_merge(
            directory, first, second, by=by, reason=reason, at=fact.received, cause=fact.id
        )
        verdicts, lines = self._rejudge(
            directory, [settled.lead], at=fact.received, cause=fact.id, first=len(settled.emissions)
        )
        await save_directory(transaction, directory, fresh=())
        await save_story(transaction, [*settled.story, *lines])
        return settled.lead, [*settled.emissions, *verdicts]


async def _load_two(transaction: Transaction, *ids: str) -> tuple[Directory, Lead, Lead]:
    """Lock and load two leads; one that was merged away stands for the one that stayed.

    :raises LeadUnknown: if one of them is none of ours.
    """
    named = [Identifier(IdentifierKind.LEAD, one) for one in ids]
    directory, _ = await load_directory(transaction, named)
    found = [directory.lead_of(one) for one in named]
    first, second = found
    if first is None or second is None:
        raise LeadUnknown
    return directory, first, second
