"""Events as others say them, in short words, and what analytics learns from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from services.analytics.domain.derivation import Derivation
from services.analytics.domain.desk import Learned
from services.analytics.handlers.interpreting import Interpreter
from services.analytics.store.documents import Rulebook, read_rulebook
from shared.contracts.attributes import Acquisition, Amount
from shared.contracts.declarations import Event
from shared.contracts.envelope import Envelope, decode_envelope, encode_event
from shared.contracts.events import assignments, behaviour, leads, nurture, outcomes, tier_changes
from shared.kernel.changes import Fact
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import DAY, Instant, parse_instant, to_datetime

CONFIG = Path(__file__).parents[3] / "config" / "analytics"
START = parse_instant("2026-03-02T09:00:00Z")


def rulebook() -> Rulebook:
    """The documents as they ship."""
    return read_rulebook(CONFIG)


def day(number: float) -> Instant:
    """An instant this many days after the start."""
    return START + round(number * DAY)


class Told(NamedTuple):
    """An event, when it occurred and was received, and its id."""

    id: str
    event: Event
    occurred: Instant
    received: Instant
    key: str

    def value(self) -> bytes:
        """The record's value."""
        return encode_event(
            self.event,
            id=self.id,
            source="/leadmill/test",
            subject=self.key,
            occurred=self.occurred,
            received=self.received,
            partition_key=self.key,
            causation_id=f"cause-of-{self.id}",
            correlation_id=self.id,
        )

    def envelope(self) -> Envelope:
        """The event as it was read."""
        return decode_envelope(self.value())


def told(event: Event, at: Instant, *, received: Instant | None = None, name: str = "") -> Told:
    """An event that occurred ``at``; received at once unless it came late."""
    key = getattr(event, "profile", None) or getattr(event, "lead", None) or getattr(event, "campaign", "")
    received = at if received is None else received
    identity = name or deterministic_id(repr(event), str(at), str(received))
    return Told(identity, event, at, received, str(key))


def learn(said: Told, rules: Rulebook | None = None) -> Fact:
    """What analytics learns from an event."""
    rules = rules or rulebook()
    return Interpreter(Derivation(rules.crediting.touches, rules.goals))(said.envelope())


def learned(said: Told, rules: Rulebook | None = None) -> Learned:
    """The fact and its rows."""
    event = learn(said, rules).event
    assert isinstance(event, Learned)
    return event


def who(profile: str, lead: str | None = None, *, source: str = "web") -> dict[str, Any]:
    """The fields that say whose act it is."""
    return {"profile": profile, "lead": lead or profile, "source": source}


def brought_by(channel: str, campaign: str = "") -> Acquisition:
    """What brought somebody."""
    return Acquisition(channel=channel, campaign=campaign)


def visited(
    profile: str, channel: str, campaign: str = "", *, source: str = "web", dismissed: str = ""
) -> Event:
    """A visit that says what brought it."""
    acquisition = brought_by(channel, campaign)
    return behaviour.PageViewed(
        **who(profile, source=source), path="/", acquisition=acquisition, dismissed=dismissed
    )


def captured(profile: str, *, source: str = "web", channel: str = "", campaign: str = "") -> Event:
    """A lead became known."""
    acquisition = brought_by(channel, campaign) if channel else None
    return leads.LeadCaptured(
        **who(profile, source=source),
        reachable=True,
        acquisition=acquisition,
        attributes={"industry": "pharma"},
    )


def clicked(profile: str, message: str) -> Event:
    """A link in a mail was followed."""
    return behaviour.EmailLinkClicked(**who(profile), message=message, link="book")


def attended(profile: str, live_event: str) -> Event:
    """Somebody was at a fair."""
    return behaviour.LiveEventAttended(**who(profile), live_event=live_event, offline=True)


def mailed(lead: str, message: str, sequence: str) -> Event:
    """Nurture sent a message."""
    return nurture.MessageSent(
        lead=lead,
        sequence=sequence,
        sequence_version=1,
        enrolment="e",
        step="welcome",
        message=message,
        content="welcome",
    )


