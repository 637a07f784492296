"""From events on topics to what scoring learns: the one place that knows both vocabularies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from services.scoring.domain.companies.company import CompanyHeard
from services.scoring.domain.companies.hearing import COMPANY
from services.scoring.domain.facts import ATTRIBUTES, EXTERNAL_ID_PREFIX, Fact
from services.scoring.domain.scored_lead import FirstContact, OwnedBy
from services.scoring.domain.verdicts import ACT_VERDICT, DISMISSED, LEAD_VERDICT
from services.scoring.domain.vocabulary import (
    LEAD_RETURNED,
    OPPORTUNITY_CREATED,
    OPPORTUNITY_LOST,
    OPPORTUNITY_STAGE_CHANGED,
    OPPORTUNITY_WON,
)
from services.scoring.handlers.moving import unpack, unpack_all
from shared.contracts.declarations import Event
from shared.contracts.envelope import Envelope, decode_event
from shared.contracts.events import assignments, behaviour, internal_scoring, leads, outcomes
from shared.kernel import changes
from shared.kernel.errors import Rejected


class Unusable(Rejected):
    """An id, a name or a value that no table here takes; correct the producer and replay the record."""

    code = "scoring.unusable"


class ProfileMoved(msgspec.Struct, frozen=True, gc=False):
    """A profile lives at another lead from this version on."""

    profile: str
    lead: str
    version: int


class FactsArrived(msgspec.Struct, frozen=True, gc=False):
    """Facts of a profile that lives here now."""

    profile: str
    version: int
    facts: tuple[Fact, ...]


class ProfileDeparted(msgspec.Struct, frozen=True, gc=False):
    """A profile no longer lives here."""

    profile: str
    version: int


class PersonForgotten(msgspec.Struct, frozen=True, gc=False):
    """Whose profile this is asked to be forgotten; ``lead`` is with whom it lives."""

    lead: str = ""


class CopiesForgotten(msgspec.Struct, frozen=True, gc=False):
    """A profile that lives here, or did once, was forgotten."""

    profile: str


_LONGEST_ID: Final = 200
_INT64: Final = 2**63 - 1

_ADMINISTRATIVE: Final = frozenset(
    {
        *("lead", "profile", "source", "message_id", "acquisition"),
        *("form_version", "landing_page_version", "tags", "dismissed"),
    }
)
"""What acts carry besides what was done; no rule speaks of it, so no fact keeps it."""


def _fields_of(event: Event) -> Mapping[str, object]:
    return {
        name: value
        for name in event.__struct_fields__
        if name not in _ADMINISTRATIVE and (value := getattr(event, name)) not in (None, "")
    }


def _act_names() -> dict[type[Event], str]:
    return {
        behaviour.PageViewed: "page_viewed",
        behaviour.FormSubmitted: "form_submitted",
        behaviour.DemoRequested: "demo_requested",
        behaviour.TrialRequested: "trial_requested",
        behaviour.DocumentDownloaded: "document_downloaded",
        behaviour.ProposalOpened: "proposal_opened",
        behaviour.EmailOpened: "email_opened",
        behaviour.EmailLinkClicked: "email_link_clicked",
        behaviour.LiveEventAttended: "live_event_attended",
        behaviour.ChatStarted: "chat_started",
        behaviour.Unsubscribed: "unsubscribed",
    }


_ACTS: Final = _act_names()


def interpret(envelope: Envelope) -> changes.Fact | None:
    """Return what scoring learns from an event, keyed by the lead whose state it concerns.

    :raises Rejected: if the event does not keep its contract, or holds what cannot be stored; such a
        record would otherwise spoil the whole batch that it is saved with.
    """
    event = decode_event(envelope)
    act = _ACTS.get(type(event))
    if act is not None and isinstance(event, behaviour.BehaviourEvent):
        learned: object = _act(envelope, event, act, _fields_of(event))
        key = event.profile
    else:
        reading = _READINGS.get(type(event))
        read = reading(envelope, event) if reading is not None else None
        if read is None:
            return None
        key, learned = read
    if len(envelope.id) > _LONGEST_ID or len(key) > _LONGEST_ID or "\0" in envelope.id or "\0" in key:
        raise Unusable
    return changes.Fact(
        envelope.id, key, envelope.received, learned, envelope.correlationid, envelope.traceparent
    )


def _is_too_large(value: object) -> bool:
    return type(value) is int and not -_INT64 <= value <= _INT64


def _fact(envelope: Envelope, profile: str, name: str, fields: Mapping[str, object]) -> Fact:
    if "\0" in name or any(map(_is_too_large, fields.values())):
        raise Unusable
    return Fact(envelope.id, profile, envelope.occurred, envelope.received, name, fields)


def _read_other_act(envelope: Envelope, event: Event) -> tuple[str, object]:
    assert isinstance(event, behaviour.ActRecorded)
    return event.profile, _act(envelope, event, f"act/{event.name}", event.properties)


def _act(
    envelope: Envelope, event: behaviour.BehaviourEvent, name: str, fields: Mapping[str, object]
) -> Fact:
    if event.dismissed:
        fields = {**fields, DISMISSED: event.dismissed}
    return _fact(envelope, event.profile, name, fields)


def _read_lead_verdict(envelope: Envelope, event: Event) -> tuple[str, object]:
    assert isinstance(event, leads.LeadInvalidated | leads.LeadValidated)
    fields = {
        "number": event.verdict,
        "invalid": isinstance(event, leads.LeadInvalidated),
        "pardons": isinstance(event, leads.LeadValidated) and event.pardons,
    }
    return event.profile, _fact(envelope, event.profile, LEAD_VERDICT, fields)


def _read_act_verdict(envelope: Envelope, event: Event) -> tuple[str, object]:
    assert isinstance(event, behaviour.ActJudged)
    fields = {"act": event.act, "number": event.verdict, "dismissed": event.dismissed}
    return event.profile, _fact(envelope, event.profile, ACT_VERDICT, fields)


def _read_lead(envelope: Envelope, event: Event) -> tuple[str, object]:
    assert isinstance(event, leads.LeadCaptured | leads.LeadChanged)
    fields = dict(event.attributes)
    for external in event.external_ids:
        fields[EXTERNAL_ID_PREFIX + external.source] = external.id
    fields[COMPANY] = event.company
    return event.profile, _fact(envelope, event.profile, ATTRIBUTES, fields)


def _read_move(_envelope: Envelope, event: Event) -> tuple[str, object]:
    assert isinstance(event, leads.LeadMerged | leads.LeadUnmerged)
    return event.profile, ProfileMoved(event.profile, event.lead, event.version)


def _read_arrival(_envelope: Envelope, event: Event) -> tuple[str, object]:
    assert isinstance(event, internal_scoring.FactsMoved)
    return event.lead, FactsArrived(event.profile, event.version, tuple(unpack(event)))


def _read_departure(_envelope: Envelope, event: Event) -> tuple[str, object]:
    assert isinstance(event, internal_scoring.ProfileLeft)
    return event.lead, ProfileDeparted(event.profile, event.version)


def _read_outcome(envelope: Envelope, event: Event) -> tuple[str, object]:
    """Sales systems may call their deals alike, so a deal is named with its source."""
    assert isinstance(event, outcomes.OutcomeEvent)
    fields: dict[str, object] = {"opportunity": f"{event.source}/{event.opportunity}"}
    if isinstance(event, outcomes.OpportunityCreated | outcomes.OpportunityStageChanged):
        name = OPPORTUNITY_STAGE_CHANGED
        if isinstance(event, outcomes.OpportunityCreated):
            name = OPPORTUNITY_CREATED
        fields["stage"] = event.stage
    elif isinstance(event, outcomes.OpportunityWon):
        name = OPPORTUNITY_WON
        fields |= {"amount": event.amount.minor, "currency": event.amount.currency}
    else:
        name = OPPORTUNITY_LOST
    return event.profile, _fact(envelope, event.profile, name, fields)


def _read_return(envelope: Envelope, event: Event) -> tuple[str, object]:
    """A lead's own profile bears its id, and takes the return along wherever it moves."""
    assert isinstance(event, assignments.LeadReturned)
    return event.lead, _fact(envelope, event.lead, LEAD_RETURNED, {})


