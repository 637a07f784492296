"""Statuses, hand-over list, activation and opportunities (R7, R8, R9, C9)."""

from __future__ import annotations

import pytest

from shared.contracts.events.assignments import (
    FollowUpReminded,
    LeadAssigned,
    LeadConverted,
    LeadReturned,
    LeadStatusChanged,
    TaskCreated,
)
from shared.kernel.instants import HOUR
from tests.unit.routing.floor import Floor, local


class TestActivation:
    """R9, C9."""

    def test_sets_the_status_assigns_and_asks_for_the_list(self) -> None:
        floor = Floor()
        floor.captured("ada")
        floor.activated("ada")
        assert floor.lead("ada").status == "activated"
        assert floor.last(LeadAssigned).reason == "activated"
        task = floor.last(TaskCreated)
        assert (task.kind, task.rep) == ("complete_handover", "rep-1")
        assert task.missing == [
            "pain_point",
            "current_solution",
            "purchase_time",
            "budget",
            "decision_maker",
        ]

    def test_leaves_an_owned_lead_with_its_owner(self) -> None:
        floor = Floor()
        floor.hot("ada")
        floor.transfer("ada", "rep-4")
        floor.activated("ada")
        assert floor.owner("ada") == "rep-4"

    def test_the_last_field_makes_the_opportunity_once(self) -> None:
        floor = Floor()
        floor.hot("ada")
        floor.activated("ada")
        floor.fill("ada", "rep-1", pain_point="too slow", current_solution="paper", budget="open")
        reply = floor.fill("ada", "rep-1", purchase_time="1_month")
        assert reply["missing"] == ["decision_maker"]
        assert "LeadConverted" not in floor.events("ada")
        floor.fill("ada", "rep-1", decision_maker="yes")
        floor.fill("ada", "rep-1", decision_maker="no")
        assert floor.events("ada").count("LeadConverted") == 1
        converted = floor.last(LeadConverted)
        assert converted.handover == {"purchase_time": "1_month", "budget": "open", "decision_maker": "yes"}
        assert (converted.campaign, converted.source, converted.stage) == ("spring", "web", "first_talk")
        assert floor.lead("ada").tasks == {}

    def test_the_opportunity_tells_the_list_in_the_documents_order_however_it_was_filled_in(self) -> None:
        told = []
        for names in (("budget", "purchase_time"), ("purchase_time", "budget")):
            floor = Floor()
            floor.hot("ada")
            floor.activated("ada")
            known = {"budget": "open", "purchase_time": "1_month"}
            floor.fill("ada", "rep-1", **{name: known[name] for name in names})
            rest = {"decision_maker": "yes", "pain_point": "too slow", "current_solution": "paper"}
            floor.fill("ada", "rep-1", **rest)
            told.append(list(floor.last(LeadConverted).handover))
        assert told == [["purchase_time", "budget", "decision_maker"]] * 2

    def test_with_a_complete_list_the_opportunity_comes_at_once(self) -> None:
        floor = Floor()
        floor.hot("ada")
        floor.fill_all("ada", "rep-1")
        assert "LeadConverted" not in floor.events("ada"), "only an activated lead converts (R8)"
        floor.follow_up("ada", "rep-1", way="visit")
        floor.activated("ada")
        assert floor.events("ada").count("LeadConverted") == 1
        assert floor.last(LeadConverted).last_act == "follow_up/visit"
        assert "TaskCreated" not in floor.events("ada")

    def test_is_heard_once_a_cycle_and_from_the_model_in_charge_only(self) -> None:
        floor = Floor()
        floor.captured("ada")
        floor.activated("ada", model="five_step")
        assert floor.events("ada") == []
        floor.activated("ada")
        said = floor.events("ada")
        floor.activated("ada")
        assert floor.events("ada") == said

    def test_does_not_wake_what_was_called_invalid(self) -> None:
        floor = Floor()
        floor.hot("ada")
        floor.set_status("ada", "rep-1", "invalid", "spam")
        floor.activated("ada")
        assert floor.lead("ada").status == "invalid"
        assert floor.owner("ada") is None

    def test_waits_for_an_address(self) -> None:
        floor = Floor()
        floor.activated("ada")
        assert floor.lead("ada").status == "activated"
        assert floor.owner("ada") is None
        floor.captured("ada")
        assert floor.last(LeadAssigned).reason == "activated"

    def test_finds_somebody_for_a_lead_in_the_pool(self) -> None:
        floor = Floor(now="2026-03-02 10:00")
        floor.hot("ada")
        floor.pass_to("2026-03-03 10:00")
        floor.activated("ada")
        assert floor.owner("ada") == "rep-2"


