"""What reaches sales, and what does not (R13, R2, I2)."""

from __future__ import annotations

import msgspec
import pytest

from services.routing.domain.reach import Reach, ReachDocument
from services.routing.domain.rulebook import Rulebook
from shared.contracts.events.assignments import (
    LeadAssigned,
    LeadPooled,
    LeadTransferred,
    LeadWithdrawn,
    TaskCreated,
)
from shared.documents.versions import load_document
from tests.unit.routing.floor import CONFIG, Floor, local, shipped


def reach_document() -> ReachDocument:
    text = (CONFIG / "routing" / "reach.yaml").read_text()
    return load_document(text, kind="reach", shape=ReachDocument).body


def under(model: str) -> Rulebook:
    """The shipped rules with another model in charge."""
    document = msgspec.structs.replace(reach_document(), in_charge=model)
    book = shipped()
    return Rulebook(
        people=book.people,
        reach=Reach(document),
        rules=book.rules,
        sla=book.sla,
        pool=book.pool,
        pipeline=book.pipeline,
    )


def test_r13_an_mql_a_goes_to_sales_at_once() -> None:
    floor = Floor()
    floor.captured("ada")
    assert floor.lead("ada").stay.place == "marketing"
    floor.tier("ada", "A", points=80)
    assigned = floor.last(LeadAssigned)
    assert (assigned.rep, assigned.reason, assigned.strategy) == ("rep-1", "mql_a", "round_robin")
    assert (assigned.team, assigned.rule, assigned.rule_version) == ("inside_sales", "everyone", 1)


def test_r13_a_b_may_be_claimed_from_65_points_and_stays_with_marketing_below() -> None:
    floor = Floor()
    floor.captured("ada")
    floor.tier("ada", "B", points=64)
    assert floor.events("ada") == []
    floor.scores("ada", 2, mql=65)
    assert floor.last(LeadPooled).reason == "claimable"
    floor.scores("ada", 3, mql=64)
    assert floor.last(LeadWithdrawn).pool == "public"
    assert floor.lead("ada").stay.place == "marketing"
    floor.scores("ada", 3, mql=90)
    assert floor.lead("ada").stay.place == "marketing", "an older word counts no more"


@pytest.mark.parametrize("tier", ["C", "D"])
def test_r13_c_and_d_never_reach_sales(tier: str) -> None:
    floor = Floor()
    floor.captured("ada")
    floor.tier("ada", tier, points=70, rises=tier == "C")
    floor.scores("ada", 1, mql=70)
    assert floor.events("ada") == []


def test_r13_hot_counts_only_where_five_step_is_in_charge() -> None:
    floor = Floor()
    floor.captured("ada")
    floor.tier("ada", "hot", model="five_step", points=70)
    assert floor.events("ada") == []

    other = Floor(under("five_step"))
    other.captured("ada")
    other.tier("ada", "A", points=85)
    assert other.events("ada") == []
    other.tier("ada", "hot", model="five_step", points=70)
    assert other.last(LeadAssigned).reason == "five_step_hot"


def test_who_cannot_be_reached_never_goes_to_sales_until_they_can() -> None:
    floor = Floor()
    floor.tier("ada", "A", points=85)
    floor.captured("ada", reachable=False)
    floor.tier("ben", "B", points=70)
    floor.captured("ben", reachable=False)
    assert floor.events("ada") == floor.events("ben") == []
    floor.captured("ada")
    floor.captured("ben")
    assert floor.events("ada") == ["LeadAssigned"]
    assert floor.events("ben") == ["LeadPooled"]


def test_what_falls_before_it_can_be_reached_is_not_wanted_any_more() -> None:
    floor = Floor()
    floor.tier("ada", "A", points=85)
    floor.tier("ada", "C", points=40, rises=False)
    floor.captured("ada")
    assert floor.events("ada") == []


