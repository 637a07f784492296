"""What it would take, told of the models that ship and of small ones with a cap, a gap, a window, a gate."""

from __future__ import annotations

import pytest

from services.scoring.domain.facts import ATTRIBUTES, Fact
from services.scoring.domain.plans.asking import Asked, answer
from services.scoring.domain.plans.outlook import NoGate, Outlook, TierUnknown
from services.scoring.domain.scored_lead import ScoredLead, forget
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet
from services.scoring.domain.scoring_models.compiler import compile_models
from services.scoring.domain.scoring_models.document import ScoringModelDocument
from services.scoring.domain.verdicts import LEAD_VERDICT
from shared.documents.versions import load_document
from shared.kernel.instants import DAY, HOUR, MINUTE, Instant
from tests.unit.scoring.stories import START, Story, day, model_from, shipped, vocabulary


def ask(
    story: Story,
    at: Instant = START,
    *,
    tier: str | None = None,
    activation: bool = False,
    keeps_known: bool = False,
    kept: ScoredLead | None = None,
) -> Outlook:
    """What it would take, for the lead of a story."""
    asked = Asked(story.model.name, at, tier, activation, keeps_known)
    return answer(story.models, "p1", kept or ScoredLead(), story.facts, asked)


def steps(outlook: Outlook) -> list[list[tuple[str, dict[str, object]]]]:
    """The plans in short."""
    return [[(step.fact.name, dict(step.move.fields)) for step in plan.steps] for plan in outlook.plans]


def model(rules: str, *, more: str = "") -> CompiledModel:
    """A small model whose behaviour does not cool."""
    return model_from(
        f"{{name: small, version: 1, groups: [{{group: acts, of: behaviour, rules: [{rules}]}}],"
        f" tiers: [{{tier: a, at_least: 10}}, {{tier: b}}]{more}}}"
    )


class TestTheModelsThatShip:
    def test_mql_tells_each_single_act_or_attribute_that_reaches_the_next_tier_how_and_for_how_long(
        self,
    ) -> None:
        story = Story(shipped("mql"))
        story.is_known_as(industry="pharma", title_level="director", size="500_plus")
        story.did("demo_requested").did("page_viewed", kind="price", path="/price")
        outlook = ask(story)
        assert (outlook.points, outlook.tier, outlook.goal.rank, outlook.is_reached) == (
            75_000,
            "B",
            3,
            False,
        )
        assert steps(outlook)[:4] == [
            [("email_link_clicked", {"purpose": "book_demo"})],
            [("form_submitted", {"start_within_months": 1})],
            [("document_downloaded", {"kind": "brochure"})],
            [(ATTRIBUTES, {"region": "east_china"})],
        ]
        assert [[name for name, _ in plan] for plan in steps(outlook)[4:]] == [["email_opened"] * 3]
        brochure = outlook.plans[2]
        (step,) = brochure.steps
        assert (brochure.points, brochure.tier, brochure.is_activated) == (85_000, "A", True)
        assert step.rules == ("brochure_or_white_paper_downloaded",)
        assert step.others == ({"kind": "white_paper"},)
        assert brochure.until is not None
        assert story.tier() == "B"
        story.did("document_downloaded", START + 1, kind="brochure", document="d")
        assert (story.tier(brochure.until - 1), story.tier(brochure.until)) == ("A", "B")

    def test_the_gate_of_mql_asks_for_acts_beside_points_c9(self) -> None:
        story = Story(shipped("mql"))
        story.is_known_as(industry="pharma", title_level="director", size="500_plus", region="east_china")
        story.did("form_submitted", form="f", start_within_months=1)
        story.did("document_downloaded", kind="brochure", document="d")
        story.did("demo_requested")
        assert story.points() == 100
        outlook = ask(story, activation=True)
        assert outlook.goal.rank is None
        assert [("page_viewed", {"kind": "price"})] in steps(outlook)
        assert [("document_downloaded", {"kind": "quote"})] in steps(outlook)
        assert all(plan.is_activated for plan in outlook.plans)
        later = ask(story, START + MINUTE, activation=True)
        waits = [
            plan.steps[0].fact.occurred - START
            for plan in later.plans
            if plan.steps[0].fact.name == "demo_requested"
        ]
        assert waits == [30 * MINUTE], "one more counts when half an hour has passed"

    def test_key_account_asks_for_what_is_not_known_with_both_departments_in_one_step_c3(self) -> None:
        story = Story(shipped("key_account"))
        story.is_known_as(size="500_plus", industry="pharma", budget_band="200000_to_499999")
        outlook = ask(story, keeps_known=True)
        assert [(ATTRIBUTES, {"procurement": True, "legal": True})] in steps(outlook)
        assert [(ATTRIBUTES, {"go_live_on": "2026-06-02"})] in steps(outlook)
        dated = next(plan for plan in outlook.plans if "go_live_on" in plan.steps[0].move.fields)
        story.is_known_as(START + 1, go_live_on="2026-06-02")
        assert dated.until is not None
        assert (story.tier(dated.until - 1), story.tier(dated.until)) == ("priority", "standard")
        assert not any(step.replaces for plan in outlook.plans for step in plan.steps)

    def test_what_is_known_may_be_otherwise_and_that_is_said(self) -> None:
        story = Story(shipped("five_step")).is_known_as(industry="education", title_level="director")
        story.did("demo_requested")
        assert story.points() == 25
        plans = ask(story).plans
        (step,) = next(plan.steps for plan in plans if "industry" in plan.steps[0].move.fields)
        assert (step.points, step.replaces) == (20_000, {"industry": "education"})

    def test_a_far_tier_has_a_plan_of_many_steps(self) -> None:
        outlook = ask(Story(shipped("five_step")), tier="hot")
        assert {len(plan.steps) for plan in outlook.plans} == {5}
        assert outlook.complete >= 2


