"""A model's document is checked whole: every fault, each with its path and what is allowed."""

from __future__ import annotations

import pytest

from services.scoring.domain.scoring_models.compiled import ModelSet
from tests.unit.scoring.stories import faults_of, model_from, shipped

GOOD = """
name: good
version: 1
groups:
  - group: fit
    of: fit
    rules:
      - {rule: a, type: attribute, points: 1, when: {field: industry, operator: known}}
tiers: [{tier: all}]
"""

WRONG = """
name: wrong
version: 1
groups:
  - group: fit
    of: fit
    cooling: {full_hours: 1, half_life_days: 1}
    rules:
      - {rule: a, type: attribute, points: 0, when: {field: industri, operator: known}}
      - {rule: a, type: act, points: 1.0001, acts: [demo_request]}
      - {rule: b, type: attribute, points: 1, when: {field: title_level, operator: is, value: boss}}
      - {rule: c, type: attribute, points: 1, when: {field: industry, operator: in, value: {list: nope@1}}}
  - group: fit
    of: behaviour
    cap: -1
    rules:
      - {rule: d, type: act, points: 1, acts: [demo_requested], counts: once_per_object}
      - {rule: e, type: act, points: 1, acts: [email_opened], counts: once_per_object}
      - {rule: f, type: act, points: 1, acts: [email_opened], when: {field: kind, operator: is, value: x}}
tiers:
  - {tier: hot, at_least: 30}
  - {tier: warm, at_least: 40}
  - {tier: hot, at_least: 1}
"""


class TestFaults:
    def test_all_are_listed_at_once_with_their_paths(self) -> None:
        assert set(faults_of(WRONG)) == {
            "groups[0].cooling",
            "groups[0].rules[0].points",
            "groups[0].rules[0].when.field",
            "groups[0].rules[1].rule",
            "groups[0].rules[1].type",
            "groups[0].rules[1].points",
            "groups[0].rules[1].acts[0]",
            "groups[0].rules[2].when.value",
            "groups[0].rules[3].when.value",
            "groups[1].group",
            "groups[1].cap",
            "groups[1].rules[0].counts",
            "groups[1].rules[0].cap",
            "groups[1].rules[1].cap",
            "groups[1].rules[2].when.field",
            "tiers[1]",
            "tiers[2]",
            "tiers[2].tier",
        }

    def test_tell_what_is_allowed_and_guess_what_was_meant(self) -> None:
        faults = faults_of(WRONG)
        assert "did you mean industry?" in faults["groups[0].rules[0].when.field"]
        assert "did you mean demo_requested?" in faults["groups[0].rules[1].acts[0]"]
        assert "allowed: cxo, director, manager, vp" in faults["groups[0].rules[2].when.value"]
        assert "target_industries@1" in faults["groups[0].rules[3].when.value"]

    def test_of_shape_are_listed_at_once_too(self) -> None:
        text = GOOD.replace("version: 1", "version: one").replace("type: attribute", "type: atribute")
        assert set(faults_of(text)) == {"version", "groups[0].rules[0].type"}

    def test_a_model_without_faults_has_none(self) -> None:
        assert model_from(GOOD).name == "good"

    def test_a_set_holds_one_version_of_each_model(self) -> None:
        with pytest.raises(ValueError, match="one version"):
            ModelSet([shipped("mql"), shipped("mql")])


class TestTheShippedModels:
    @pytest.mark.parametrize(
        ("name", "rules", "tiers"),
        [("five_step", 10, ["cold", "warm", "hot"]), ("mql", 10, ["D", "C", "B", "A"])],
    )
    def test_are_complete(self, name: str, rules: int, tiers: list[str]) -> None:
        model = shipped(name)
        assert (len(model.rules), [tier.name for tier in model.tiers]) == (rules, tiers)

    @pytest.mark.parametrize("name", ["five_step", "mql"])
    def test_never_rise_by_the_passing_of_time(self, name: str) -> None:
        assert shipped(name).steady
