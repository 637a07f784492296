"""From the wish to be forgotten to what everybody is told about it."""

from __future__ import annotations

from services.ingest.domain.directory import Directory
from services.ingest.domain.erasure import Erased, WipeAgain, erase
from services.ingest.domain.story import StoryRow
from services.ingest.handlers.resolution import tombstone
from shared.contracts.envelope import event_id, type_of
from shared.contracts.events.leads import LeadErased
from shared.kernel.changes import Emission
from shared.kernel.instants import Instant


def on_erasure(
    directory: Directory, lead_id: str, *, at: Instant, cause: str
) -> tuple[Erased, list[Emission], list[StoryRow]]:
    """Forget a person; say so once per profile, and wipe every contact that was ever told.

    All that is left of the story is that it ended. Nothing is said of somebody erased before.
    """
    directory.begin_fact()
    erased = erase(directory, lead_id, at=at)
    emissions: list[Emission] = []
    story: list[StoryRow] = []
    for profile in erased.profiles:
        event = LeadErased(lead=lead_id, profile=profile.id)
        name = event_id(cause, type_of(event), len(emissions))
        story.append(
            StoryRow(profile.id, lead_id, at, "lead_erased", "asked to be forgotten", None, cause, name)
        )
        emissions.append(Emission(event, profile.id, lead_id, at))
    emissions += [tombstone(lead.id, at) for lead in erased.gone if lead.contact.version]
    return erased, emissions, story


def on_wipe_again(command: WipeAgain, *, at: Instant) -> list[Emission]:
    """Take the contacts of somebody erased off their topic once more; nothing else is said."""
    return [tombstone(lead, at) for lead in sorted({command.lead, *command.profiles})]