class TestStatuses:
    """R7."""

    def test_the_first_follow_up_makes_a_new_lead_contacted(self) -> None:
        floor = Floor()
        floor.hot("ada")
        floor.follow_up("ada", "rep-1")
        changed = floor.last(LeadStatusChanged)
        assert (changed.from_status, changed.to_status) == ("new", "contacted")
        floor.set_status("ada", "rep-1", "interested")
        assert floor.lead("ada").status == "interested"

    @pytest.mark.parametrize("goal", ["activated", "new", "contacted", "nonsense"])
    def test_what_the_document_does_not_allow_is_refused(self, goal: str) -> None:
        floor = Floor()
        floor.hot("ada")
        floor.follow_up("ada", "rep-1")
        assert floor.refusal(floor.set_status, "ada", "rep-1", goal) == "routing.status_not_allowed"

    def test_invalid_needs_a_listed_reason_and_takes_the_lead_from_sales(self) -> None:
        floor = Floor()
        floor.hot("ada")
        assert floor.refusal(floor.set_status, "ada", "rep-1", "invalid", "bored") == "routing.reason_unknown"
        floor.set_status("ada", "rep-1", "invalid", "spam")
        assert floor.last(LeadReturned).reason == "invalid_spam"
        floor.tier("ada", "B", points=70, rises=False)
        floor.tier("ada", "A", points=90)
        assert floor.owner("ada") is None

    def test_an_invalid_lead_leaves_the_pool(self) -> None:
        floor = Floor()
        floor.captured("ada")
        floor.tier("ada", "B", points=70)
        floor.claim("ada", "rep-1")
        floor.set_status("ada", "rep-1", "invalid", "test")
        assert floor.lead("ada").stay.place == "marketing"

    def test_a_return_needs_a_listed_reason(self) -> None:
        floor = Floor()
        floor.hot("ada")
        assert floor.refusal(floor.give_back, "ada", "rep-1", "bored") == "routing.reason_unknown"
        assert floor.refusal(floor.give_back, "ada", "rep-2") == "routing.not_owner"
        floor.give_back("ada", "rep-1", "no_budget")
        assert floor.last(LeadReturned).reason == "no_budget"

    def test_only_the_owner_acts(self) -> None:
        floor = Floor()
        floor.hot("ada")
        for what in (floor.follow_up, floor.fill_all):
            assert floor.refusal(what, "ada", "rep-2") == "routing.not_owner"
        assert floor.refusal(floor.set_status, "ada", "rep-2", "interested") == "routing.not_owner"


class TestTheList:
    """R8."""

    @pytest.mark.parametrize(
        ("field", "value"),
        [("budget", "lots"), ("purchase_time", "soon"), ("colour", "red"), ("pain_point", "x" * 2001)],
    )
    def test_takes_only_what_the_document_allows(self, field: str, value: str) -> None:
        floor = Floor()
        floor.hot("ada")
        assert floor.refusal(floor.fill, "ada", "rep-1", **{field: value}) == "routing.handover_fault"

    def test_a_field_can_be_cleared(self) -> None:
        floor = Floor()
        floor.hot("ada")
        floor.fill("ada", "rep-1", budget="yes")
        assert "budget" in floor.fill("ada", "rep-1", budget=" ")["missing"]