def _read_owner(_envelope: Envelope, event: Event) -> tuple[str, object]:
    assert isinstance(event, assignments.AssignmentEvent)
    has_one = isinstance(
        event, assignments.LeadAssigned | assignments.LeadClaimed | assignments.LeadTransferred
    )
    rep = event.rep if has_one and isinstance(event, assignments.OwnedEvent) else ""
    if len(rep) > _LONGEST_ID or "\0" in rep:
        raise Unusable
    return event.lead, OwnedBy(rep)


def _read_contact(envelope: Envelope, event: Event) -> tuple[str, object] | None:
    """Only the first contact of a spell is a reason to ask for anything (C10)."""
    assert isinstance(event, assignments.LeadContacted)
    if not event.is_first:
        return None
    if any(len(text) > _LONGEST_ID or "\0" in text for text in (event.rep, event.assignment)):
        raise Unusable
    return event.lead, FirstContact(event.rep, event.assignment, envelope.occurred)


def _read_erasure(_envelope: Envelope, event: Event) -> tuple[str, object]:
    assert isinstance(event, leads.LeadErased)
    return event.profile, PersonForgotten(event.lead)


def _read_forgotten_copies(_envelope: Envelope, event: Event) -> tuple[str, object]:
    assert isinstance(event, internal_scoring.ProfileForgotten)
    return event.lead, CopiesForgotten(event.profile)


def _read_told_company(_envelope: Envelope, event: Event) -> tuple[str, object]:
    assert isinstance(event, internal_scoring.CompanyFactsTold)
    facts = tuple(unpack_all(event.facts, profile=event.profile))
    heard = CompanyHeard(event.lead, event.profile, event.version, facts, tuple(event.withdrawn))
    return event.company, heard


_READINGS: Final[Mapping[type[Event], Callable[[Envelope, Event], tuple[str, object] | None]]] = {
    behaviour.ActRecorded: _read_other_act,
    behaviour.ActJudged: _read_act_verdict,
    leads.LeadCaptured: _read_lead,
    leads.LeadChanged: _read_lead,
    leads.LeadMerged: _read_move,
    leads.LeadUnmerged: _read_move,
    internal_scoring.FactsMoved: _read_arrival,
    internal_scoring.ProfileLeft: _read_departure,
    internal_scoring.ProfileForgotten: _read_forgotten_copies,
    internal_scoring.CompanyFactsTold: _read_told_company,
    leads.LeadErased: _read_erasure,
    leads.LeadInvalidated: _read_lead_verdict,
    leads.LeadValidated: _read_lead_verdict,
    outcomes.OpportunityCreated: _read_outcome,
    outcomes.OpportunityStageChanged: _read_outcome,
    outcomes.OpportunityWon: _read_outcome,
    outcomes.OpportunityLost: _read_outcome,
    assignments.LeadReturned: _read_return,
    assignments.LeadAssigned: _read_owner,
    assignments.LeadClaimed: _read_owner,
    assignments.LeadTransferred: _read_owner,
    assignments.LeadRecalled: _read_owner,
    assignments.OwnershipEnded: _read_owner,
    assignments.LeadContacted: _read_contact,
}
