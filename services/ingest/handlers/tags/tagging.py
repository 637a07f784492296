"""From what a message tells and what people decide to the tags and touches that stand on a lead (I6)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from services.ingest.domain.channels.touches import touch_of
from services.ingest.domain.desk.corrections import TAGS, CorrectLead
from services.ingest.domain.directory import Directory, Lead
from services.ingest.domain.identifiers import IdentifierKind
from services.ingest.domain.identity.merging import UnmergeLead
from services.ingest.domain.intake import Intake
from services.ingest.domain.respelling.anew import Lens
from services.ingest.domain.scrubbing import scrub_text
from services.ingest.domain.story import StoryRow
from services.ingest.domain.tag_rules.rules import TagRules
from services.ingest.domain.tag_rules.standing import BY_HAND, draw_card
from services.ingest.domain.tags.commands import (
    ChangeTag,
    TagLeads,
    change_tag,
    tags_to_put,
    tags_to_take,
)
from services.ingest.domain.tags.definitions import Catalogue, Tag
from services.ingest.domain.tags.trail import (
    Card,
    HandWord,
    add_hand_word,
    add_source,
    add_touch,
    add_words,
)
from services.ingest.handlers.correcting import Correction, on_correction
from services.ingest.handlers.resolution import IntakeHandler
from services.ingest.handlers.respelling import on_read_anew
from services.ingest.handlers.settling import Settled, Settling
from services.ingest.handlers.story import words_of_tags
from services.ingest.handlers.unmerging import Unmerging
from shared.contracts.envelope import event_id, type_of
from shared.contracts.events.leads import PutTag, TagsChanged
from shared.kernel.changes import Emission
from shared.kernel.instants import Instant

_KIND: Final = "tags_changed"


class Tagged(NamedTuple):
    """What tagging by hand amounted to: the leads on which something is different now."""

    changed: Sequence[str]
    emissions: Sequence[Emission]
    story: Sequence[StoryRow]


class Tagging:
    """Follows every change of the directory with the tags and touches that it brings."""

    def __init__(
        self, rules: TagRules, *, taking_in: IntakeHandler, unmerging: Unmerging, settling: Settling
    ) -> None:
        self._rules = rules
        self._taking_in = taking_in
        self._unmerging = unmerging
        self._settling = settling

    def on_intake(self, directory: Directory, intake: Intake) -> list[Emission]:
        """Take one message in, and say last which tags it put on or took off.

        What the first filter dismissed (a machine's click) puts on nothing and is no touch.

        :raises Rejected: as :meth:`services.ingest.handlers.resolution.IntakeHandler.on_intake`.
        """
        emissions = self._taking_in.on_intake(directory, intake)
        profile = directory.profile_in_hand
        if not profile:
            return emissions
        book = directory.book
        before = book.trail(profile)
        trail = add_source(before, intake.source)
        if intake.acquisition is not None and not intake.dismissed:
            touch = touch_of(intake.acquisition, at=intake.occurred, entrance=intake.source)
            trail = add_touch(trail, touch)
        words = () if intake.dismissed else self._rules.words_of(intake)
        if words:
            trail = add_words(trail, words, at=intake.occurred, comes_off=self._rules.comes_off)
        if trail is not before:
            book.save_trail(profile, trail)
        if directory.before or directory.has_moved or book.touched:
            emissions += self._settle(directory, at=intake.occurred)
        return emissions

    def on_unmerge(
        self,
        directory: Directory,
        command: UnmergeLead,
        identifiers: Mapping[str, IdentifierKind],
        *,
        at: Instant,
        cause: str,
    ) -> tuple[list[Emission], list[StoryRow]]:
        """Take a merge back; each of the two gets the tags of its own profiles."""
        emissions, story = self._unmerging.on_unmerge(directory, command, identifiers, at=at, cause=cause)
        return self._follow(directory, emissions, story, at=at, cause=cause)

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
        """Make one lead of two, as a person decided; it has the tags of both."""
        done = self._settling.on_merge(directory, first, second, by=by, reason=reason, at=at, cause=cause)
        emissions, story = self._follow(directory, done.emissions, done.story, at=at, cause=cause)
        return done._replace(emissions=emissions, story=story)

    def on_apart(
        self, directory: Directory, first: Lead, second: Lead, *, by: str, note: str, at: Instant, cause: str
    ) -> Settled:
        """Keep two leads apart, as a person decided; no tag changes."""
        return self._settling.on_apart(directory, first, second, by=by, note=note, at=at, cause=cause)

    def on_read_anew(
        self,
        directory: Directory,
        homes: Collection[str],
        lens: Lens,
        *,
        version: int,
        by: str,
        at: Instant,
        cause: str,
    ) -> tuple[list[Emission], list[StoryRow]]:
        """Read anew what was said; tags that follow from how a lead stands follow."""
        emissions, story = on_read_anew(directory, homes, lens, version=version, by=by, at=at, cause=cause)
        return self._follow(directory, emissions, story, at=at, cause=cause)

    def on_correction(
        self, directory: Directory, command: CorrectLead, *, owner: str | None, at: Instant, cause: str
    ) -> Correction:
        """Put a lead right; tags that follow from how it stands follow, those by hand at once with them.

        :raises Rejected: if a tag is unknown, or cannot be put on; or as :func:`on_correction`.
        """
        done = on_correction(directory, command, rules=self._taking_in.rules, owner=owner, at=at, cause=cause)
        lead = done.lead.id
        if not (command.put_tags or command.take_tags):
            emissions, story = self._follow(directory, done.emissions, done.story, at=at, cause=cause)
            return done._replace(emissions=emissions, story=story)
        catalogue = self._rules.catalogue(directory.book.own)
        put = tags_to_put(catalogue, command.put_tags, field="put_tags")
        take = tags_to_take(catalogue, command.take_tags, field="take_tags")
        _say_by_hand(directory, lead, put, take, at=at, cause=cause, by=command.by)
        more = self._settle(directory, at=at, leads=[lead], by=command.by, reason=done.reason)
        story = [*done.story, *_tell(more, begin=len(done.emissions), at=at, cause=cause)]
        corrected = [*done.corrected, TAGS] if more else done.corrected
        return done._replace(corrected=corrected, emissions=[*done.emissions, *more], story=story)

    def on_tag_leads(
        self,
        directory: Directory,
        command: TagLeads,
        *,
        owners: Mapping[str, str | None],
        at: Instant,
        cause: str,
    ) -> Tagged:
        """Put tags on leads and take others off; without either, look at the leads again by the rules.

        A lead that was merged away stands for the one it lives with; who is erased, unknown or not the
        rep's own is passed over.

        :raises Rejected: if a tag is unknown, or cannot be put on.
        """
        directory.begin_fact()
        book = directory.book
        catalogue = self._rules.catalogue(book.own)
        put, take = tags_to_put(catalogue, command.put), tags_to_take(catalogue, command.take)
        homes = dict.fromkeys(_home(directory, lead) for lead in command.leads)
        leads = [
            home
            for home in homes
            if home is not None and (command.owner is None or owners.get(home) == command.owner)
        ]
        for lead in leads:
            _say_by_hand(directory, lead, put, take, at=at, cause=cause, by=command.by)
        by = command.by if put or take else ""
        emissions = self._settle(
            directory, at=at, leads=leads, by=by, reason=scrub_text(command.reason) if by else ""
        )
        story = _tell(emissions, begin=0, at=at, cause=cause)
        return Tagged([one.subject for one in emissions], emissions, story)

    def on_change_tag(self, own: Mapping[str, Tag], command: ChangeTag) -> Tag:
        """Return a tag as it is from now on. :raises Rejected: if it cannot be."""
        return change_tag(self._rules.catalogue(own), command)

    def _follow(
        self,
        directory: Directory,
        emissions: Sequence[Emission],
        story: Sequence[StoryRow],
        *,
        at: Instant,
        cause: str,
    ) -> tuple[list[Emission], list[StoryRow]]:
        more = self._settle(directory, at=at)
        return [*emissions, *more], [*story, *_tell(more, begin=len(emissions), at=at, cause=cause)]

    def _settle(
        self, directory: Directory, *, at: Instant, leads: Sequence[str] = (), by: str = "", reason: str = ""
    ) -> list[Emission]:
        """Draw the cards of all leads that the fact in hand concerned, and say what is different."""
        book = directory.book
        catalogue = self._rules.catalogue(book.own)
        emissions = []
        for lead_id in sorted({*leads, *_concerned(directory)}):
            lead, before = directory.leads.get(lead_id), book.card(lead_id)
            own = directory.profiles.get(lead_id)
            if lead is None or own is None or own.lead != lead_id or lead.erased is not None:
                if before != Card(before.version):
                    book.save_card(lead_id, Card(before.version))
                continue
            if not lead.is_captured:
                continue
            trails = [book.trail(profile.id) for profile in directory.profiles_of(lead_id)]
            after = draw_card(*(self._rules, catalogue, lead, trails), before=before, drawn=book.drawn)
            if after is before:
                continue
            book.save_card(lead_id, after)
            if after.version != before.version:
                event = self._changed(catalogue, lead_id, before, after, by=by, reason=reason)
                emissions.append(Emission(event, lead_id, lead_id, at))
        return emissions

    def _changed(
        self, catalogue: Catalogue, lead: str, before: Card, after: Card, *, by: str, reason: str
    ) -> TagsChanged:
        put = [
            PutTag(
                tag=tag,
                group=found.group,
                rule="" if how.startswith(BY_HAND) else how,
                who=how.removeprefix(BY_HAND) if how.startswith(BY_HAND) else "",
            )
            for tag, how in after.tags.items()
            if tag not in before.tags and (found := catalogue.find(tag)) is not None
        ]
        return TagsChanged(
            lead=lead,
            profile=lead,
            put=put,
            taken=[tag for tag in before.tags if tag not in after.tags],
            tags=list(after.tags),
            version=after.version,
            rules=self._rules.version,
            by=by,
            reason=reason,
        )


def _say_by_hand(
    directory: Directory,
    lead: str,
    put: Sequence[str],
    take: Sequence[str],
    *,
    at: Instant,
    cause: str,
    by: str,
) -> None:
    """Keep what a person says about tags of a lead."""
    trail = directory.book.trail(lead)
    for tag, is_on in (*((one, True) for one in put), *((one, False) for one in take)):
        trail = add_hand_word(trail, tag, HandWord(at, cause, is_on, by))
    if trail is not directory.book.trail(lead):
        directory.book.save_trail(lead, trail)


def _concerned(directory: Directory) -> Iterator[str]:
    """Yield the leads that changed, those between which profiles moved, and those of grown trails."""
    yield from directory.before
    if directory.has_moved:
        yield from directory.left_behind
    for profile in directory.book.touched:
        yield directory.profiles[profile].lead


def _home(directory: Directory, lead: str) -> str | None:
    """Return the lead that an id leads to now, None if there is none to be tagged."""
    profile = directory.profiles.get(lead)
    found = None if profile is None else directory.leads.get(profile.lead)
    return None if found is None or found.erased is not None or not found.is_captured else found.id


def _tell(emissions: Sequence[Emission], *, begin: int, at: Instant, cause: str) -> list[StoryRow]:
    rows = []
    for ordinal, emission in enumerate(emissions, start=begin):
        event = emission.event
        assert isinstance(event, TagsChanged)
        name = event_id(cause, type_of(event), ordinal)
        text = "; ".join(words_of_tags(event))
        rows.append(StoryRow(emission.key, emission.subject, at, _KIND, text, None, cause, name))
    return rows
