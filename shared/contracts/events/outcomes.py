"""What became of leads in the sales systems, and what campaigns cost. Key: profile id; campaign for costs.

All are said by ingest, once per message of a source. The latest word by occurred time counts, so a
correction is the same thing said again. ``opportunity`` is the name that the sales system, or
routing where the opportunity was created here, gave it.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from shared.contracts.attributes import EXAMPLE_LEAD, Amount, LeadId, MessageId, ProfileId, SourceName
from shared.contracts.declarations import DECLARED, Event
from shared.contracts.topics import OUTCOMES


class OutcomeEvent(Event, frozen=True, kw_only=True):
    """What every outcome carries."""

    lead: LeadId
    profile: ProfileId
    source: SourceName
    opportunity: str
    message_id: MessageId = None


@DECLARED.declare(name="opportunity_created", on=OUTCOMES)
class OpportunityCreated(OutcomeEvent, frozen=True, kw_only=True):
    """Sales opened an opportunity. Does not imply that anything was quoted."""

    stage: Annotated[str, Meta(description="first_talk, proposal, negotiation, or the source's own")] = ""
    expected: Annotated[Amount | None, Meta(description="What it may bring")] = None


@DECLARED.declare(name="opportunity_stage_changed", on=OUTCOMES)
class OpportunityStageChanged(OutcomeEvent, frozen=True, kw_only=True):
    """An opportunity moved on, or back. Says nothing about its amount."""

    stage: str


@DECLARED.declare(name="opportunity_won", on=OUTCOMES)
class OpportunityWon(OutcomeEvent, frozen=True, kw_only=True):
    """The deal was won for this amount. Does not imply that anything was paid."""

    amount: Amount


@DECLARED.declare(name="opportunity_lost", on=OUTCOMES)
class OpportunityLost(OutcomeEvent, frozen=True, kw_only=True):
    """The deal was lost. Takes back a win that was reported before it happened."""

    reason: str = ""
    amount: Annotated[Amount | None, Meta(description="What would have been won, where it was said")] = None


@DECLARED.declare(name="payment_received", on=OUTCOMES)
class PaymentReceived(OutcomeEvent, frozen=True, kw_only=True):
    """Money for an opportunity arrived; ``payment`` is the source's name for it."""

    payment: str
    amount: Amount


@DECLARED.declare(name="cost_recorded", on=OUTCOMES)
class CostRecorded(Event, frozen=True, kw_only=True):
    """A campaign cost this much of one kind on one day; said again for the same, it replaces."""

    source: SourceName
    campaign: str
    channel: Annotated[str, Meta(description="Acquisition channel; empty if the campaign is in several")] = ""
    kind: Literal["ads", "content", "labour"]
    day: Annotated[
        str, Meta(description="YYYY-MM-DD in the organisation's zone", pattern=r"^\d{4}-\d\d-\d\d$")
    ]
    amount: Amount
    message_id: MessageId = None


_DEAL: Final[Any] = {"lead": EXAMPLE_LEAD, "profile": EXAMPLE_LEAD, "source": "crm", "opportunity": "OP-311"}

EXAMPLES: Final = (
    OpportunityCreated(
        **_DEAL, stage="first_talk", expected=Amount(minor=30_000_000, currency="CNY"), message_id="crm-1"
    ),
    OpportunityStageChanged(**_DEAL, stage="negotiation", message_id="crm-2"),
    OpportunityWon(**_DEAL, amount=Amount(minor=28_800_000, currency="CNY"), message_id="crm-3"),
    OpportunityLost(**_DEAL, reason="price", message_id="crm-4"),
    PaymentReceived(
        **_DEAL, payment="PAY-9", amount=Amount(minor=14_400_000, currency="CNY"), message_id="crm-5"
    ),
    CostRecorded(
        source="ads",
        campaign="spring-2026",
        channel="paid_search",
        kind="ads",
        day="2026-03-02",
        amount=Amount(minor=120_000, currency="CNY"),
    ),
)
