"""From what a person decided about two leads to what everybody is told about it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from services.ingest.domain.desk.corrections import SOURCE
from services.ingest.domain.directory import Directory, Lead
from services.ingest.domain.identity.rules import MatchRules
from services.ingest.domain.identity.settling import keep_apart, merge_by_hand
from services.ingest.domain.scrubbing import scrub_text
from services.ingest.domain.story import StoryRow
from services.ingest.handlers.resolution import PersonErased, contact_updated, tombstone
from services.ingest.handlers.story import moved
from shared.contracts.attributes import ExternalId
from shared.contracts.declarations import Event
from shared.contracts.envelope import event_id, type_of
from shared.contracts.events.leads import LeadChanged, LeadMerged, LeadReleased
from shared.kernel.changes import Emission
from shared.kernel.instants import Instant

BY_HAND = "by hand"
"""Why two leads became one, if whoever merged them gave no reason."""

_SHORT = 8


class Settled(NamedTuple):
    """What a decision came to: which lead is there now, what is said, and the lines of the story."""

    lead: str
    emissions: list[Emission]
    story: list[StoryRow]


class Settling:
    """Does with two leads what a person decided."""

    def __init__(self, rules: MatchRules) -> None:
        self._rules = rules

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
        """Make one lead of two; moves come first, then how the lead stands, then contacts.

        :raises AlreadyOne: if they are one.
        :raises LeadTooLarge: if there would be more profiles than a person may have.
        :raises PersonErased: if one of them has been forgotten.
        """
        directory.begin_fact()
        if first.erased is not None or second.erased is not None:
            raise PersonErased
        gone = max(first, second, key=lambda one: one.id)
        told = scrub_text(reason) or BY_HAND
        lead, moves = merge_by_hand(directory, first, second, reason=told, rules=self._rules)
        said: list[tuple[str, Event]] = [
            (
                move.profile,
                LeadMerged(
                    profile=move.profile,
                    lead=move.lead,
                    from_lead=move.from_lead,
                    version=move.version,
                    reason=move.reason,
                    by=by,
                ),
            )
            for move in moves
        ]
        is_known = any(one.is_captured and not one.holds for one in (first, second))
        if lead.holds and is_known:  # whoever is known already is held no more
            said += [
                (profile, LeadReleased(lead=lead.id, profile=profile, import_id=held, reason="merged"))
                for profile, held in sorted(lead.holds.items())
            ]
            lead = msgspec.structs.replace(lead, holds={}, version=lead.version + 1)
            directory.save_lead(lead)
        said.append((lead.id, _changed(lead, by=by, reason=told)))
        story = [
            StoryRow(
                *(profile, lead.id, at, "lead_merged", moved(event), None, cause),
                event_id(cause, type_of(event), place),
            )
            for place, (profile, event) in enumerate(said)
            if isinstance(event, LeadMerged)
        ]
        emissions = [Emission(event, profile, lead.id, at) for profile, event in said]
        if gone.contact.version:
            emissions.append(tombstone(gone.id, at))
        before = directory.before[lead.id]
        if before is None or lead.contact.version != before.contact.version:
            emissions.append(contact_updated(lead, at))
        return Settled(lead.id, emissions, story)

    def on_apart(
        self, directory: Directory, first: Lead, second: Lead, *, by: str, note: str, at: Instant, cause: str
    ) -> Settled:
        """Never let the rules make one lead of these two; nobody is told but the story.

        :raises AlreadyOne: if they are one.
        :raises PersonErased: if one of them has been forgotten.
        """
        directory.begin_fact()
        if first.erased is not None or second.erased is not None:
            raise PersonErased
        keep_apart(directory, first, second)
        story = []
        for one, other in ((first, second), (second, first)):
            why = f": {told}" if (told := scrub_text(note)) else ""
            text = f"kept apart from lead {other.id[:_SHORT]} for good, by {by}{why}"
            story.append(StoryRow(one.id, one.id, at, "lead_kept_apart", text, None, cause, ""))
        return Settled(first.id, [], story)


def _changed(lead: Lead, *, by: str, reason: str) -> LeadChanged:
    return LeadChanged(
        lead=lead.id,
        profile=lead.id,
        source=SOURCE,
        reachable=lead.is_reachable,
        external_ids=[ExternalId(source=ref.source, id=ref.id) for ref in lead.external_ids],
        company=lead.company or None,
        by=by,
        reason=reason,
    )
