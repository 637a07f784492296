"""Merge, un-merge and erasure: one owner stays, every clock is accounted for."""

from __future__ import annotations

import pytest

from services.routing.domain.profiles import attributes_of
from shared.contracts.events.assignments import LeadTransferred, OwnershipEnded
from shared.contracts.events.erasures import PersonalDataRemoved
from tests.unit.routing.floor import Floor, local, moment


def test_of_two_owned_leads_the_survivors_owner_stays_and_the_others_clock_ends() -> None:
    floor = Floor(now="2026-03-02 10:00")
    floor.hot("ada")
    floor.hot("bob")
    floor.moved("bob", "ada", 1)
    assert (floor.owner("ada"), floor.owner("bob")) == ("rep-1", None)
    ended = floor.last(OwnershipEnded)
    assert (ended.lead, ended.rep, ended.reason, ended.into) == ("bob", "rep-2", "merged", "ada")
    assert {key.key for key in floor.timers} == {"ada"}
    assert floor.rep("rep-2").load == 0
    floor.pass_to("2026-03-03 10:00")
    assert floor.events("ada")[-2:] == ["LeadRecalled", "LeadPooled"]
    assert "LeadRecalled" not in floor.events("bob")


def test_an_unowned_survivor_inherits_the_owner_with_the_clock_as_it_stands() -> None:
    floor = Floor(now="2026-03-02 10:00")
    floor.captured("ada")
    floor.hot("bob")
    floor.pass_to("2026-03-02 16:00")
    floor.moved("bob", "ada", 1)
    moved = floor.last(LeadTransferred)
    assert (moved.lead, moved.rep, moved.reason) == ("ada", "rep-1", "merged")
    assert moment(moved.due) == local("2026-03-03 10:00"), "no time is won by a merge"
    assert floor.events("bob") == ["LeadAssigned", "OwnershipEnded"]
    floor.pass_to("2026-03-03 10:00")
    assert floor.events("ada")[-2:] == ["LeadRecalled", "LeadPooled"]


def test_a_follow_up_that_was_made_before_the_merge_counts_after_it() -> None:
    floor = Floor(now="2026-03-02 10:00")
    floor.captured("ada")
    floor.hot("bob")
    floor.follow_up("bob", "rep-1")
    floor.moved("bob", "ada", 1)
    assert list(floor.timers) == [("ada", "remind")]
    assert floor.lead("ada").status == "contacted"


def test_what_sales_knows_of_the_one_counts_for_the_other() -> None:
    floor = Floor()
    floor.captured("ada")
    floor.hot("bob")
    floor.activated("bob")
    floor.fill_all("bob", "rep-1")
    floor.moved("bob", "ada", 1)
    lead = floor.lead("ada")
    assert lead.status == "activated"
    assert lead.has_open_opportunity
    assert floor.events("ada").count("LeadConverted") == 0, "it is an opportunity already"


def test_an_activated_survivor_is_asked_for_what_is_missing() -> None:
    floor = Floor()
    floor.captured("ada")
    floor.hot("bob")
    floor.activated("bob")
    floor.moved("bob", "ada", 1)
    assert floor.lead("bob").tasks == {}
    assert list(floor.lead("ada").tasks) == ["complete_handover"]


def test_the_highest_version_wins_whatever_the_order() -> None:
    floor = Floor()
    floor.hot("ada")
    floor.hot("bob")
    floor.moved("bob", "bob", 2, out_of="ada")
    floor.moved("bob", "ada", 1)
    assert floor.owner("bob") == "rep-2"
    assert floor.events("bob") == ["LeadAssigned"]


def test_a_lead_that_comes_back_is_with_marketing_and_takes_nobody_with_it() -> None:
    floor = Floor()
    floor.captured("ada", industry="pharma")
    floor.hot("bob", industry="internet")
    floor.moved("bob", "ada", 1)
    floor.moved("bob", "bob", 2, out_of="ada")
    assert (floor.owner("ada"), floor.owner("bob")) == ("rep-1", None)
    assert floor.lead("bob").stay.place == "marketing"
    assert attributes_of(floor.desk.profiles_of("ada"))["industry"] == "pharma"
    assert attributes_of(floor.desk.profiles_of("bob"))["industry"] == "internet"
    floor.tier("bob", "A", points=85)
    assert floor.owner("bob") == "rep-2"


