"""Bodies and answers of the native API; for the documentation.

Requests are read without these structs, because whatever a sender adds is kept too. Answers are written
as they stand here.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from services.ingest.api.messages import MOST_EVENTS, ItemFault
from services.ingest.domain.identifiers import VISIBLE
from services.ingest.queries.leads import ShownLead

Id = Annotated[str | int | None, Meta(description="As the sender's own system has it")]
Answer = str | int | float | bool | None
Moment = Annotated[
    str | None, Meta(description="When it happened, RFC 3339; never counted as later than it was received")
]
MessageId = Annotated[
    str | None,
    Meta(description="The sender's own name for this message; sent again, it counts once"),
]


class Person(msgspec.Struct, kw_only=True):
    """By what a person is known, strongest first; one is enough."""

    external_id: Id = None
    user_id: Id = None
    email: str | None = None
    phone: Annotated[str | int | None, Meta(description="E.164, or as it is dialled at home")] = None
    anonymous_id: Id = None


class Lead(Person, kw_only=True):
    """A lead. Fields have many spellings (`fields.yaml`); what nobody knows is kept as free text."""

    name: str | None = None
    title: str | None = None
    title_level: str | None = None
    company: str | dict[str, Answer] | None = None
    industry: str | None = None
    region: str | None = None
    budget: Answer = None
    stage: str | None = None
    go_live_on: Annotated[str | None, Meta(description="YYYY-MM-DD")] = None
    student: Answer = None
    traits: Annotated[
        dict[str, Any] | None, Meta(description="The same fields, for senders that keep them together")
    ] = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    landing_url: Annotated[
        str | None, Meta(description="Where they arrived, with click ids and campaign in its query")
    ] = None
    message_id: MessageId = None
    timestamp: Moment = None


class BehaviourMessage(Person, kw_only=True):
    """One thing that somebody did. What is neither a person's nor named here tells more about the act."""

    event: Annotated[
        str, Meta(description="For example Demo Requested; `acts.yaml` has other names", pattern=VISIBLE)
    ]
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    lead: Annotated[Person | None, Meta(description="The person, for senders that keep them apart")] = None
    url: str | None = None
    referrer: str | None = None
    message_id: MessageId = None
    timestamp: Moment = None


class OutcomeMessage(Person, kw_only=True):
    """What became of an opportunity. The latest word by `timestamp` counts."""

    kind: Annotated[
        str,
        Meta(description="opportunity_created, stage_changed, won, lost, payment_received (`outcomes.yaml`)"),
    ]
    opportunity: Annotated[str | int, Meta(description="The sales system's own name for it")]
    stage: str | None = None
    amount: Annotated[str | int | float | None, Meta(description="A plain number; of won and paid")] = None
    currency: Annotated[str | None, Meta(description="ISO 4217")] = None
    reason: str | None = None
    payment: Id = None
    lead: Person | None = None
    message_id: MessageId = None
    timestamp: Moment = None


class CostMessage(msgspec.Struct, kw_only=True):
    """What a campaign cost on a day, by kind; said again for the same it replaces."""

    day: Annotated[str, Meta(description="YYYY-MM-DD")]
    campaign: str
    kind: Annotated[str, Meta(description="ads, content or labour")]
    amount: str | int | float
    currency: str | None = None
    channel: str | None = None
    message_id: MessageId = None


class Accepted(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Kept for good. `id` is ours, and the same whenever the same message comes again.

    `quarantined` is there if the message cannot be used as it is: why, and what to do.
    """

    success: bool
    id: str
    quarantined: list[ItemFault] = []


class AcceptedMany(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Kept for good, in order. `quarantined` names what cannot be used as it is, and why."""

    success: bool
    ids: list[str]
    quarantined: list[ItemFault] = []


class FoundLeads(msgspec.Struct):
    """The leads that match; none if there are none."""

    leads: list[ShownLead]


class CloudEventMessage(msgspec.Struct, kw_only=True):
    """A CloudEvent 1.0; extensions are kept."""

    specversion: Annotated[str, Meta(pattern=r"^1\.[0-9]+$")]
    id: Annotated[str, Meta(pattern=VISIBLE, description="Unique within the source")]
    source: Annotated[str, Meta(pattern=VISIBLE, description="A URI reference")]
    type: Annotated[
        str, Meta(pattern=VISIBLE, description="Read by `events.yaml`, whatever domain stands before it")
    ]
    subject: Annotated[str | None, Meta(description="For example user/42, or mailto:ada@example.com")] = None
    time: Moment = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    data: Any = None
    data_base64: Annotated[str | None, Meta(extra_json_schema={"contentEncoding": "base64"})] = None


MANY: Final[dict[str, Any]] = {"description": f"What comes after {MOST_EVENTS:,} is kept and not used"}
"""What is said of a list of messages."""

LEAD_EXAMPLE: Final = {
    "external_id": "LD-7",
    "email": "ada@example.com",
    "name": "Ada Example",
    "company": {"name": "Example", "employees": 320},
    "title": "CTO",
    "landing_url": "https://example.com/fair?utm_medium=cpc&utm_campaign=spring",
}
EVENT_EXAMPLE: Final = {
    "event": "Document Downloaded",
    "document": "smart-factory",
    "kind": "white_paper",
    "email": "ada@example.com",
    "message_id": "dl-311",
}
OUTCOME_EXAMPLE: Final = {
    "kind": "won",
    "opportunity": "OP-311",
    "amount": 288000,
    "currency": "CNY",
    "external_id": "LD-7",
}
COST_EXAMPLE: Final = {
    "day": "2026-03-02",
    "campaign": "spring",
    "channel": "paid_search",
    "kind": "ads",
    "amount": 1200,
    "currency": "CNY",
}
CLOUDEVENT_EXAMPLE: Final = {
    "specversion": "1.0",
    "id": "1234-1234-1234",
    "source": "/forms/demo",
    "type": "com.example.lead.captured",
    "subject": "lead/42",
    "time": "2026-03-02T09:30:00Z",
    "data": {"email": "ada@example.com"},
}