class TestDeals:
    """R7, I8, N7: opportunities, whoever says them."""

    def test_an_opportunity_from_elsewhere_activates_and_keeps_ours_from_being_made(self) -> None:
        floor = Floor()
        floor.hot("ada")
        floor.deal("ada", "OP-1", "first_talk", opens=True)
        assert floor.lead("ada").status == "activated"
        floor.fill_all("ada", "rep-1")
        floor.activated("ada")
        assert "LeadConverted" not in floor.events("ada")
        assert "TaskCreated" not in floor.events("ada")

    def test_a_lost_deal_ends_the_cycle_and_the_next_may_convert_again(self) -> None:
        floor = Floor()
        floor.hot("ada")
        floor.activated("ada")
        floor.follow_up("ada", "rep-1")
        floor.fill_all("ada", "rep-1")
        first = floor.last(LeadConverted).opportunity
        floor.now += HOUR
        floor.deal("ada", first, "lost")
        assert floor.last(LeadReturned).reason == "opportunity_lost"
        assert (floor.owner("ada"), floor.lead("ada").status) == (None, "contacted")
        floor.activated("ada", cycle=2)
        assert floor.owner("ada") == "rep-2"
        assert floor.last(LeadConverted).opportunity != first

    def test_with_another_deal_open_a_loss_ends_nothing(self) -> None:
        floor = Floor()
        floor.hot("ada")
        floor.deal("ada", "OP-1", "proposal", opens=True)
        floor.deal("ada", "OP-2", "proposal", opens=True)
        floor.now += HOUR
        floor.deal("ada", "OP-1", "lost")
        assert floor.owner("ada") == "rep-1"

    def test_the_latest_word_by_occurred_time_counts(self) -> None:
        floor = Floor()
        floor.hot("ada")
        at = floor.now
        floor.deal("ada", "OP-1", "proposal", opens=True)
        floor.deal("ada", "OP-1", "won", at=at + 2 * HOUR)
        floor.deal("ada", "OP-1", "lost", at=at + HOUR)
        assert floor.lead("ada").opportunities["OP-1"].stage == "won"
        floor.deal("ada", "OP-1", "lost", at=at + 3 * HOUR)
        assert floor.owner("ada") is None

    def test_a_customer_takes_no_capacity_and_has_no_clock_after_the_first_contact(self) -> None:
        floor = Floor()
        floor.hot("ada")
        floor.follow_up("ada", "rep-1")
        floor.deal("ada", "OP-1", "proposal", opens=True)
        floor.now += HOUR
        floor.deal("ada", "OP-1", "won")
        assert floor.owner("ada") == "rep-1"
        assert floor.rep("rep-1").load == 0
        assert floor.timers == {}
        floor.now += HOUR
        floor.deal("ada", "OP-2", "first_talk", opens=True)
        assert floor.rep("rep-1").load == 1
        assert [key.name for key in floor.timers] == ["remind"]

    def test_with_an_open_deal_the_owner_is_reminded_and_keeps_the_lead(self) -> None:
        floor = Floor(now="2026-03-02 10:00")
        floor.hot("ada")
        floor.follow_up("ada", "rep-1")
        floor.deal("ada", "OP-1", "proposal", opens=True)
        floor.pass_to("2026-06-01 10:00")
        assert floor.at(FollowUpReminded) == [local("2026-03-09 10:00")]
        assert floor.last(FollowUpReminded).takes_back is False
        assert floor.owner("ada") == "rep-1"
        floor.follow_up("ada", "rep-1")
        floor.pass_to("2026-06-08 10:00")
        assert len(floor.at(FollowUpReminded)) == 2

    def test_an_outcome_for_an_unknown_lead_opens_a_stub_that_is_with_marketing(self) -> None:
        floor = Floor()
        floor.deal("ada", "OP-1", "won")
        assert floor.lead("ada").stay.place == "marketing"
        assert floor.lead("ada").opportunities["OP-1"].stage == "won"