def test_a_fall_is_recorded_and_an_owned_lead_stays_where_it_is() -> None:
    floor = Floor()
    floor.hot("ada")
    floor.tier("ada", "D", points=10, rises=False)
    assert floor.events("ada") == ["LeadAssigned"]
    assert floor.lead("ada").tiers == {"mql": "D"}


def test_a_rise_while_owned_assigns_nobody_else_then_or_later() -> None:
    floor = Floor()
    floor.hot("ada")
    floor.tier("ada", "B", points=70, rises=False)
    floor.tier("ada", "A", points=90)
    floor.captured("ada", industry="pharma")
    assert floor.events("ada") == ["LeadAssigned"]


def test_a_lead_in_the_pool_that_falls_to_c_goes_back_to_marketing() -> None:
    floor = Floor(now="2026-03-02 10:00")
    floor.hot("ada")
    floor.pass_to("2026-03-03 10:00")
    floor.tier("ada", "B", points=55, rises=False)
    assert floor.lead("ada").stay.place == "pool", "what was recalled stays for others"
    floor.tier("ada", "C", points=40, rises=False)
    assert floor.last(LeadWithdrawn).reason == "mql_c_d"


def test_what_has_fallen_to_c_while_it_was_owned_is_recalled_to_marketing() -> None:
    floor = Floor(now="2026-03-02 10:00")
    floor.hot("ada")
    floor.tier("ada", "C", points=40, rises=False)
    floor.pass_to("2026-03-03 10:00")
    assert floor.events("ada")[-2:] == ["LeadRecalled", "LeadWithdrawn"]


def test_what_was_given_back_waits_for_its_next_rise() -> None:
    floor = Floor()
    floor.hot("ada")
    floor.give_back("ada", "rep-1")
    floor.captured("ada", industry="pharma")
    floor.scores("ada", 1, mql=85)
    assert floor.lead("ada").stay.place == "marketing"
    floor.tier("ada", "B", points=70, rises=False)
    assert floor.lead("ada").stay.place == "marketing"
    floor.tier("ada", "A", points=85)
    assert floor.events("ada") == ["LeadAssigned", "LeadReturned", "LeadAssigned"]
    assert floor.owner("ada") == "rep-2", "not to whoever has just given it back"


class TestKeyAccounts:
    """R2."""

    def test_an_owned_lead_that_becomes_one_moves_to_their_team(self) -> None:
        floor = Floor()
        floor.hot("ada")
        floor.tier("ada", "key_account", model="key_account", points=75)
        moved = floor.last(LeadTransferred)
        assert (moved.from_rep, moved.rep, moved.reason) == ("rep-1", "rep-5", "key_account")

    def test_unless_contacted_within_seven_days_then_the_manager_decides(self) -> None:
        floor = Floor(now="2026-03-02 10:00")
        floor.hot("ada")
        floor.follow_up("ada", "rep-1")
        floor.pass_to("2026-03-09 09:59")
        floor.tier("ada", "key_account", model="key_account", points=75)
        assert floor.owner("ada") == "rep-1"
        assert floor.last(TaskCreated).kind == "decide_takeover"
        floor.transfer("ada", "rep-6")
        assert floor.lead("ada").tasks == {}

    def test_seven_days_after_the_last_contact_it_moves(self) -> None:
        floor = Floor(now="2026-03-02 10:00")
        floor.hot("ada")
        floor.follow_up("ada", "rep-1")
        floor.pass_to("2026-03-09 10:00")
        floor.tier("ada", "key_account", model="key_account", points=75)
        assert floor.owner("ada") == "rep-5"
        assert floor.at(LeadTransferred) == [local("2026-03-09 10:00")]

    def test_who_is_in_their_team_already_keeps_it(self) -> None:
        floor = Floor()
        floor.captured("ada")
        floor.tier("ada", "A", points=85)
        floor.transfer("ada", "rep-6")
        floor.tier("ada", "key_account", model="key_account", points=75)
        assert floor.owner("ada") == "rep-6"
