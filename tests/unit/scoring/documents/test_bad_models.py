"""Bad input of models: refused when saved, each fault with its path and with what is allowed."""

from __future__ import annotations

import pytest

from tests.unit.scoring.stories import faults_of, model_from


def document(
    *,
    rules: str = "- {rule: a, type: attribute, points: 50, when: {field: industry, operator: known}}",
    acts: str = "- {rule: b, type: act, points: 30, acts: [demo_requested]}",
    tiers: str = "[{tier: A, at_least: 60}, {tier: B, at_least: 30}, {tier: C}]",
    more: str = "",
) -> str:
    return f"""
name: bad
version: 1
groups:
  - group: fit
    of: fit
    rules:
      {rules}
  - group: interest
    of: behaviour
    rules:
      {acts}
tiers: {tiers}
{more}
"""


def when(condition: str) -> str:
    return f"- {{rule: a, type: attribute, points: 50, when: {condition}}}"


VP = "{field: title_level, operator: is, value: vp}"
FROM_500 = "{field: employees, operator: at_least, value: 500}"
OURS = "{field: industry, operator: in, value: {list: target_industries@1}}"
KEY = "{field: industry, operator: in, value: {list: key_industries@1}}"


def test_a_model_without_faults_has_none() -> None:
    assert model_from(document(more="leaving: {margin: 30, after_hours: 24}")).name == "bad"


class TestARuleThatCanNeverMatch:
    @pytest.mark.parametrize(
        ("parts", "blamed"),
        [
            (f"{VP}, {{field: title_level, operator: is, value: cxo}}", "title_level"),
            (f"{FROM_500}, {{field: industry, operator: known}}, {{not: {FROM_500}}}", "employees"),
            (f"{{field: industry, operator: unknown}}, {OURS}", "industry"),
            (f"{OURS}, {{not: {KEY}}}", "industry"),
            ("{field: title_level, operator: less_than, value: manager}", "title_level"),
            ("{not: {field: scope, operator: in, value: [department, several, group]}}", "scope"),
        ],
    )
    def test_is_told_by_the_field_of_which_nothing_fits(self, parts: str, blamed: str) -> None:
        faults = faults_of(document(rules=when(f"{{all: [{parts}]}}")))
        assert list(faults) == ["groups[0].rules[0].when"]
        assert f"can never hold, as no {blamed} is all that" in faults["groups[0].rules[0].when"]

    def test_a_way_that_remains_is_enough(self) -> None:
        never = "{field: title_level, operator: less_than, value: manager}"
        other = "{field: student, operator: is, value: true}"
        assert faults_of(document(rules=when(f"{{any: [{never}, {other}]}}"))) == {}

    def test_over_acts_is_told_too(self) -> None:
        condition = "{all: [{field: kind, operator: is, value: a}, {field: kind, operator: is, value: b}]}"
        acts = f"- {{rule: b, type: act, points: 30, acts: [page_viewed], when: {condition}}}"
        assert list(faults_of(document(acts=acts))) == ["groups[1].rules[0].when"]

    def test_for_an_empty_list_is_told(self) -> None:
        faults = faults_of(document(rules=when("{field: industry, operator: in, value: []}")))
        assert "at least one value" in faults["groups[0].rules[0].when.value"]

    def test_for_a_value_outside_the_choices_is_told_with_the_choices(self) -> None:
        condition = "{field: title_level, operator: in, value: [vp, boss]}"
        faults = faults_of(document(rules=when(condition)))
        assert "allowed: cxo, director, manager, vp" in faults["groups[0].rules[0].when.value[1]"]

    def test_for_a_gap_that_leaves_no_room_in_the_window_is_told(self) -> None:
        acts = (
            "- {rule: b, type: window, points: 30, acts: [chat_started], counting: acts, at_least: 3,"
            " within_hours: 1, gap_minutes: 31}"
        )
        fault = faults_of(document(acts=acts))["groups[1].rules[0].gap_minutes"]
        assert fault == "leaves room for 2 in the window, and 3 are asked for"

    def test_a_gap_that_just_leaves_room_is_none(self) -> None:
        acts = (
            "- {rule: b, type: window, points: 30, acts: [chat_started], counting: acts, at_least: 3,"
            " within_hours: 1, gap_minutes: 30}"
        )
        assert faults_of(document(acts=acts)) == {}


