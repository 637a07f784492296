"""Grades of two axes: who they are times what they do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from services.scoring.api.schemas import score_out
from services.scoring.domain.facts import Fact
from services.scoring.domain.questions import score_at
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.domain.scoring_models.compiler import ModelFaults
from shared.kernel.instants import Instant
from tests.examples import tried
from tests.unit.scoring.histories import histories, instants
from tests.unit.scoring.stories import CONFIG, Story, day, model_from

SOURCE = (CONFIG / "models" / "five_step.yaml").read_text("utf-8").replace("name: five_step", "name: graded")
GRADES = """
grades:
  fit: [{letter: A, at_least: 25}, {letter: B, at_least: 10}, {letter: C}]
  behaviour: [{letter: "1", at_least: 20}, {letter: "2"}]
  matrix:
    A: {"1": Sell, "2": Warm up}
    B: {"1": Call, "2": Write}
    C: {"1": Ask, "2": Leave}
"""
GRADED = model_from(SOURCE + GRADES)


@pytest.fixture
def lead() -> Story:
    return Story(GRADED)


@pytest.mark.parametrize(
    ("known", "acts", "grade"),
    [
        ({"industry": "pharma", "title_level": "cxo"}, ["demo_requested"], ("A", "1", "Sell")),
        ({"industry": "pharma", "title_level": "cxo"}, [], ("A", "2", "Warm up")),
        ({"industry": "pharma"}, ["demo_requested"], ("B", "1", "Call")),
        ({"student": True}, ["demo_requested"], ("C", "1", "Ask")),
        ({"industry": "education"}, [], ("C", "2", "Leave")),
    ],
)
def test_each_axis_gives_its_letter_and_each_pair_a_grade(
    lead: Story, known: dict[str, object], acts: list[str], grade: tuple[str, str, str]
) -> None:
    lead.fact("attributes", known, day(0))
    for act in acts:
        lead.did(act)
    assert lead.score().grade == grade


def test_a_bound_belongs_to_the_upper_step(lead: Story) -> None:
    lead.is_known_as(title_level="cxo", size="500_plus")
    assert (lead.points(), lead.score().grade) == (25, ("A", "2", "Warm up"))


def test_behaviour_that_cools_loses_its_letter_and_fit_keeps_its_own(lead: Story) -> None:
    lead.is_known_as(industry="pharma").did("demo_requested")
    first, later = lead.score(day(7)).grade, lead.score(day(8)).grade
    assert (first, later) == (("B", "1", "Call"), ("B", "2", "Write"))


def test_of_whom_nothing_is_known_the_grade_is_the_lowest_pair() -> None:
    (score,) = score_at(ModelSet([GRADED]), [], as_of=day(0))
    assert score.grade == ("C", "2", "Leave")


def test_it_is_told_with_the_score(lead: Story) -> None:
    told = score_out(lead.is_known_as(industry="pharma").score()).model_dump()
    assert told["grade"] == {"fit": "B", "behaviour": "2", "grade": "Write"}


@settings(max_examples=tried(50), deadline=None)
@given(histories(), instants())
def test_the_letters_follow_from_both_parts_of_the_score(facts: list[Fact], at: Instant) -> None:
    (score,) = score_at(ModelSet([GRADED]), facts, as_of=at)
    fit = score.points - score.behaviour
    assert score.grade is not None
    assert score.grade.fit == ("A" if fit >= 25_000 else "B" if fit >= 10_000 else "C")
    assert score.grade.behaviour == ("1" if score.behaviour >= 20_000 else "2")


def test_all_faults_are_listed_at_once_with_their_paths() -> None:
    wrong = """
grades:
  fit: [{letter: A, at_least: 10}, {letter: B, at_least: 20}, {letter: B, at_least: 1}]
  behaviour: [{letter: "1"}, {letter: "2"}]
  matrix:
    A: {"1": a, "3": b}
    B: {"1": c, "2": d}
    X: {"1": e}
"""
    with pytest.raises(ModelFaults) as raised:
        model_from(SOURCE + wrong)
    assert sorted(fault.path for fault in raised.value.faults) == [
        "grades.behaviour[0]",
        "grades.fit[1]",
        "grades.fit[2]",
        "grades.fit[2].letter",
        "grades.matrix.A.2",
        "grades.matrix.A.3",
        "grades.matrix.X",
    ]
