"""From the word that a merge was wrong to what everybody is told about it."""

from __future__ import annotations

from collections.abc import Mapping

from services.ingest.domain.directory import Directory, Lead
from services.ingest.domain.identifiers import HashIdentifier, IdentifierKind
from services.ingest.domain.identity.merging import UnmergeLead, unmerge
from services.ingest.domain.scrubbing import scrub_text
from services.ingest.domain.story import StoryRow
from services.ingest.handlers.resolution import PersonErased, contact_updated
from services.ingest.handlers.story import moved
from shared.contracts.attributes import ExternalId
from shared.contracts.envelope import event_id, type_of
from shared.contracts.events.leads import LeadChanged, LeadUnmerged
from shared.kernel.changes import Emission
from shared.kernel.instants import Instant

CORRECTION = "correction"
"""The source of what is said because a person corrected it."""


class Unmerging:
    """Takes merges back."""

    def __init__(self, hash_identifier: HashIdentifier) -> None:
        self._hash = hash_identifier

    def on_unmerge(
        self,
        directory: Directory,
        command: UnmergeLead,
        identifiers: Mapping[str, IdentifierKind],
        *,
        at: Instant,
        cause: str,
    ) -> tuple[list[Emission], list[StoryRow]]:
        """Let a lead stand by itself again; moves come first, then how both leads stand, then contacts.

        Nothing is said of attributes: each fact carries its profile, and goes where that goes.

        :raises NotMerged: if it stands by itself.
        :raises PersonErased: if the person has been forgotten.
        """
        directory.begin_fact()
        home = directory.leads[directory.profiles[command.lead].lead]
        if home.erased is not None:
            raise PersonErased
        moves = unmerge(
            directory,
            command.lead,
            identifiers,
            reason=scrub_text(command.reason) or "corrected",
            hash_identifier=self._hash,
        )
        emissions: list[Emission] = []
        story: list[StoryRow] = []
        for move in moves:
            event = LeadUnmerged(
                profile=move.profile,
                lead=move.lead,
                from_lead=move.from_lead,
                version=move.version,
                reason=move.reason,
                by=command.by or None,
            )
            name = event_id(cause, type_of(event), len(emissions))
            emissions.append(Emission(event, move.profile, move.lead, at))
            story.append(
                StoryRow(move.profile, move.from_lead, at, "lead_unmerged", moved(event), None, cause, name)
            )
        for lead_id in (home.id, command.lead):
            lead = directory.leads[lead_id]
            emissions.append(Emission(_changed(lead), lead_id, lead_id, at))
        for lead_id in (home.id, command.lead):
            lead, before = directory.leads[lead_id], directory.before[lead_id]
            if before is not None and lead.contact.version != before.contact.version:
                emissions.append(contact_updated(lead, at))
        return emissions, story


def _changed(lead: Lead) -> LeadChanged:
    return LeadChanged(
        lead=lead.id,
        profile=lead.id,
        source=CORRECTION,
        reachable=lead.is_reachable,
        external_ids=[ExternalId(source=ref.source, id=ref.id) for ref in lead.external_ids],
        company=lead.company or None,
    )
