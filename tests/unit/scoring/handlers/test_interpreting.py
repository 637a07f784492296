"""From events to what scoring learns: every event it reads, and what it refuses to read."""

from __future__ import annotations

import pytest

from services.scoring.bootstrap import build_stage
from services.scoring.domain.facts import ATTRIBUTES, Fact
from services.scoring.domain.scored_lead import FirstContact, OwnedBy
from services.scoring.domain.verdicts import ACT_VERDICT
from services.scoring.domain.vocabulary import ACTS
from services.scoring.handlers.interpreting import (
    CopiesForgotten,
    FactsArrived,
    PersonForgotten,
    ProfileDeparted,
    ProfileMoved,
    Unusable,
    interpret,
)
from shared.contracts.attributes import Amount, Scalar
from shared.contracts.declarations import DECLARED, Event
from shared.contracts.envelope import decode_envelope, encode_event
from shared.contracts.events import assignments, behaviour, internal_scoring, leads, outcomes
from shared.kernel.changes import Fact as Learned
from shared.kernel.instants import MINUTE, from_datetime
from tests.unit.scoring.stories import BOTH, START

TOPICS = build_stage(BOTH, partitions=1).topics
ID = "0123456789abcdef0123456789abcdef"


def read(event: Event, *, identity: str = ID) -> Learned | None:
    """Through the wire, as it comes from the log."""
    return interpret(
        decode_envelope(
            encode_event(
                event,
                id=identity,
                source="/leadmill/ingest",
                subject="x",
                occurred=START,
                received=START + MINUTE,
                partition_key="x",
                causation_id=None,
                correlation_id="first",
            )
        )
    )


def fact_in(event: Event) -> Fact:
    learned = read(event)
    assert learned is not None
    assert isinstance(learned.event, Fact)
    return learned.event


def act(*, lead: str = "l", profile: str = "p", kind: str = "", path: str = "/x") -> behaviour.PageViewed:
    return behaviour.PageViewed(lead=lead, profile=profile, source="web", path=path, kind=kind)


OWNED = (
    assignments.LeadAssigned
    | assignments.LeadClaimed
    | assignments.LeadTransferred
    | assignments.LeadRecalled
    | assignments.OwnershipEnded
)
DEALS = (
    outcomes.OpportunityCreated
    | outcomes.OpportunityStageChanged
    | outcomes.OpportunityWon
    | outcomes.OpportunityLost
)
PASSED_OVER = tuple(
    event
    for event in (*outcomes.EXAMPLES, *assignments.EXAMPLES)
    if not isinstance(event, DEALS | assignments.LeadReturned | assignments.LeadContacted | OWNED)
)
"""What is said on topics that it reads, and no rule speaks of yet: nothing of it is kept."""
HEARD = [
    event
    for events in (behaviour, leads, internal_scoring, outcomes, assignments)
    for event in events.EXAMPLES
    if event not in PASSED_OVER and not isinstance(event, leads.LeadReleased | leads.TagsChanged)
]


@pytest.mark.parametrize("event", HEARD)
def test_every_event_that_it_cares_for_says_something(event: Event) -> None:
    assert {topic.name for topic in DECLARED.of_struct(type(event)).topics} <= set(TOPICS)
    learned = read(event)
    assert learned is not None
    assert (learned.id, learned.received, learned.correlation) == (ID, START + MINUTE, "first")


def test_every_act_that_rules_know_is_said_by_some_event() -> None:
    named = {fact_in(event).name for event in behaviour.EXAMPLES}
    assert named - {"act/Calculator Used", ACT_VERDICT} == set(ACTS)


@pytest.mark.parametrize("event", PASSED_OVER)
def test_what_no_rule_speaks_of_is_passed_over(event: Event) -> None:
    assert {topic.name for topic in DECLARED.of_struct(type(event)).topics} <= set(TOPICS)
    assert read(event) is None


def test_a_loss_and_a_return_are_facts_of_the_profile_without_a_word_about_why() -> None:
    lost = outcomes.OpportunityLost(
        lead="l", profile="p", source="crm", opportunity="OP-1", reason="price", message_id="m"
    )
    returned = assignments.LeadReturned(lead="l", rep="r", assignment="a", reason="no_answer")
    found = [fact_in(event) for event in (lost, returned)]
    assert [(fact.name, fact.profile, fact.fields) for fact in found] == [
        ("opportunity_lost", "p", {"opportunity": "crm/OP-1"}),
        ("lead_returned", "l", {}),
    ]


def test_a_deal_is_named_with_its_source_and_a_win_with_what_it_brought() -> None:
    won = outcomes.OpportunityWon(
        lead="l", profile="p", source="crm", opportunity="OP-1", amount=Amount(minor=5, currency="EUR")
    )
    fact = fact_in(won)
    assert (fact.name, fact.profile) == ("opportunity_won", "p")
    assert fact.fields == {"opportunity": "crm/OP-1", "amount": 5, "currency": "EUR"}


def test_where_somebody_works_is_a_field_that_no_client_can_name() -> None:
    captured = leads.LeadCaptured(lead="l", profile="p", source="web", reachable=True, company="c-1")
    assert fact_in(captured).fields == {"company/id": "c-1"}


