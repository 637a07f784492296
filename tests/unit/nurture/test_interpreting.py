"""What nurture makes of other services' events, and of what no table takes."""

from __future__ import annotations

from typing import Any

import pytest

from services.nurture.domain import learnt
from services.nurture.domain.leads import Contact
from services.nurture.handlers.interpreting import Unusable, interpret, interpret_tombstone
from shared.contracts.attributes import Amount
from shared.contracts.declarations import Event
from shared.contracts.envelope import decode_envelope, encode_event
from shared.contracts.events import EXAMPLES, assignments, behaviour, contacts, leads, outcomes, tier_changes
from shared.kernel.changes import Fact
from shared.kernel.errors import Rejected
from shared.kernel.instants import MILLISECOND, to_datetime
from tests.unit.nurture.stories import ADA, BEN, START

SPELL: Any = {"lead": ADA, "rep": "rep-1", "assignment": "a-1"}
DEAL: Any = {"lead": ADA, "profile": BEN, "source": "crm", "opportunity": "OP-1"}
WHEN = to_datetime(START)


def fact_of(event: Event) -> Fact | None:
    value = encode_event(
        event,
        id="0" * 32,
        source="/leadmill/others",
        subject=ADA,
        occurred=START,
        received=START + 5,
        partition_key=ADA,
        causation_id=None,
        correlation_id="1" * 32,
    )
    return interpret(decode_envelope(value))


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (
            leads.LeadCaptured(
                lead=ADA, profile=BEN, source="web", attributes={"industry": "pharma"}, reachable=True
            ),
            learnt.ProfileTold(BEN, ADA, {"industry": "pharma"}, START),
        ),
        (
            leads.LeadMerged(profile=BEN, lead=ADA, from_lead=BEN, version=1, reason="email"),
            learnt.ProfileMoved(BEN, ADA, BEN, 1),
        ),
        (
            leads.LeadUnmerged(profile=BEN, lead=BEN, from_lead=ADA, version=2, reason="wrong"),
            learnt.ProfileMoved(BEN, BEN, ADA, 2),
        ),
        (leads.LeadErased(lead=ADA, profile=BEN), learnt.ProfileErased(BEN, ADA)),
        (
            contacts.ContactUpdated(
                lead=ADA,
                version=3,
                name="Ada\r\nBcc: all@example.com",
                email="ada@example.com",
                company_name="Works\0",
                consents={"email": False},
                language="en",
                time_zone="UTC",
            ),
            learnt.ContactTold(
                Contact(
                    lead=ADA,
                    version=3,
                    name="Ada Bcc: all@example.com",
                    email="ada@example.com",
                    company="Works",
                    consents={"email": False},
                    language="en",
                    time_zone="UTC",
                )
            ),
        ),
        (
            tier_changes.TierChanged(
                lead=ADA,
                model="mql",
                model_version=1,
                direction="down",
                from_tier="A",
                to_tier="B",
                points=55_000,
                at=WHEN,
            ),
            learnt.TierTold(ADA, "mql", "B", "down"),
        ),
        (
            assignments.LeadAssigned(
                **SPELL, team="t", rule="r", rule_version=1, strategy="named", reason="mql_a", due=WHEN
            ),
            learnt.OwnerTold(ADA, "rep-1"),
        ),
        (assignments.LeadClaimed(**SPELL, pool="public", due=WHEN), learnt.OwnerTold(ADA, "rep-1")),
        (
            assignments.LeadTransferred(**SPELL, from_rep="rep-2", reason="by_hand", due=WHEN),
            learnt.OwnerTold(ADA, "rep-1"),
        ),
        (assignments.LeadRecalled(**SPELL, due=WHEN), learnt.OwnerTold(ADA, "")),
        (assignments.LeadPooled(lead=ADA, pool="public", reason="recalled"), learnt.OwnerTold(ADA, "")),
        (assignments.LeadReturned(**SPELL, reason="not_ready"), learnt.OwnerTold(ADA, "")),
        (assignments.OwnershipEnded(**SPELL, reason="erased"), learnt.OwnerTold(ADA, "")),
        (
            assignments.LeadStatusChanged(lead=ADA, from_status="new", to_status="invalid"),
            learnt.ValidityTold(ADA, is_invalid=True),
        ),
        (
            assignments.LeadStatusChanged(lead=ADA, from_status="invalid", to_status="new"),
            learnt.ValidityTold(ADA, is_invalid=False),
        ),
        (assignments.LeadStatusChanged(lead=ADA, from_status="new", to_status="contacted"), None),
        (
            assignments.LeadConverted(lead=ADA, opportunity="OP-1"),
            learnt.DealTold(ADA, ADA, "OP-1", "opportunity", START),
        ),
        (outcomes.OpportunityCreated(**DEAL), learnt.DealTold(BEN, ADA, "OP-1", "opportunity", START)),
        (
            outcomes.OpportunityStageChanged(**DEAL, stage="proposal"),
            learnt.DealTold(BEN, ADA, "OP-1", "opportunity", START),
        ),
        (
            outcomes.OpportunityWon(**DEAL, amount=Amount(minor=1, currency="CNY")),
            learnt.DealTold(BEN, ADA, "OP-1", "won", START),
        ),
        (outcomes.OpportunityLost(**DEAL), learnt.DealTold(BEN, ADA, "OP-1", "lost", START)),
        (
            outcomes.PaymentReceived(**DEAL, payment="P-1", amount=Amount(minor=1, currency="CNY")),
            None,
        ),
        (behaviour.Unsubscribed(lead=ADA, profile=BEN, source="nurture"), learnt.MailRefused(BEN, ADA)),
        (
            behaviour.Unsubscribed(lead=ADA, profile=BEN, source="nurture", delivery_channel="sms"),
            None,
        ),
        (behaviour.EmailOpened(lead=ADA, profile=BEN, source="nurture", message="m"), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_event_is_learnt_in_nurtures_own_words(event: Event, said: object) -> None:
    fact = fact_of(event)
    if said is None:
        assert fact is None
        return
    assert fact is not None
    assert fact.event == said
    assert fact.received == START + 5
    assert fact.key == (learnt.profile_in(said) or next(learnt.leads_in(said)))


def test_every_example_of_a_contract_can_be_read() -> None:
    for example in EXAMPLES:
        fact_of(example)


@pytest.mark.parametrize(
    "event",
    [
        leads.LeadErased(lead="", profile=BEN),
        leads.LeadErased(lead=ADA, profile="x" * 201),
        leads.LeadCaptured(
            lead=ADA, profile=BEN, source="web", attributes={"industry": "a\0b"}, reachable=True
        ),
        outcomes.OpportunityLost(**{**DEAL, "opportunity": "OP\0"}),
    ],
)
def test_what_no_table_takes_hurts_only_itself(event: Event) -> None:
    with pytest.raises(Unusable):
        fact_of(event)


def test_a_tombstone_takes_a_contact_away() -> None:
    fact = interpret_tombstone("leadmill.contacts", 3, 7, key=ADA.encode(), timestamp=12)
    assert fact.event == learnt.ContactGone(ADA)
    assert (fact.key, fact.received) == (ADA, 12 * MILLISECOND)
    assert fact.id != interpret_tombstone("leadmill.contacts", 3, 8, key=ADA.encode(), timestamp=12).id
    with pytest.raises(Rejected):
        interpret_tombstone("leadmill.contacts", 3, 7, key=b"", timestamp=12)