class TestWhatIsReached:
    def test_ends_when_time_alone_ends_it(self) -> None:
        story = Story(shipped("five_step")).is_known_as(industry="pharma", title_level="director")
        story.did("demo_requested").did("page_viewed", kind="price", path="/p").did("chat_started")
        outlook = ask(story, tier="warm")
        assert (outlook.is_reached, outlook.plans, outlook.obstacles) == (True, (), ())
        assert outlook.until is not None
        assert (story.tier(outlook.until - 1), story.tier(outlook.until)) == ("warm", "cold")

    def test_may_be_reached_by_time_alone(self) -> None:
        story = Story(shipped("key_account"))
        story.is_known_as(size="500_plus", industry="pharma", target_account=True, budget=200_000)
        story.is_known_as(go_live_on="2026-09-01")
        assert story.points() == 65
        outlook = ask(story)
        assert outlook.by_itself is not None
        assert story.tier(outlook.by_itself) == "key_account"
        assert story.tier(outlook.by_itself - 1) == "priority"


class TestEachKindOfRule:
    def test_a_repeated_act_is_taken_as_often_as_it_needs(self) -> None:
        rule = "{rule: r, type: act, points: 4, acts: [page_viewed], counts: once_per_object, cap: 20}"
        assert steps(ask(Story(model(rule)))) == [[("page_viewed", {})] * 3]

    def test_a_gap_makes_a_plan_wait(self) -> None:
        rule = (
            "{rule: r, type: act, points: 5, acts: [chat_started], counts: every_time, cap: 20,"
            " gap_minutes: 60}"
        )
        story = Story(model(rule)).did("chat_started", START)
        (plan,) = ask(story, START + 10 * MINUTE).plans
        assert [step.fact.occurred for step in plan.steps] == [START + HOUR]
        nobody = ask(Story(model(rule))).plans[0]
        first, second = (step.fact.occurred for step in nobody.steps)
        assert second - first == HOUR

    def test_a_window_counts_what_has_been_done_in_it(self) -> None:
        rule = (
            "{rule: r, type: window, points: 10, acts: [email_opened], counting: objects, at_least: 3,"
            " within_hours: 168}"
        )
        story = (
            Story(model(rule))
            .did("email_opened", START, message="m1")
            .did("email_opened", START, message="m2")
        )
        assert steps(ask(story, day(1))) == [[("email_opened", {})]]
        assert steps(ask(story, day(8))) == [[("email_opened", {})] * 3]

    def test_a_range_that_was_exceeded_comes_back_when_acts_have_left_the_window(self) -> None:
        rule = (
            "{rule: r, type: window, points: 10, acts: [chat_started], counting: acts, exactly: 1,"
            " within_hours: 24}"
        )
        story = Story(model(rule)).did("chat_started", START).did("chat_started", START + HOUR)
        (plan,) = ask(story, START + 2 * HOUR).plans
        assert [step.fact.occurred for step in plan.steps] == [START + HOUR + DAY + 1]

    def test_points_taken_away_can_be_given_back(self) -> None:
        five_step = shipped("five_step")
        story = Story(five_step).is_known_as(student=True, title_level="director", industry="pharma")
        story.did("demo_requested")
        assert [(ATTRIBUTES, {"student": False})] in steps(ask(story))

    def test_whoever_a_model_leaves_out_has_first_to_be_of_its_audience(self) -> None:
        audience = (
            ", audience: {when: {field: student, operator: is, value: false}, label: {en: no students}}"
        )
        rule = "{rule: r, type: act, points: 10, acts: [chat_started]}"
        story = Story(model(rule, more=audience)).is_known_as(student=True)
        outlook = ask(story)
        assert (outlook.points, outlook.tier) == (None, None)
        assert sorted(name for name, _ in steps(outlook)[0]) == [ATTRIBUTES, "chat_started"]
        refused = ask(story, keeps_known=True)
        assert [obstacle.code for obstacle in refused.obstacles] == ["left_out"]

    def test_a_combination_is_reached_by_what_its_sources_count(self) -> None:
        small = (
            "{name: small, version: 1, groups: [{group: acts, of: behaviour, rules: [{rule: r, type: act,"
            " points: 20, acts: [chat_started]}]}], tiers: [{tier: a, at_least: 10}, {tier: b}]}"
        )
        both_of_it = (
            "{name: both, version: 1, combines: [{model: small@1, weight: 0.5}],"
            " tiers: [{tier: a, at_least: 10}, {tier: b}]}"
        )
        documents = [
            load_document(one, kind="scoring_model", shape=ScoringModelDocument).body
            for one in (small, both_of_it)
        ]
        both = next(one for one in compile_models(documents, vocabulary()) if one.sources)
        outlook = ask(Story(both))
        assert steps(outlook) == [[("chat_started", {})]]
        assert (outlook.plans[0].points, outlook.plans[0].steps[0].rules) == (10_000, ("small.r",))