def test_what_had_brought_somebody_is_no_field_of_what_they_did() -> None:
    (viewed, *_) = behaviour.EXAMPLES
    assert isinstance(viewed, behaviour.PageViewed)
    assert viewed.acquisition is not None
    assert fact_in(viewed).fields == {"path": "/pricing", "kind": "price"}


def test_whoever_wants_no_more_mails_did_something_that_no_shipped_rule_speaks_of() -> None:
    event = behaviour.Unsubscribed(lead="l", profile="p", source="mail", message="welcome-1")
    assert fact_in(event).fields == {"message": "welcome-1", "delivery_channel": "email"}
    assert "unsubscribed" not in BOTH.by_act


def test_an_erasure_is_told_to_the_home_and_to_where_copies_are() -> None:
    erased = read(leads.LeadErased(lead="l", profile="p"))
    assert erased is not None
    assert (erased.key, erased.event) == ("p", PersonForgotten("l"))
    forgotten = read(internal_scoring.ProfileForgotten(profile="p", lead="l"))
    assert forgotten is not None
    assert (forgotten.key, forgotten.event) == ("l", CopiesForgotten("p"))


def test_an_act_belongs_to_its_profile_wherever_that_lives() -> None:
    learned = read(act(lead="elsewhere"))
    assert learned is not None
    assert learned.key == "p"
    assert fact_in(act(lead="elsewhere")).profile == "p"


def test_what_was_not_said_is_left_out_and_zero_is_said() -> None:
    assert fact_in(act(kind="", path="/x")).fields == {"path": "/x"}
    form = behaviour.FormSubmitted(lead="l", profile="p", source="web", form="f", start_within_months=0)
    assert fact_in(form).fields == {"form": "f", "start_within_months": 0}


def test_an_attribute_that_is_known_to_be_empty_is_kept_as_null() -> None:
    changed = leads.LeadChanged(
        lead="l", profile="p", source="web", attributes={"industry": None}, reachable=True
    )
    fact = fact_in(changed)
    assert (fact.name, fact.fields) == (ATTRIBUTES, {"industry": None, "company/id": None})


def test_moves_are_told_to_the_home_and_pieces_to_where_they_go() -> None:
    merged = read(leads.LeadMerged(profile="p", lead="l", from_lead="p", version=3, reason="email"))
    assert merged is not None
    assert (merged.key, merged.event) == ("p", ProfileMoved("p", "l", 3))
    left = read(internal_scoring.ProfileLeft(profile="p", version=4, lead="l", to_lead="m"))
    assert left is not None
    assert (left.key, left.event) == ("l", ProfileDeparted("p", 4))
    (sent, *_) = internal_scoring.EXAMPLES
    assert isinstance(sent, internal_scoring.FactsMoved)
    arrived = read(sent)
    assert arrived is not None
    assert isinstance(arrived.event, FactsArrived)
    (fact,) = arrived.event.facts
    assert (arrived.key, fact.id, fact.profile) == (sent.lead, sent.facts[0].id, sent.profile)
    assert fact.occurred == from_datetime(sent.facts[0].occurred)


@pytest.mark.parametrize(
    "event",
    [
        act(profile="p\0"),
        act(profile="p" * 201),
        behaviour.ActRecorded(lead="l", profile="p", source="web", name="a\0b"),
        behaviour.ActRecorded(lead="l", profile="p", source="web", name="a", properties={"n": 2**63}),
        behaviour.ActRecorded(lead="l", profile="p", source="web", name="a", properties={"n": -(2**64)}),
        leads.LeadMerged(profile="p\0", lead="l", from_lead="p", version=1, reason="email"),
    ],
)
def test_what_no_table_takes_is_refused_before_it_spoils_a_batch(event: Event) -> None:
    with pytest.raises(Unusable):
        read(event)


@pytest.mark.parametrize("identity", ["a\0", "a" * 201])
def test_an_id_that_no_table_takes_is_refused(identity: str) -> None:
    with pytest.raises(Unusable):
        read(act(), identity=identity)


def test_the_largest_numbers_that_fit_are_taken() -> None:
    fields: dict[str, Scalar] = {"most": 2**63 - 1, "least": -(2**63) + 1, "yes": True, "half": 0.5}
    event = behaviour.ActRecorded(lead="l", profile="p", source="web", name="a", properties=fields)
    assert fact_in(event).fields == fields


def test_who_has_a_lead_is_noted_until_another_has_it_or_nobody() -> None:
    for event in assignments.EXAMPLES:
        if isinstance(event, OWNED):
            learned = read(event)
            assert learned is not None
            has_one = not isinstance(event, assignments.LeadRecalled | assignments.OwnershipEnded)
            assert (learned.key, learned.event) == (event.lead, OwnedBy(event.rep if has_one else ""))


@pytest.mark.parametrize("is_first", [True, False])
def test_only_the_first_contact_of_a_spell_is_heard(*, is_first: bool) -> None:
    contact = assignments.LeadContacted(
        lead="l", rep="rep-7", assignment="a-1", way="phone", is_first=is_first
    )
    learned = read(contact)
    assert (learned is not None) is is_first
    if learned is not None:
        assert (learned.key, learned.event) == ("l", FirstContact("rep-7", "a-1", START))
