"""What ships: every number of R3 to R13 in a document; and every fault of a document is told at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from services.routing.domain.pipeline.document import PipelineDocument
from services.routing.domain.public_pool import PoolDocument
from services.routing.domain.reach import ReachDocument
from services.routing.domain.sla.policies import SlaDocument
from services.routing.store.documents import read_rulebook
from shared.documents.faults import DocumentFaults
from shared.documents.versions import D, load_document
from tests.unit.routing.floor import CONFIG, shipped


def document(name: str, shape: type[D]) -> D:
    return load_document((CONFIG / "routing" / f"{name}.yaml").read_text(), kind=name, shape=shape).body


def test_r13_ships_a_at_once_b_from_65_and_never_c_or_d() -> None:
    reach = document("reach", ReachDocument)
    assert reach.in_charge == "mql"
    rules = [(rule.model, tier, rule.answer, rule.from_points) for rule in reach.rules for tier in rule.tiers]
    assert {
        ("mql", "A", "assign", None),
        ("mql", "B", "claimable", 65),
        ("mql", "C", "never", None),
        ("mql", "D", "never", None),
        ("five_step", "hot", "assign", None),
        ("key_account", "key_account", "assign", None),
    } <= set(rules)


def test_r3_r4_ship_two_working_hours_a_working_day_and_the_rhythm() -> None:
    sla = document("sla", SlaDocument)
    policies = {one.policy: one for one in sla.policies}
    assert policies["key_account"].respond_within.working_hours == 2
    assert policies["standard"].respond_within.working_days == 1
    assert policies["standard"].recall_after is None
    assert (sla.follow_up.days, sla.follow_up.days_by_grade) == (7, {"A": 7, "B": 15})
    assert sla.follow_up.return_after_working_days == 2
    assert (sla.follow_up.grade_model, sla.follow_up.grade_model_of_customers) == ("mql", "customer_grade")
    assert sla.calendar == "china"


def test_r5_ships_warnings_before_the_limit() -> None:
    assert all(policy.warn_at for policy in document("sla", SlaDocument).policies)


def test_r6_ships_who_claims_how_many_and_how_long_a_previous_owner_waits() -> None:
    pool = document("public_pool", PoolDocument)
    assert pool.claimed_by == ("inside_sales", "key_accounts")
    assert (pool.claims_per_day, pool.previous_owner_waits_days) == (10, 7)


def test_r7_r9_ship_the_statuses_and_stages() -> None:
    pipeline = document("pipeline", PipelineDocument)
    assert set(pipeline.moves) == {"new", "contacted", "interested", "activated", "invalid"}
    assert pipeline.activated_from == ("new", "contacted", "interested")
    assert pipeline.stages == ("first_talk", "proposal", "negotiation")


def test_r8_ships_the_list_with_its_choices() -> None:
    fields = {one.field: one.choices for one in document("pipeline", PipelineDocument).handover}
    assert fields == {
        "pain_point": (),
        "current_solution": (),
        "purchase_time": ("1_month", "3_months", "long"),
        "budget": ("yes", "no", "open"),
        "decision_maker": ("yes", "no"),
    }


def test_r2_ships_seven_days_in_which_a_contacted_lead_stays() -> None:
    assert document("pipeline", PipelineDocument).takeover_rests_days == 7


def test_names_of_people_stand_in_the_document_and_nowhere_else() -> None:
    assert all(rep.name for rep in shipped().people.reps)
    assert all(rep.name not in repr(shipped().rules) for rep in shipped().people.reps)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A copy of the shipped configuration, to be spoilt."""
    for name in ("routing", "calendars"):
        shutil.copytree(CONFIG / name, tmp_path / name)
    return tmp_path


def spoil(config: Path, name: str, *changes: tuple[str, str]) -> None:
    path = config / "routing" / f"{name}.yaml"
    text = path.read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path.write_text(text)


def faults_of(config: Path) -> list[str]:
    with pytest.raises(DocumentFaults) as caught:
        read_rulebook(config)
    return [str(fault) for fault in caught.value.faults]


def test_faults_of_all_documents_are_told_at_once(config: Path) -> None:
    spoil(config, "assignment", ("team: inside_sales", "team: outside_sales"))
    spoil(
        config,
        "sla",
        ("calendar: china", "calendar: mars"),
        ("working_hours: 2", "working_hours: 2, working_days: 1"),
    )
    spoil(config, "public_pool", ("[inside_sales, key_accounts]", "[everybody]"))
    spoil(config, "people", ("[rep-5, rep-6]", "[rep-5, rep-7]"))
    spoil(config, "reach", ("in_charge: mql", "in_charge: gut_feeling"))
    spoil(config, "pipeline", ("interested: [contacted, invalid]", "interested: [activated]"))
    told = "\n".join(faults_of(config))
    for part in (
        "assignment.yaml: rules[1].team: outside_sales is no team",
        "sla.yaml: calendar: mars is no calendar",
        "sla.yaml: policies[0].respond_within: needs either working_hours or working_days",
        "public_pool.yaml: claimed_by[0]: everybody is no team",
        "people.yaml: teams[1].members: rep-7 is no rep of this document",
        "reach.yaml: in_charge: no rule speaks of gut_feeling",
        "pipeline.yaml: moves.interested: activation is said by scoring",
    ):
        assert part in told


@pytest.mark.parametrize(
    ("name", "before", "after", "told"),
    [
        ("assignment", "operator: is", "operator: resembles", "rules[0].when.operator"),
        ("assignment", "strategy: round_robin", "strategy: named", "stand with the strategy named"),
        ("assignment", "rule: everyone", "rule: key_accounts", "is there already"),
        (
            "sla",
            "  - policy: standard\n",
            "  - policy: standard\n    when: {field: reason, operator: known}\n",
            "the last one counts for all others",
        ),
        ("sla", "grade_model: mql", "grade_model: luck", "luck is no model"),
        ("people", "- rep: rep-2", "- rep: rep-1", "rep-1 is there already"),
        ("people", "capacity: 30", "capacity: -1", "capacity"),
        ("reach", "model: five_step", "model: six_step", "six_step is no model"),
        ("pipeline", "- field: budget", "- field: pain_point", "pain_point is there already"),
        ("public_pool", "claims_per_day: 10", "claims_per_day: none", "claims_per_day"),
    ],
)
def test_each_fault_is_told_with_its_place(
    config: Path, name: str, before: str, after: str, told: str
) -> None:
    spoil(config, name, (before, after))
    assert any(told in fault for fault in faults_of(config)), faults_of(config)


def test_leave_that_ends_before_it_begins_is_a_fault(config: Path) -> None:
    spoil(
        config,
        "people",
        (
            "    name: Zhao Min\n",
            "    name: Zhao Min\n    leave: [{first_day: 2026-05-02, last_day: 2026-05-01}]\n",
        ),
    )
    assert faults_of(config) == ["people.yaml: reps[1].leave[0]: ends before it begins"]


def test_a_document_that_is_missing_is_a_fault(config: Path) -> None:
    (config / "routing" / "people.yaml").unlink()
    assert "people.yaml: is missing or not UTF-8" in faults_of(config)
