"""What other services say, as far as it concerns ingest."""

from __future__ import annotations

from typing import Final

from services.ingest.domain.desk.owners import OwnerHeard
from shared.contracts.declarations import Event
from shared.contracts.envelope import Envelope, decode_event
from shared.contracts.events import assignments

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


def hear(envelope: Envelope) -> OwnerHeard | None:
    """Return who owns a lead after an event of routing, None if the event says nothing of that.

    :raises Rejected: if the event does not keep its contract.
    """
    event = decode_event(envelope)
    if isinstance(event, assignments.OwnedEvent) and isinstance(event, _OWNS):
        return OwnerHeard(event.lead, event.rep, envelope.occurred)
    if isinstance(event, assignments.AssignmentEvent) and isinstance(event, _OWNS_NO_MORE):
        return OwnerHeard(event.lead, None, envelope.occurred)
    return None
