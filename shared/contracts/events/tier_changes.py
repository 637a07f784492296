"""Crossings of a tier's threshold. Key and subject: lead id."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from shared.contracts.attributes import ExternalId, LeadId, Moment, Points
from shared.contracts.declarations import DECLARED, Event
from shared.contracts.topics import TIER_CHANGES


class Reason(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One line of the score: which rule gave how many points for which event."""

    rule: str
    points: Points
    event: Annotated[str, Meta(description="Id of the event that the rule answered")]


@DECLARED.declare(name="tier_changed", on=TIER_CHANGES)
class TierChanged(Event, frozen=True, kw_only=True):
    """Scoring says: in one model the lead has moved from one tier to another.

    Said when the crossing becomes known; ``at`` is when it happened. ``restated`` marks a change of
    what was said before because history changed (a late fact, a merge), in one step from the tier
    last told to the tier now. Does not imply that the tiers in between, or crossings wholly in the
    past, were told.
    """

    lead: LeadId
    model: str
    model_version: int
    direction: Literal["up", "down"]
    from_tier: str
    to_tier: str
    points: Points
    at: Moment
    restated: bool = False
    reasons: Annotated[
        list[Reason], Meta(description="The lines that weigh most, largest first, five at most")
    ] = field(default_factory=list)
    external_ids: list[ExternalId] = field(default_factory=list)
