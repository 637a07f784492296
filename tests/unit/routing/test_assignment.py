"""Rules in order, who is skipped and why, and what happens where nobody can be found (R1)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest

from services.routing.domain.assignment.rules import AssignmentDocument, compile_rules
from services.routing.domain.people import Leave
from services.routing.domain.rows import DecisionMade
from services.routing.domain.rulebook import Rulebook
from shared.contracts.events.assignments import LeadAssigned, LeadPooled, LeadTransferred
from tests.unit.routing.floor import Floor, shipped

REGION_FIRST = {
    "name": "assignment",
    "version": 7,
    "rules": [
        {
            "rule": "shanghai",
            "when": {"field": "region", "operator": "within", "value": ["CN-SH"]},
            "team": "inside_sales",
            "strategy": "named",
            "reps": ["rep-4", "rep-3"],
        },
        {
            "rule": "pharma",
            "when": {"field": "industry", "operator": "is", "value": "pharma"},
            "team": "key_accounts",
            "strategy": "round_robin",
        },
    ],
}


def ruled(source: dict[str, Any]) -> Rulebook:
    book = shipped()
    document = msgspec.convert(source, AssignmentDocument)
    rules, faults = compile_rules(
        document,
        teams=[team.team for team in book.people.teams],
        reps=[rep.rep for rep in book.people.reps],
    )
    assert faults == []
    return Rulebook(
        people=book.people,
        reach=book.reach,
        rules=rules,
        sla=book.sla,
        pool=book.pool,
        pipeline=book.pipeline,
    )


def trace(floor: Floor) -> DecisionMade:
    return [row for row in floor.desk.rows if isinstance(row, DecisionMade)][-1]


def skipped(floor: Floor) -> dict[str, str]:
    return {one.rep: one.skipped for one in trace(floor).decision.considered if one.skipped}


def test_leads_go_round_and_everybody_gets_their_share() -> None:
    floor = Floor()
    for number in range(40):
        floor.hot(f"lead-{number}")
    owners = Counter(floor.owner(f"lead-{number}") for number in range(40))
    assert owners == {"rep-1": 10, "rep-2": 10, "rep-3": 10, "rep-4": 10}


def test_the_first_rule_that_holds_decides_and_names_come_in_their_order() -> None:
    floor = Floor(ruled(REGION_FIRST))
    floor.hot("ada", region="CN-SH", industry="pharma")
    said = floor.last(LeadAssigned)
    assert (said.rule, said.rule_version, said.strategy, said.rep) == ("shanghai", 7, "named", "rep-4")
    floor.hot("ben", region="CN-BJ", industry="pharma")
    assert floor.last(LeadAssigned).rep == "rep-5"
    floor.change_rep("rep-4", is_active=False)
    floor.hot("cy", region="CN-SH")
    assert floor.owner("cy") == "rep-3"
    assert skipped(floor) == {"rep-4": "left"}


def test_every_skip_has_its_reason_in_the_trace() -> None:
    floor = Floor(now="2026-03-02 10:00")
    floor.change_rep("rep-1", leave=(Leave(first_day="2026-03-02", last_day="2026-03-02"),))
    floor.change_rep("rep-2", capacity=0)
    floor.change_rep("rep-3", regions=("CN-BJ",))
    floor.change_rep("rep-4", product_lines=("mes",))
    floor.hot("ada", region="CN-SH", product_line="erp")
    assert skipped(floor) == {
        "rep-1": "on_leave",
        "rep-2": "at_capacity",
        "rep-3": "other_region",
        "rep-4": "other_product_line",
    }
    assert floor.last(LeadPooled).reason == "nobody_eligible"
    decision = trace(floor)
    assert (decision.assignment, decision.reason, decision.decision.fallback) == (
        "",
        "mql_a",
        "nobody_eligible",
    )


def test_a_region_that_nobody_knows_suits_everybody() -> None:
    floor = Floor()
    for rep in ("rep-2", "rep-3", "rep-4"):
        floor.change_rep(rep, is_active=False)
    floor.change_rep("rep-1", regions=("CN-BJ",))
    floor.hot("ada")
    assert floor.owner("ada") == "rep-1"


def test_leave_counts_by_the_day_of_the_calendars_zone() -> None:
    floor = Floor(now="2026-03-02 23:30")
    floor.change_rep("rep-1", leave=(Leave(first_day="2026-03-03", last_day="2026-03-05"),))
    floor.hot("ada")
    assert floor.owner("ada") == "rep-1"
    floor.pass_to("2026-03-03 00:00")
    for number in range(4):
        floor.hot(f"lead-{number}")
    assert {floor.owner(f"lead-{number}") for number in range(4)} == {"rep-2", "rep-3", "rep-4"}


def test_where_no_rule_holds_the_lead_goes_to_the_pool_and_the_decision_is_kept() -> None:
    floor = Floor(ruled(REGION_FIRST))
    floor.hot("ada")
    assert floor.last(LeadPooled).reason == "no_rule"
    assert trace(floor).decision.fallback == "no_rule"
    floor.claim("ada", "rep-2")
    assert floor.owner("ada") == "rep-2"


def test_a_team_without_people_is_no_dead_end() -> None:
    floor = Floor()
    team = floor.desk.teams["inside_sales"]
    floor.desk.teams.put("inside_sales", msgspec.structs.replace(team, members=()))
    floor.hot("ada")
    assert floor.last(LeadPooled).reason == "nobody_eligible"
    assert trace(floor).decision.considered == ()


def test_a_full_rep_is_passed_over_and_gets_leads_again_when_there_is_room() -> None:
    floor = Floor()
    floor.change_rep("rep-1", capacity=1)
    for number in range(8):
        floor.hot(f"lead-{number}")
    assert Counter(floor.owner(f"lead-{number}") for number in range(8))["rep-1"] == 1
    floor.give_back("lead-0", "rep-1")
    floor.hot("late")
    assert floor.owner("late") == "rep-1"


def test_a_lead_is_not_given_again_to_whoever_has_just_lost_it() -> None:
    floor = Floor(now="2026-03-02 10:00")
    floor.hot("ada")
    floor.pass_to("2026-03-03 10:00")
    floor.activated("ada")
    assert floor.owner("ada") == "rep-2"
    floor.pass_to("2026-03-04 10:00")
    for rep in ("rep-3", "rep-4"):
        floor.change_rep(rep, is_active=False)
    floor.tier("ada", "B", points=70, rises=False)
    floor.tier("ada", "A", points=85)
    assert skipped(floor) == {
        "rep-1": "had_it_lately",
        "rep-2": "had_it_lately",
        "rep-3": "left",
        "rep-4": "left",
    }
    assert floor.owner("ada") is None


def test_a_manager_gives_by_hand_and_the_clock_begins_anew() -> None:
    floor = Floor(now="2026-03-02 10:00")
    floor.hot("ada")
    floor.pass_to("2026-03-02 15:00")
    reply = floor.transfer("ada", "rep-3")
    assert reply["owner"] == "rep-3"
    moved = floor.last(LeadTransferred)
    assert (moved.from_rep, moved.rep, moved.reason) == ("rep-1", "rep-3", "by_hand")
    assert floor.rep("rep-1").load == 0
    floor.captured("ben")
    floor.transfer("ben", "rep-4")
    assert floor.last(LeadAssigned).strategy == "by_hand"
    assert "recall" in floor.lead("ben").spell.clocks  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("to", "code"), [("rep-1", "routing.already_owned"), ("rep-99", "routing.rep_unknown")]
)
def test_a_transfer_that_makes_no_sense_is_refused(to: str, code: str) -> None:
    floor = Floor()
    floor.hot("ada")
    assert floor.refusal(floor.transfer, "ada", to) == code