class TestWhatNoPlanReaches:
    def test_is_said_with_the_cap_that_is_in_the_way(self) -> None:
        story = Story(
            model(
                "{rule: r, type: act, points: 4, acts: [chat_started], counts: every_time, cap: 8}"
                ", {rule: s, type: act, points: 4, acts: [demo_requested]}"
                ", {rule: t, type: act, points: -5, acts: [unsubscribed]}",
            )
        ).did("unsubscribed", message="m")
        outlook = ask(story)
        assert outlook.plans == ()
        told = [(one.code, one.name, one.has, one.needs) for one in outlook.obstacles]
        assert told == [
            ("not_enough", "", 7_000, 10_000),
            ("cap_reached", "r", 8_000, 8_000),
            ("taken_away", "t", -5_000, 0),
        ]

    def test_is_said_with_what_the_gate_wants(self) -> None:
        gate = (
            ", activation: {at_least: 1, acts_needed: 2, within_hours: 1, once_within_minutes: 120,"
            " high_value_acts: [{kind: demo, acts: [demo_requested]}], rearmed_by: []}"
        )
        rule = "{rule: r, type: act, points: 10, acts: [chat_started]}"
        outlook = ask(Story(model(rule, more=gate)), activation=True)
        assert outlook.plans == ()
        assert [(one.code, one.has, one.needs) for one in outlook.obstacles] == [("gate_unmet", 1, 2)]

    def test_nothing_an_invalid_or_forgotten_lead_does_counts(self) -> None:
        story = Story(shipped("mql"))
        story.fact(LEAD_VERDICT, {"number": 1, "invalid": True, "pardons": False}, START)
        assert [one.code for one in ask(story).obstacles] == ["invalid"]
        gone = forget(ScoredLead(), at=START)
        assert [one.code for one in ask(Story(shipped("mql")), kept=gone).obstacles] == ["erased"]

    def test_there_may_be_no_such_tier_and_no_gate(self) -> None:
        with pytest.raises(TierUnknown):
            ask(Story(shipped("mql")), tier="Z")
        with pytest.raises(NoGate):
            ask(Story(shipped("five_step")), activation=True)


def test_facts_after_the_instant_asked_for_do_not_count_and_merged_profiles_do() -> None:
    story = Story(shipped("mql")).did("demo_requested", day(5))
    assert ask(story, day(1)).points == 0
    assert ask(story, day(5)).points == 30_000
    elsewhere = Fact("x", "p9", START, START, "demo_requested", {})
    asked = Asked("mql", START)
    assert answer(ModelSet([shipped("mql")]), "p1", ScoredLead(), [elsewhere], asked).points == 0
