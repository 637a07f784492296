"""What people ask of the directory: forget somebody, take a merge back, put a lead right, tag leads.

Each comes as a batch of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from services.ingest.domain.desk.corrections import VALIDITY, CorrectLead, Note
from services.ingest.domain.directory import Directory, Lead
from services.ingest.domain.erasure import Erased, ErasePerson, needles_of
from services.ingest.domain.identifiers import Identifier, IdentifierKind
from services.ingest.domain.identity.merging import UnmergeLead, find_homecomers
from services.ingest.domain.identity.resolving import LeadUnknown
from services.ingest.domain.story import StoryRow
from services.ingest.domain.tags.commands import TagLeads
from services.ingest.domain.validity.judging import InvalidateLead, ValidateLead
from services.ingest.store.desk.erasures import open_erasure
from services.ingest.store.desk.notes import save_note
from services.ingest.store.desk.owners import claim_owner
from services.ingest.store.directory_rows import load_directory, load_identifiers, save_directory
from services.ingest.store.erasure import load_members, scrub
from services.ingest.store.story import save_story
from shared.contracts.events.erasures import PersonalDataRemoved
from shared.kernel.changes import Emission, Fact
from shared.kernel.instants import Instant
from shared.postgres.database import Transaction
from shared.processor.stage import Decision, Outcome


class OnErasure(Protocol):
    """Forgets a person; pure."""

    def __call__(
        self, directory: Directory, lead_id: str, *, at: Instant, cause: str
    ) -> tuple[Erased, Sequence[Emission], Sequence[StoryRow]]:
        """Return what went, what is said about it, and what is left of the story."""
        ...


class OnUnmerge(Protocol):
    """Takes a merge back; pure."""

    def __call__(
        self,
        directory: Directory,
        command: UnmergeLead,
        identifiers: Mapping[str, IdentifierKind],
        *,
        at: Instant,
        cause: str,
    ) -> tuple[Sequence[Emission], Sequence[StoryRow]]:
        """Return what is said about it, and the lines of the story."""
        ...


class Corrected(Protocol):
    """What a correction amounted to."""

    @property
    def lead(self) -> Lead:
        """The lead now."""
        ...

    @property
    def corrected(self) -> Sequence[str]:
        """What is different, by name."""
        ...

    @property
    def emissions(self) -> Sequence[Emission]:
        """What is said about it."""
        ...

    @property
    def story(self) -> Sequence[StoryRow]:
        """The lines of the story."""
        ...

    @property
    def note(self) -> Note | None:
        """What was written beside it."""
        ...

    @property
    def word(self) -> InvalidateLead | ValidateLead | None:
        """What is said of the lead's validity along with it."""
        ...


class OnCorrection(Protocol):
    """Puts a lead right; pure."""

    def __call__(
        self, directory: Directory, command: CorrectLead, *, owner: str | None, at: Instant, cause: str
    ) -> Corrected:
        """Return what it amounted to."""
        ...


class OnWord(Protocol):
    """Does as a person says of a lead's validity; pure."""

    def __call__(
        self,
        directory: Directory,
        lead_id: str,
        command: InvalidateLead | ValidateLead,
        *,
        at: Instant,
        cause: str,
    ) -> tuple[Sequence[Emission], Sequence[StoryRow]]:
        """Return what is said about it, and the lines of the story."""
        ...


class Rejudge(Protocol):
    """Judges leads again after something else about them has changed; pure."""

    def __call__(
        self,
        directory: Directory,
        lead_ids: Sequence[str],
        *,
        at: Instant,
        cause: str,
        first: int = 0,
        word: InvalidateLead | ValidateLead | None = None,
    ) -> tuple[Sequence[Emission], Sequence[StoryRow]]:
        """Return what is said about it after ``first`` emissions, and the lines of the story."""
        ...


class Tagged(Protocol):
    """What tagging by hand amounted to."""

    @property
    def changed(self) -> Sequence[str]:
        """The leads on which something is different now."""
        ...

    @property
    def emissions(self) -> Sequence[Emission]:
        """What is said about it."""
        ...

    @property
    def story(self) -> Sequence[StoryRow]:
        """The lines of the story."""
        ...


class OnTagLeads(Protocol):
    """Puts tags on leads and takes others off; pure."""

    def __call__(
        self,
        directory: Directory,
        command: TagLeads,
        *,
        owners: Mapping[str, str | None],
        at: Instant,
        cause: str,
    ) -> Tagged:
        """Return what it amounted to, or raise Rejected."""
        ...


