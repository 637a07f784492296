"""A model with an audience scores some leads only; others have no score in it and are told whom it scores."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.api.schemas import model_out, score_out
from services.scoring.domain.effects import Told, changes_to_emit, next_wake
from services.scoring.domain.facts import Fact
from services.scoring.domain.questions import explain_at, explain_state, tier_history
from services.scoring.domain.running_score import fold
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.domain.scoring_models.compiler import ModelFaults
from shared.documents.faults import DocumentFaults
from shared.kernel.instants import DAY, Instant
from tests.examples import tried
from tests.unit.scoring.handlers.arriving import check_told_in_time, learn, shuffled
from tests.unit.scoring.histories import histories, instants
from tests.unit.scoring.stories import CONFIG, START, Story, day, model_from, shipped

SOURCE = (CONFIG / "models" / "five_step.yaml").read_text("utf-8")
AUDIENCE = """
audience:
  label: {en: Leads of pharma, zh: 医药行业线索}
  when: {field: industry, operator: is, value: pharma}
"""
PHARMA = model_from(SOURCE.replace("name: five_step", "name: pharma_only") + AUDIENCE)
BESIDE = ModelSet([shipped("five_step"), PHARMA])
"""Model five_step, and the same for pharma alone."""


@pytest.fixture
def lead() -> Story:
    return Story(PHARMA)


class TestWhomItScores:
    def test_has_the_score_that_everybody_would_have(self, lead: Story) -> None:
        lead.is_known_as(industry="pharma", title_level="cxo").did("demo_requested")
        score = lead.score()
        assert (score.points, score.tier, score.left_out) == (45_000, "warm", None)

    def test_includes_nobody_of_whom_it_is_not_known(self, lead: Story) -> None:
        lead.did("demo_requested")
        assert lead.score().left_out == {"en": "Leads of pharma", "zh": "医药行业线索"}


class TestWhomItLeavesOut:
    def test_has_no_points_and_no_lines_and_is_told_why(self, lead: Story) -> None:
        lead.is_known_as(industry="internet", title_level="cxo").did("demo_requested")
        score, lines = lead.explanation()
        assert (score.points, score.behaviour, lines) == (0, 0, ())
        told = score_out(score, lines)
        assert (told.points, told.tier, told.tier_since, told.lines) == (None, None, None, [])
        assert told.left_out == {"en": "Leads of pharma", "zh": "医药行业线索"}

    def test_has_done_what_it_did_when_it_comes_in(self, lead: Story) -> None:
        lead.did("demo_requested").is_known_as(title_level="cxo")
        lead.is_known_as(day(1), industry="pharma")
        assert [lead.score(day(1) - 1).points, lead.score(day(1)).points] == [0, 45_000]
        assert [(one.at, one.to_tier) for one in lead.history(day(1))] == [(day(1), "warm")]

    def test_leaves_its_tier_at_once_and_for_the_lowest(self, lead: Story) -> None:
        """No margin and no dwell: whoever is not scored is not stable either."""
        lead.is_known_as(industry="pharma", title_level="cxo").did("demo_requested")
        lead.is_known_as(START + 1, industry="internet")
        assert [(one.at, one.to_tier, one.points) for one in lead.history(day(1))] == [
            (START, "warm", 45_000),
            (START + 1, "cold", 0),
        ]

    def test_takes_no_clock(self, lead: Story) -> None:
        lead.is_known_as(industry="internet", title_level="cxo").did("demo_requested")
        assert next_wake(lead.models, lead.state(), after=day(1)) is None

    def test_is_told_to_be_in_it_no_more(self, lead: Story) -> None:
        lead.is_known_as(industry="pharma", title_level="cxo").did("demo_requested")
        _up, told = changes_to_emit(lead.models, lead.state(), Told(), now=START)
        lead.is_known_as(day(1), industry="internet")
        (change,), _told = changes_to_emit(lead.models, lead.state(), told, now=day(1))
        assert (change.direction, change.from_tier, change.to_tier) == ("down", "warm", "cold")
        assert (change.points, change.reasons) == (0, ())


def test_the_audience_is_no_rule_of_the_model() -> None:
    assert model_out(PHARMA).rules == model_out(shipped("five_step")).rules


class TestFaults:
    def test_of_its_condition_have_their_paths(self) -> None:
        with pytest.raises(ModelFaults) as raised:
            model_from(SOURCE + AUDIENCE.replace("field: industry", "field: industri"))
        assert [fault.path for fault in raised.value.faults] == ["audience.when.field"]

    def test_it_must_say_who_it_is(self) -> None:
        with pytest.raises(DocumentFaults, match="label"):
            model_from(SOURCE + AUDIENCE.replace("  label: {en: Leads of pharma, zh: 医药行业线索}\n", ""))


MANY = settings(max_examples=tried(50), deadline=None)
END = day(400)


def is_of_it(facts: list[Fact], at: Instant) -> bool:
    told = [f for f in facts if f.name == "attributes" and "industry" in f.fields and f.occurred <= at]
    newest = max(told, key=lambda f: (f.occurred, f.id), default=None)
    return newest is not None and newest.fields["industry"] == "pharma"


class TestAnyHistory:
    @MANY
    @given(histories(), instants())
    def test_gives_the_score_of_everybody_or_none(self, facts: list[Fact], at: Instant) -> None:
        everybody, pharma = explain_at(BESIDE, facts, as_of=at)
        assert (pharma.score.left_out is None) is is_of_it(facts, at)
        if is_of_it(facts, at):
            assert (pharma.score.points, pharma.lines) == (everybody.score.points, everybody.lines)
        else:
            assert (pharma.score.points, pharma.lines, pharma.score.tier) == (0, (), "cold")

    @MANY
    @given(histories(), st.integers(0, 2**32).map(Random), st.integers(0, 300 * DAY))
    def test_in_any_order_and_cut_gives_the_same(self, facts: list[Fact], random: Random, later: int) -> None:
        arriving = shuffled(facts, random)
        state = learn(BESIDE, arriving)
        assert state == fold(BESIDE, facts)
        assert tier_history(BESIDE, arriving, until=END) == tier_history(BESIDE, facts, until=END)
        at = max(fact.occurred for fact in facts) + later
        assert explain_state(BESIDE, state, as_of=at) == explain_at(BESIDE, facts, as_of=at)

    @MANY
    @given(histories(), st.integers(0, 2**32).map(Random))
    def test_is_told_in_time(self, facts: list[Fact], random: Random) -> None:
        check_told_in_time(BESIDE, facts, random, until=END)
