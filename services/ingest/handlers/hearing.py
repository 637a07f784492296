"""What other services say, as far as it concerns ingest."""

from __future__ import annotations

from typing import Final

from services.ingest.domain.desk.owners import OwnerHeard
from services.ingest.domain.erasure import RemovalHeard
from shared.contracts.declarations import Event
from shared.contracts.envelope import Envelope, decode_event
from shared.contracts.events import assignments
from shared.contracts.events.erasures import PersonalDataRemoved

_OWNS: Final[tuple[type[Event], ...]] = (
    assignments.LeadAssigned,
    assignments.LeadClaimed,
    assignments.LeadTransferred,
)
_OWNS_NO_MORE: Final[tuple[type[Event], ...]] = (
    assignments.LeadRecalled,
    assignments.LeadReturned,
    assignments.LeadPooled,
    assignments.LeadWithdrawn,
    assignments.OwnershipEnded,
)


def hear(envelope: Envelope) -> OwnerHeard | RemovalHeard | None:
    """Return who owns a lead after an event of routing, or what a service removed of somebody erased.

    None if the event says nothing of either.

    :raises Rejected: if the event does not keep its contract.
    """
    event = decode_event(envelope)
    if isinstance(event, assignments.OwnedEvent) and isinstance(event, _OWNS):
        return OwnerHeard(event.lead, event.rep, envelope.occurred)
    if isinstance(event, assignments.AssignmentEvent) and isinstance(event, _OWNS_NO_MORE):
        return OwnerHeard(event.lead, None, envelope.occurred)
    if isinstance(event, PersonalDataRemoved):
        return RemovalHeard(event.lead, event.profile, event.service, event.removed)
    return None
