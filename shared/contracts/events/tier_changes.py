"""Crossings of a tier's threshold. Key and subject: lead id, of a company's tiers the company's id."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, field

from shared.contracts.attributes import (
    EXAMPLE_COMPANY,
    EXAMPLE_LEAD,
    EXAMPLE_MOMENT,
    ExternalId,
    LeadId,
    Moment,
    Points,
    RepId,
)
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


@DECLARED.declare(name="lead_activated", on=TIER_CHANGES)
class LeadActivated(Event, frozen=True, kw_only=True):
    """Scoring says: in one model the lead has passed its activation gate (C9).

    Said once per lead, model and sales cycle, when it becomes known, and never taken back; ``at`` is
    when the gate was passed. ``cycle`` counts the activated cycles from 1 and only rises; a lost
    opportunity or a return begins the next. A cycle that was over before its activation became known
    is left out. Does not imply that anybody owns the lead.
    """

    lead: LeadId
    model: str
    model_version: int
    points: Points
    at: Moment
    cycle: int = 1
    acts: Annotated[list[str], Meta(description="Ids of the events of the high-value acts that count")] = (
        field(default_factory=list)
    )
    external_ids: list[ExternalId] = field(default_factory=list)


@DECLARED.declare(name="company_tier_changed", on=TIER_CHANGES)
class CompanyTierChanged(Event, frozen=True, kw_only=True):
    """Scoring says: in a model that is kept per company (C7) a company has moved to another tier.

    Said of the company, not of its people: nobody's own tier changes with it. Told as
    :class:`TierChanged` is; ``restated`` marks what rests on facts from before what was known. ``leads``
    are those that told something about the company, ten thousand at most; some may work elsewhere by now.
    """

    company: Annotated[str, Meta(description="Opaque id of the company")]
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
    leads: list[LeadId] = field(default_factory=list)


@DECLARED.declare(name="attention_wanted", on=TIER_CHANGES)
class AttentionWanted(Event, frozen=True, kw_only=True):
    """Scoring says: a lead has just done what its owner should know of at once (C11).

    Two of one lead lie 24 hours apart at least, by when they happened (``at``); what happened longer ago
    than that when it becomes known is not told. Does not imply that anybody owns the lead, nor that its
    score has changed.
    """

    lead: LeadId
    sign: Annotated[str, Meta(description="price_page_visited, several_mails_opened, …")]
    at: Moment
    acts: Annotated[list[str], Meta(description="Ids of the events of the acts that count, oldest first")] = (
        field(default_factory=list)
    )
    rules: Annotated[int, Meta(description="Version of the document of attention")]
    external_ids: list[ExternalId] = field(default_factory=list)


@DECLARED.declare(name="fields_wanted", on=TIER_CHANGES)
class FieldsWanted(Event, frozen=True, kw_only=True):
    """Scoring says: the owner has spoken to a lead for the first time; these fields are still unknown (C10).

    Told at most once for each spell of ownership (``assignment``). Does not imply that points are missing:
    the lead is scored by what is known, and anew at once when a field arrives.
    """

    lead: LeadId
    fields: Annotated[list[str], Meta(description="Attributes to ask for: industry, size, …", min_length=1)]
    at: Moment
    rep: RepId
    assignment: Annotated[str, Meta(description="The spell of ownership whose first contact it was")]
    rules: Annotated[int, Meta(description="Version of the document of attention")]
    external_ids: list[ExternalId] = field(default_factory=list)


EXAMPLES: Final = (
    FieldsWanted(
        lead=EXAMPLE_LEAD,
        fields=["size", "title_level"],
        at=EXAMPLE_MOMENT,
        rep="rep-7",
        assignment="a-5f1c-1",
        rules=1,
        external_ids=[ExternalId(source="crm", id="LD-20417")],
    ),
    AttentionWanted(
        lead=EXAMPLE_LEAD,
        sign="price_page_visited",
        at=EXAMPLE_MOMENT,
        acts=["9d2f4b6a8c0e1f3a5b7c9d1e2f4a6b8c"],
        rules=1,
        external_ids=[ExternalId(source="crm", id="LD-20417")],
    ),
    TierChanged(
        lead=EXAMPLE_LEAD,
        model="key_account",
        model_version=1,
        direction="up",
        from_tier="priority",
        to_tier="key_account",
        points=75_000,
        at=EXAMPLE_MOMENT,
        reasons=[
            Reason(rule="employees_500", points=20_000, event="9d2f4b6a8c0e1f3a5b7c9d1e2f4a6b8c"),
            Reason(rule="stage_approved", points=15_000, event="0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
        ],
        external_ids=[ExternalId(source="crm", id="LD-20417")],
    ),
    LeadActivated(
        lead=EXAMPLE_LEAD,
        model="mql",
        model_version=1,
        points=85_000,
        at=EXAMPLE_MOMENT,
        acts=["9d2f4b6a8c0e1f3a5b7c9d1e2f4a6b8c", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"],
    ),
    CompanyTierChanged(
        company=EXAMPLE_COMPANY,
        model="customer_grade",
        model_version=1,
        direction="up",
        from_tier="D",
        to_tier="A",
        points=70_000,
        at=EXAMPLE_MOMENT,
        reasons=[
            Reason(rule="bought_500000_plus", points=50_000, event="1e3a5c7d9f0b2d4f6a8c0e2a4c6e8a0c"),
            Reason(rule="about_to_sign", points=20_000, event="2f4b6d8e0a1c3e5f7b9d1f3b5d7f9b1d"),
        ],
        leads=[EXAMPLE_LEAD],
    ),
)