def moved(profile: str, lead: str, version: int) -> Event:
    """A profile moves to a lead."""
    kind = leads.LeadUnmerged if profile == lead else leads.LeadMerged
    return kind(profile=profile, lead=lead, from_lead=profile, version=version, reason="test")


def erased(profile: str) -> Event:
    """Somebody asked to be forgotten."""
    return leads.LeadErased(lead=profile, profile=profile)


def _deal(profile: str, opportunity: str) -> dict[str, Any]:
    return {**who(profile, source="crm"), "opportunity": opportunity}


def opened(profile: str, opportunity: str) -> Event:
    """Sales opened an opportunity."""
    return outcomes.OpportunityCreated(**_deal(profile, opportunity), stage="first_talk")


def won(profile: str, opportunity: str, minor: int, currency: str = "CNY") -> Event:
    """A deal was won."""
    return outcomes.OpportunityWon(
        **_deal(profile, opportunity), amount=Amount(minor=minor, currency=currency)
    )


def lost(profile: str, opportunity: str) -> Event:
    """A deal was lost."""
    return outcomes.OpportunityLost(**_deal(profile, opportunity), reason="price")


def paid(profile: str, opportunity: str, payment: str, minor: int, currency: str = "CNY") -> Event:
    """Money arrived."""
    return outcomes.PaymentReceived(
        **_deal(profile, opportunity), payment=payment, amount=Amount(minor=minor, currency=currency)
    )


def cost(
    campaign: str,
    minor: int,
    *,
    day: str = "2026-03-02",
    channel: str = "",
    kind: Any = "ads",
    currency: str = "CNY",
) -> Event:
    """A campaign cost something."""
    return outcomes.CostRecorded(
        source="ads",
        campaign=campaign,
        channel=channel,
        kind=kind,
        day=day,
        amount=Amount(minor=minor, currency=currency),
    )


def reached(lead: str, model: str, tier: str, at: Instant) -> Event:
    """A lead reached a tier."""
    return tier_changes.TierChanged(
        lead=lead,
        model=model,
        model_version=1,
        direction="up",
        from_tier="B",
        to_tier=tier,
        points=80_000,
        at=to_datetime(at),
    )


def assigned(lead: str, rep: str, assignment: str, due: Instant) -> Event:
    """A rep was given a lead."""
    return assignments.LeadAssigned(
        lead=lead,
        rep=rep,
        assignment=assignment,
        team="t",
        rule="mql_a",
        rule_version=1,
        strategy="round_robin",
        reason="mql_a",
        due=to_datetime(due),
    )


def contacted(lead: str, rep: str, assignment: str, *, first: bool = True, in_time: bool = True) -> Event:
    """The owner recorded a follow-up."""
    return assignments.LeadContacted(
        lead=lead, rep=rep, assignment=assignment, way="phone", is_first=first, in_time=in_time
    )


def recalled(lead: str, rep: str, assignment: str, due: Instant) -> Event:
    """The clock ran out."""
    return assignments.LeadRecalled(lead=lead, rep=rep, assignment=assignment, due=to_datetime(due))


def status_changed(lead: str, status: Any) -> Event:
    """The lead's status moved."""
    return assignments.LeadStatusChanged(lead=lead, from_status="new", to_status=status)


def judged(profile: str, reason: str, verdict: int, *, pardons: bool = False) -> Event:
    """The lead was found invalid for a reason; without one it is valid after all, perhaps with its acts."""
    common: dict[str, Any] = {"lead": profile, "profile": profile, "rule": "by_hand", "verdict": verdict}
    if reason:
        return leads.LeadInvalidated(**common, reason=reason)
    return leads.LeadValidated(**common, reason="by_hand", pardons=pardons)


def act_judged(profile: str, act: str, dismissed: str, verdict: int) -> Event:
    """An act was found to count for nothing; without a reason it counts."""
    return behaviour.ActJudged(
        **who(profile), act=act, dismissed=dismissed, rule=dismissed or "by_hand", verdict=verdict
    )


def converted(lead: str, opportunity: str) -> Event:
    """The lead became an opportunity."""
    return assignments.LeadConverted(lead=lead, opportunity=opportunity, rep="rep-7")
