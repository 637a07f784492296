"""From events on topics to what routing learns: the one place that knows both vocabularies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from services.routing.domain.facts import (
    Activated,
    DealHeard,
    Heard,
    LeadJudged,
    ProfileErased,
    ProfileHeard,
    ProfileMoved,
    ProfileReleased,
    ScoresHeard,
    TierMoved,
)
from services.routing.domain.lead import LOST, WON
from services.routing.domain.profiles import Held
from shared.contracts.declarations import Event
from shared.contracts.envelope import Envelope, decode_event
from shared.contracts.events import leads, outcomes, scores, tier_changes
from shared.kernel.changes import Fact
from shared.kernel.errors import Rejected

_LONGEST_ID: Final = 200
_INT64: Final = 2**63 - 1


class Unusable(Rejected):
    """An id, a name or a value that no table here takes; correct the producer and replay the record."""

    code = "routing.unusable"


def interpret(envelope: Envelope) -> Fact | None:
    """Return what routing learns from an event, None if it does not concern routing.

    Keyed by the lead, or by the profile where only that is certain.

    :raises Rejected: if the event does not keep its contract, or holds what cannot be stored.
    """
    event = decode_event(envelope)
    reading = _READINGS.get(type(event))
    if reading is None:
        return None
    key, heard = reading(envelope, event)
    if not _is_storable(envelope.id) or not _is_storable(key):
        raise Unusable
    return Fact(envelope.id, key, envelope.received, heard, envelope.correlationid, envelope.traceparent)


def _is_storable(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_ID and "\0" not in text


def _read_lead(envelope: Envelope, event: Any) -> tuple[str, Heard]:
    acquisition = getattr(event, "acquisition", None)
    for name, value in event.attributes.items():
        if not _is_storable(name) or (isinstance(value, str) and "\0" in value):
            raise Unusable
        if type(value) is int and not -_INT64 <= value <= _INT64:
            raise Unusable
    return event.profile, ProfileHeard(
        profile=event.profile,
        attributes=dict(event.attributes),
        reachable=event.reachable,
        source=event.source,
        campaign=acquisition.campaign if acquisition is not None else "",
        occurred=envelope.occurred,
        held=_read_held(getattr(event, "held", None)),
    )


def _read_held(held: leads.Held | None) -> Held | None:
    if held is None:
        return None
    if not _is_storable(held.import_id) or "\0" in held.owner:
        raise Unusable
    return Held(import_id=held.import_id, owner=held.owner[:_LONGEST_ID], status=held.status)


def _read_release(_envelope: Envelope, event: Any) -> tuple[str, Heard]:
    if not _is_storable(event.lead):
        raise Unusable
    return event.profile, ProfileReleased(
        profile=event.profile, lead=event.lead, by_merge=event.reason == "merged"
    )


def _read_move(_envelope: Envelope, event: Any) -> tuple[str, Heard]:
    if not _is_storable(event.lead) or not _is_storable(event.from_lead):
        raise Unusable
    return event.profile, ProfileMoved(
        profile=event.profile, lead=event.lead, from_lead=event.from_lead, version=event.version
    )


def _read_erasure(_envelope: Envelope, event: Any) -> tuple[str, Heard]:
    if not _is_storable(event.lead):
        raise Unusable
    return event.profile, ProfileErased(profile=event.profile, lead=event.lead)


def _read_verdict(_envelope: Envelope, event: Any) -> tuple[str, Heard]:
    if not _is_storable(event.lead) or not _is_storable(event.reason):
        raise Unusable
    return event.profile, LeadJudged(
        profile=event.profile,
        number=event.verdict,
        is_invalid=isinstance(event, leads.LeadInvalidated),
        reason=event.reason,
        by=event.by,
    )


def _read_tier(_envelope: Envelope, event: Any) -> tuple[str, Heard]:
    return event.lead, TierMoved(
        model=event.model, to_tier=event.to_tier, points=event.points, rises=event.direction == "up"
    )


def _read_activation(_envelope: Envelope, event: Any) -> tuple[str, Heard]:
    return event.lead, Activated(model=event.model, cycle=event.cycle)


def _read_scores(_envelope: Envelope, event: Any) -> tuple[str, Heard]:
    points = {score.model: score.points for score in event.scores}
    return event.lead, ScoresHeard(version=event.version, points=points)


def _read_deal(envelope: Envelope, event: Any) -> tuple[str, Heard]:
    match event:
        case outcomes.OpportunityWon():
            stage = WON
        case outcomes.OpportunityLost():
            stage = LOST
        case _:
            stage = event.stage or "first_talk"
    if not _is_storable(event.opportunity) or not _is_storable(stage):
        raise Unusable
    return event.profile, DealHeard(
        profile=event.profile,
        opportunity=event.opportunity,
        stage=stage,
        opens=isinstance(event, outcomes.OpportunityCreated),
        occurred=envelope.occurred,
    )


_READINGS: Final[Mapping[type[Event], Callable[[Envelope, Any], tuple[str, Heard]]]] = {
    leads.LeadCaptured: _read_lead,
    leads.LeadChanged: _read_lead,
    leads.LeadReleased: _read_release,
    leads.LeadMerged: _read_move,
    leads.LeadUnmerged: _read_move,
    leads.LeadErased: _read_erasure,
    leads.LeadInvalidated: _read_verdict,
    leads.LeadValidated: _read_verdict,
    tier_changes.TierChanged: _read_tier,
    tier_changes.LeadActivated: _read_activation,
    scores.ScoresUpdated: _read_scores,
    outcomes.OpportunityCreated: _read_deal,
    outcomes.OpportunityStageChanged: _read_deal,
    outcomes.OpportunityWon: _read_deal,
    outcomes.OpportunityLost: _read_deal,
}