class TestATierThatCouldNeverBeReached:
    def test_is_told_with_what_all_rules_bring(self) -> None:
        faults = faults_of(document(tiers="[{tier: A, at_least: 81}, {tier: B, at_least: 80}, {tier: C}]"))
        assert faults == {"tiers[0]": "needs 81 points, and all rules together bring 80 at most"}

    def test_a_bound_to_be_exceeded_is_out_of_reach_at_the_sum_itself(self) -> None:
        faults = faults_of(document(tiers="[{tier: A, more_than: 80}, {tier: C}]"))
        assert faults == {"tiers[0]": "needs 80.001 points, and all rules together bring 80 at most"}

    def test_caps_of_groups_count(self) -> None:
        text = document().replace("of: behaviour", "of: behaviour\n    cap: 9")
        assert faults_of(text) == {"tiers[0]": "needs 60 points, and all rules together bring 59 at most"}

    def test_caps_of_rules_count_and_what_counts_often_counts_often(self) -> None:
        acts = "- {rule: b, type: act, points: 3, acts: [email_opened], counts: once_per_object, cap: 9}"
        assert list(faults_of(document(acts=acts))) == ["tiers[0]"]
        assert faults_of(document(acts=acts.replace("cap: 9", "cap: 10"))) == {}

    def test_points_taken_away_bring_nothing(self) -> None:
        acts = "- {rule: b, type: act, points: -30, acts: [unsubscribed]}"
        assert list(faults_of(document(acts=acts))) == ["tiers[0]"]

    def test_nor_could_a_gate_above_them_be_passed(self) -> None:
        gate = """
activation:
  at_least: 81
  acts_needed: 1
  within_hours: 168
  once_within_minutes: 30
  high_value_acts: [{kind: demo, acts: [demo_requested]}]
  rearmed_by: [opportunity_lost]
"""
        assert list(faults_of(document(more=gate))) == ["activation.at_least"]


class TestTiers:
    def test_that_overlap_are_told(self) -> None:
        faults = faults_of(document(tiers="[{tier: A, at_least: 30}, {tier: B, at_least: 60}, {tier: C}]"))
        assert faults == {
            "tiers[1]": "overlaps A; tiers stand highest first, each bound below the one before"
        }

    def test_that_would_be_empty_are_told(self) -> None:
        tiers = "[{tier: A, at_least: 30}, {tier: B, at_least: 30}, {tier: C}]"
        assert list(faults_of(document(tiers=tiers))) == ["tiers[1]"]

    def test_cannot_leave_holes_for_none_has_an_upper_bound_of_its_own(self) -> None:
        faults = faults_of(document(tiers="[{tier: A, at_least: 60}, {tier: B, at_most: 50}, {tier: C}]"))
        assert "allowed: at_least, label, more_than, tier" in faults["tiers[1].at_most"]
        faults = faults_of(document(tiers="[{tier: A, at_least: 60}, {tier: B}, {tier: C}]"))
        assert "needs one bound" in faults["tiers[1]"]

    def test_have_one_bound_each_and_the_lowest_none(self) -> None:
        tiers = "[{tier: A, at_least: 60, more_than: 50}, {tier: C, at_least: 0}]"
        faults = faults_of(document(tiers=tiers))
        assert "needs one bound" in faults["tiers[0]"]
        assert "open downwards" in faults["tiers[1]"]

    def test_narrower_than_the_margin_for_leaving_are_told(self) -> None:
        faults = faults_of(document(more="leaving: {margin: 30.001, after_hours: 24}"))
        assert faults == {"leaving.margin": "is wider than tier B, 30 points wide; allowed: 30 or less"}

    @pytest.mark.parametrize(
        ("leaving", "path"),
        [
            ("{margin: 0, after_hours: 24}", "leaving.margin"),
            ("{margin: 5, after_hours: -1}", "leaving.after_hours"),
            ("{margin: 5}", "leaving.after_hours"),
            ("{margin: five, after_hours: 24}", "leaving.margin"),
        ],
    )
    def test_are_left_by_a_margin_above_zero_and_after_hours(self, leaving: str, path: str) -> None:
        assert list(faults_of(document(more=f"leaving: {leaving}"))) == [path]
