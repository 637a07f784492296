"""What other services say, as far as it concerns ingest."""

from __future__ import annotations

from typing import Final

from services.ingest.domain.desk.owners import OwnerHeard
from services.ingest.domain.erasure import RemovalHeard
from services.ingest.domain.validity.judging import WordHeard
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


_INVALID: Final = "invalid"


def hear(envelope: Envelope) -> OwnerHeard | RemovalHeard | WordHeard | None:
    """Return who owns a lead after an event of routing, what a person there said of its validity, or what
    a service removed of somebody erased.

    None if the event says nothing of these. A status that nobody moved by hand is no word: routing moves it
    after our own verdicts, too.

    :raises Rejected: if the event does not keep its contract.
    """
    event = decode_event(envelope)
    if isinstance(event, assignments.OwnedEvent) and isinstance(event, _OWNS):
        return OwnerHeard(event.lead, event.rep, envelope.occurred)
    if isinstance(event, assignments.AssignmentEvent) and isinstance(event, _OWNS_NO_MORE):
        return OwnerHeard(event.lead, None, envelope.occurred)
    if isinstance(event, assignments.LeadStatusChanged) and event.by:
        if event.to_status == _INVALID:
            return WordHeard(event.lead, is_valid=False, reason=event.reason, by=event.by)
        if event.from_status == _INVALID:
            return WordHeard(event.lead, is_valid=True, reason=event.reason, by=event.by)
    if isinstance(event, PersonalDataRemoved):
        return RemovalHeard(event.lead, event.profile, event.service, event.removed)
    return None