def test_a_rise_that_was_heard_while_it_lived_elsewhere_counts_when_it_comes_back() -> None:
    floor = Floor()
    floor.captured("ada")
    floor.captured("bob")
    floor.moved("bob", "ada", 1)
    floor.tier("bob", "A", points=85)
    assert floor.events("bob") == []
    floor.moved("bob", "bob", 2, out_of="ada")
    assert floor.owner("bob") == "rep-1"


def test_through_a_chain_of_merges_the_owner_arrives_at_the_last_one() -> None:
    floor = Floor()
    floor.hot("cy")
    floor.captured("bob")
    floor.captured("ada")
    floor.moved("bob", "ada", 1)
    floor.moved("cy", "bob", 1)  # said before the other merge, heard after it
    assert floor.owner("ada") == "rep-1"
    assert floor.lead("bob").stay.place == "merged"
    floor.moved("cy", "ada", 2, out_of="bob")
    assert floor.owner("ada") == "rep-1"


def test_outcomes_follow_the_profile_to_where_it_lives() -> None:
    floor = Floor()
    floor.hot("ada")
    floor.captured("bob")
    floor.moved("bob", "ada", 1)
    floor.deal("bob", "OP-1", "proposal", opens=True)
    assert floor.lead("ada").has_open_opportunity


@pytest.mark.parametrize("what", ["follow_up", "claim", "give_back"])
def test_a_merged_lead_says_where_it_went(what: str) -> None:
    floor = Floor()
    floor.hot("ada")
    floor.hot("bob")
    floor.moved("bob", "ada", 1)
    assert floor.refusal(getattr(floor, what), "bob", "rep-2") == "routing.lead_merged"


class TestErasure:
    def test_ends_ownership_and_clocks_for_good(self) -> None:
        floor = Floor()
        floor.hot("ada", industry="pharma")
        floor.fill("ada", "rep-1", pain_point="somebody's name")
        floor.erased("ada")
        assert floor.events("ada")[-1] == "OwnershipEnded"
        removed = floor.last(PersonalDataRemoved)
        assert (removed.service, removed.removed) == (
            "routing",
            {"follow_up.note": 0, "lead.handover": 1, "profile": 1},
        )
        assert floor.timers == {}
        assert floor.lead("ada").handover == {}
        assert attributes_of(floor.desk.profiles_of("ada")) == {}
        floor.hot("ada", industry="pharma")
        floor.activated("ada")
        floor.deal("ada", "OP-1", "won")
        assert floor.events("ada")[-1] == "OwnershipEnded"
        assert floor.lead("ada").opportunities == {}
        assert attributes_of(floor.desk.profiles_of("ada")) == {}

    def test_in_the_middle_of_a_merge_leaves_no_owner_behind(self) -> None:
        floor = Floor()
        floor.hot("ada")
        floor.hot("bob")
        floor.erased("ada")
        floor.moved("bob", "ada", 1)
        floor.erased("bob", "ada")
        assert floor.timers == {}
        assert floor.owner("bob") is None

    def test_of_an_unknown_lead_is_remembered(self) -> None:
        floor = Floor()
        floor.erased("ada")
        floor.hot("ada")
        assert floor.events("ada") == []
        assert floor.refusal(floor.follow_up, "ada", "rep-1") == "routing.lead_erased"

    def test_what_leaves_the_pool_by_erasure_cannot_be_claimed(self) -> None:
        floor = Floor()
        floor.captured("ada")
        floor.tier("ada", "B", points=70)
        floor.erased("ada")
        assert floor.refusal(floor.claim, "ada", "rep-1") == "routing.lead_erased"


def test_moves_that_are_heard_in_another_order_end_in_the_same_place() -> None:
    """Bob into Ada, out again, then Ada into Bob; Ada's move is heard first but for Bob's first one."""
    floor = Floor()
    floor.hot("ada")
    floor.captured("bob")
    floor.moved("bob", "ada", 1)
    floor.moved("ada", "bob", 1)  # for a while they live with each other
    assert floor.owner("ada") == "rep-1"
    floor.moved("bob", "bob", 2, out_of="ada")
    assert (floor.owner("ada"), floor.owner("bob")) == (None, "rep-1")
    assert floor.lead("ada").stay.place == "merged"
