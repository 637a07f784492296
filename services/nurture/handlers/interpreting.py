"""From events on topics to what nurture learns: the one place that knows both vocabularies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from services.nurture.domain import leads as domain
from services.nurture.domain import learnt
from shared.contracts.declarations import Event
from shared.contracts.envelope import Envelope, decode_event
from shared.contracts.events import assignments, behaviour, contacts, leads, outcomes, tier_changes
from shared.kernel.changes import Fact
from shared.kernel.errors import Rejected
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import MILLISECOND

_LONGEST_ID: Final = 200
_LONGEST_TEXT: Final = 1_000
_NUL: Final = b"\\u0000"
"""What PostgreSQL takes in no text."""


class Unusable(Rejected):
    """An id or a value that no table here takes; correct the producer and replay the record."""

    code = "nurture.unusable"


def interpret(envelope: Envelope) -> Fact | None:
    """Return what nurture learns from an event, keyed by the lead or profile that it is about.

    :raises Rejected: if the event does not keep its contract, or holds what cannot be stored.
    """
    event = decode_event(envelope)
    reading = _READINGS.get(type(event))
    if reading is None:
        return None
    said = reading(envelope, event)
    if said is None:
        return None
    profile = learnt.profile_in(said)
    keys = [*learnt.leads_in(said), *([] if profile is None else [profile]), envelope.id]
    if any(not key or len(key) > _LONGEST_ID for key in keys) or _NUL in msgspec.json.encode([said, keys]):
        raise Unusable
    key = keys[0] if profile is None else profile
    return Fact(envelope.id, key, envelope.received, said, envelope.correlationid, envelope.traceparent)


def interpret_tombstone(topic: str, partition: int, offset: int, *, key: bytes, timestamp: int) -> Fact:
    """Return what is learnt when a contact is erased; ``timestamp`` is the record's, in milliseconds.

    :raises Unusable: if the key can be no lead's.
    """
    lead = key.decode("utf-8", "replace")
    if not lead or len(lead) > _LONGEST_ID or "\0" in lead:
        raise Unusable
    identity = deterministic_id("contact_gone", topic, str(partition), str(offset))
    return Fact(identity, lead, timestamp * MILLISECOND, learnt.ContactGone(lead), identity)


def _read_lead(envelope: Envelope, event: Any) -> object:
    attributes = {
        name: value
        for name, value in event.attributes.items()
        if value is None or isinstance(value, str | int | float | bool)
    }
    held = getattr(event, "held", None)
    return learnt.ProfileTold(
        event.profile,
        event.lead,
        attributes,
        envelope.occurred,
        is_held=held is not None,
        is_invalid=held is not None and held.status == "invalid",
    )


def _read_release(_envelope: Envelope, event: Any) -> object:
    return learnt.ProfileReleased(event.profile, event.lead)


def _read_move(_envelope: Envelope, event: Any) -> object:
    return learnt.ProfileMoved(event.profile, event.lead, event.from_lead, event.version)


def _read_erasure(_envelope: Envelope, event: Any) -> object:
    return learnt.ProfileErased(event.profile, event.lead)


def _read_verdict(_envelope: Envelope, event: Any) -> object:
    """A lead is judged as its own profile is, after which it is named."""
    is_invalid = isinstance(event, leads.LeadInvalidated)
    return learnt.VerdictTold(event.profile, event.verdict, is_invalid)


def _read_contact(_envelope: Envelope, event: Any) -> object:
    contact = domain.Contact(
        lead=event.lead,
        version=event.version,
        name=_text(event.name),
        email=_text(event.email),
        company=_text(event.company_name),
        language=_text(event.language),
        time_zone=_text(event.time_zone),
        consents=event.consents,
    )
    return learnt.ContactTold(contact)


def _text(value: str | None) -> str | None:
    """Return a text as a mail's header and PostgreSQL take it: on one line, and not endless."""
    if value is None:
        return None
    return " ".join(value.replace("\0", "").split())[:_LONGEST_TEXT] or None


def _read_tier(_envelope: Envelope, event: Any) -> object:
    return learnt.TierTold(event.lead, event.model, event.to_tier, event.direction)


def _read_owner(_envelope: Envelope, event: Any) -> object:
    return learnt.OwnerTold(event.lead, event.rep)


def _read_no_owner(_envelope: Envelope, event: Any) -> object:
    return learnt.OwnerTold(event.lead, "")


def _read_status(_envelope: Envelope, event: Any) -> object | None:
    if "invalid" not in {event.from_status, event.to_status}:
        return None
    return learnt.ValidityTold(event.lead, event.to_status == "invalid")


def _read_conversion(envelope: Envelope, event: Any) -> object:
    return learnt.DealTold(event.lead, event.lead, event.opportunity, domain.OPPORTUNITY, envelope.occurred)


def _read_open_deal(envelope: Envelope, event: Any) -> object:
    return _deal(envelope, event, domain.OPPORTUNITY)


def _read_won_deal(envelope: Envelope, event: Any) -> object:
    return _deal(envelope, event, domain.WON)


def _read_lost_deal(envelope: Envelope, event: Any) -> object:
    return _deal(envelope, event, domain.LOST)


def _deal(envelope: Envelope, event: Any, standing: str) -> object:
    return learnt.DealTold(event.profile, event.lead, event.opportunity, standing, envelope.occurred)


def _read_refusal(_envelope: Envelope, event: Any) -> object | None:
    if event.delivery_channel != domain.DELIVERY_CHANNEL:
        return None
    return learnt.MailRefused(event.profile, event.lead)


_READINGS: Final[Mapping[type[Event], Callable[[Envelope, Any], object | None]]] = {
    leads.LeadCaptured: _read_lead,
    leads.LeadChanged: _read_lead,
    leads.LeadReleased: _read_release,
    leads.LeadMerged: _read_move,
    leads.LeadUnmerged: _read_move,
    leads.LeadErased: _read_erasure,
    leads.LeadInvalidated: _read_verdict,
    leads.LeadValidated: _read_verdict,
    contacts.ContactUpdated: _read_contact,
    tier_changes.TierChanged: _read_tier,
    assignments.LeadAssigned: _read_owner,
    assignments.LeadClaimed: _read_owner,
    assignments.LeadTransferred: _read_owner,
    assignments.LeadRecalled: _read_no_owner,
    assignments.LeadPooled: _read_no_owner,
    assignments.LeadReturned: _read_no_owner,
    assignments.OwnershipEnded: _read_no_owner,
    assignments.LeadStatusChanged: _read_status,
    assignments.LeadConverted: _read_conversion,
    outcomes.OpportunityCreated: _read_open_deal,
    outcomes.OpportunityStageChanged: _read_open_deal,
    outcomes.OpportunityWon: _read_won_deal,
    outcomes.OpportunityLost: _read_lost_deal,
    behaviour.Unsubscribed: _read_refusal,
}
