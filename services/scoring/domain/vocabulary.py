"""The attributes and acts that rules may speak of: scoring's reading of what clients send.

A fact that carries anything else is kept and scores nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from services.scoring.domain.facts import ATTRIBUTES
from shared.conditions.attributes import STANDARD_ATTRIBUTES
from shared.conditions.catalogue import Catalogue, Flag, Number, Text, ValueLists


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something people do: ``object_field`` names what they do it to, for rules that count per object."""

    object_field: str | None = None
    fields: Catalogue = field(default_factory=dict)


ACTS: Mapping[str, Act] = {
    "page_viewed": Act(object_field="path", fields={"path": Text(), "kind": Text()}),
    "form_submitted": Act(object_field="form", fields={"form": Text(), "start_within_months": Number()}),
    "demo_requested": Act(),
    "trial_requested": Act(),
    "document_downloaded": Act(object_field="document", fields={"kind": Text(), "document": Text()}),
    "proposal_opened": Act(object_field="proposal", fields={"proposal": Text()}),
    "email_opened": Act(object_field="message", fields={"message": Text()}),
    "email_link_clicked": Act(
        object_field="message", fields={"message": Text(), "link": Text(), "purpose": Text()}
    ),
    "live_event_attended": Act(object_field="live_event", fields={"live_event": Text(), "offline": Flag()}),
    "chat_started": Act(),
    "unsubscribed": Act(object_field="message", fields={"message": Text(), "delivery_channel": Text()}),
}
"""What they do: the acts of I7, and what they did with our messages, named as their events are."""

OPPORTUNITY_CREATED: Final = "opportunity_created"
OPPORTUNITY_STAGE_CHANGED: Final = "opportunity_stage_changed"
OPPORTUNITY_WON: Final = "opportunity_won"
OPPORTUNITY_LOST: Final = "opportunity_lost"
OUTCOMES: Final = frozenset(
    {OPPORTUNITY_CREATED, OPPORTUNITY_STAGE_CHANGED, OPPORTUNITY_WON, OPPORTUNITY_LOST}
)
"""What became of deals; models kept per company count them (C7)."""

OUTCOME_FIELDS: Final = frozenset({"opportunity", "stage", "amount", "currency"})
"""What such a fact keeps: whose deal, how far it is, and minor units of a currency."""

LEAD_RETURNED: Final = "lead_returned"
CYCLE_ENDS: Final = frozenset({OPPORTUNITY_LOST, LEAD_RETURNED})
"""The facts that end a sales cycle; they are nobody's acts, and no rule gives points for them."""


def fields_of(name: str) -> Collection[str]:
    """Return the fields that a rule may speak of in a fact of this name; none if no rule knows it."""
    if name == ATTRIBUTES:
        return STANDARD_ATTRIBUTES.keys()
    if name in OUTCOMES:
        return OUTCOME_FIELDS
    act = ACTS.get(name)
    return act.fields.keys() if act is not None else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What models are checked against: attributes, acts, and the lists they may name (``name@version``)."""

    attributes: Catalogue = field(default_factory=lambda: STANDARD_ATTRIBUTES)
    acts: Mapping[str, Act] = field(default_factory=lambda: ACTS)
    lists: ValueLists = field(default_factory=dict)