class DirectoryCommands:
    """Carries commands out: lock, load, let the pure handler decide, write."""

    def __init__(
        self,
        *,
        on_erasure: OnErasure,
        on_unmerge: OnUnmerge,
        on_correction: OnCorrection,
        on_word: OnWord,
        rejudge: Rejudge,
        on_tag_leads: OnTagLeads,
    ) -> None:
        self._on_erasure = on_erasure
        self._on_unmerge = on_unmerge
        self._on_correction = on_correction
        self._on_word = on_word
        self._rejudge = rejudge
        self._on_tag_leads = on_tag_leads

    async def carry_out(self, transaction: Transaction, fact: Fact) -> Decision:
        """Carry out one command.

        :raises Rejected: if it cannot be done; nothing was.
        :raises WriteConflict: if a profile moved meanwhile; it is tried again.
        """
        match fact.event:
            case ErasePerson(identifier, by):
                return await self._erase(transaction, fact, identifier, by)
            case UnmergeLead():
                return await self._unmerge(transaction, fact, fact.event)
            case CorrectLead():
                return await self._correct(transaction, fact, fact.event)
            case InvalidateLead() | ValidateLead():
                return await self._take_word(transaction, fact, fact.event)
            case TagLeads():
                return await self._tag(transaction, fact, fact.event)
        raise TypeError(f"{type(fact.event).__name__} is no command of ingest")

    async def _erase(self, transaction: Transaction, fact: Fact, identifier: Identifier, by: str) -> Decision:
        """Forget whoever an identifier leads to; one that leads to nobody is suppressed."""
        directory, fresh = await load_directory(transaction, [identifier])
        lead = directory.lead_of(identifier)
        if lead is None and identifier.kind is IdentifierKind.LEAD:
            raise LeadUnknown
        if lead is not None and lead.erased is not None:
            return Decision(Outcome.PROCESSED, reply={"lead": lead.id, "profiles": 0})
        if lead is None:
            lead = directory.open_lead(identifier, created=fact.received)
        await load_members(transaction, directory, lead.id)
        erased, emissions, story = self._on_erasure(directory, lead.id, at=fact.received, cause=fact.id)
        await save_directory(transaction, directory, fresh=fresh)
        removed = await scrub(transaction, erased)
        await save_story(transaction, story)
        profiles = [profile.id for profile in erased.profiles]
        await open_erasure(
            transaction,
            lead=lead.id,
            asked=fact.received,
            by=by,
            profiles=profiles,
            looked_through=None if needles_of(erased.gone) else fact.received,
        )
        told = [
            Emission(
                PersonalDataRemoved(
                    lead=lead.id,
                    profile=profile,
                    service="ingest",
                    removed=removed if profile == profiles[0] else {},
                ),
                *(profile, lead.id, fact.received),
            )
            for profile in profiles
        ]
        reply = {"lead": lead.id, "profiles": len(profiles)}
        return Decision(Outcome.PROCESSED, [*emissions, *told], reply=reply)

    async def _unmerge(self, transaction: Transaction, fact: Fact, command: UnmergeLead) -> Decision:
        own = Identifier(IdentifierKind.LEAD, command.lead)
        directory, fresh = await load_directory(transaction, [own])
        home = directory.lead_of(own)
        if home is None or command.lead not in directory.profiles:
            raise LeadUnknown
        await load_members(transaction, directory, home.id)
        homecomers = [profile.id for profile in find_homecomers(directory, command.lead)]
        identifiers = await load_identifiers(transaction, homecomers)
        emissions, story = self._on_unmerge(directory, command, identifiers, at=fact.received, cause=fact.id)
        verdicts, lines = self._rejudge(
            directory, [home.id, command.lead], at=fact.received, cause=fact.id, first=len(emissions)
        )
        emissions, story = [*emissions, *verdicts], [*story, *lines]
        await save_directory(transaction, directory, fresh=fresh)
        await save_story(transaction, story)
        reply = {"lead": command.lead, "from_lead": home.id, "profiles": homecomers}
        return Decision(Outcome.PROCESSED, emissions, reply=reply)

    async def _correct(self, transaction: Transaction, fact: Fact, command: CorrectLead) -> Decision:
        own = Identifier(IdentifierKind.LEAD, command.lead)
        directory, fresh = await load_directory(transaction, [own, *command.identifiers])
        lead = directory.lead_of(own)
        owner = None if lead is None else await claim_owner(transaction, lead.id)
        done = self._on_correction(directory, command, owner=owner, at=fact.received, cause=fact.id)
        verdicts, lines = self._rejudge(
            directory,
            [done.lead.id],
            at=fact.received,
            cause=fact.id,
            first=len(done.emissions),
            word=done.word,
        )
        await save_directory(transaction, directory, fresh=fresh)
        await save_story(transaction, [*done.story, *lines])
        if done.note is not None:
            await save_note(transaction, done.note)
        after = directory.leads[done.lead.id]
        corrected = [*done.corrected, VALIDITY] if verdicts and done.word else done.corrected
        reply = {"lead": after.id, "version": after.version, "corrected": sorted(corrected)}
        return Decision(Outcome.PROCESSED, [*done.emissions, *verdicts], reply=reply)

    async def _take_word(
        self, transaction: Transaction, fact: Fact, command: InvalidateLead | ValidateLead
    ) -> Decision:
        """Call a lead invalid or valid; one that was merged away stands for the one that it is part of."""
        own = Identifier(IdentifierKind.LEAD, command.lead)
        directory, fresh = await load_directory(transaction, [own])
        home = directory.lead_of(own)
        if home is None:
            raise LeadUnknown
        emissions, story = self._on_word(directory, home.id, command, at=fact.received, cause=fact.id)
        await save_directory(transaction, directory, fresh=fresh)
        await save_story(transaction, story)
        reply = {
            "lead": home.id,
            "is_invalid": isinstance(command, InvalidateLead),
            "changed": bool(emissions),
        }
        return Decision(Outcome.PROCESSED, emissions, reply=reply)

    async def _tag(self, transaction: Transaction, fact: Fact, command: TagLeads) -> Decision:
        directory, fresh = await load_directory(
            transaction, [Identifier(IdentifierKind.LEAD, lead) for lead in command.leads]
        )
        owners: dict[str, str | None] = {}
        if command.owner is not None:
            owners = {lead: await claim_owner(transaction, lead) for lead in sorted(directory.leads)}
        done = self._on_tag_leads(directory, command, owners=owners, at=fact.received, cause=fact.id)
        await save_directory(transaction, directory, fresh=fresh)
        await save_story(transaction, done.story)
        return Decision(Outcome.PROCESSED, done.emissions, reply={"changed": len(done.changed)})
