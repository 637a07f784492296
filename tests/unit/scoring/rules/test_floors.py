"""A floor bounds what a group takes away, a cap what it brings, at every instant."""

from __future__ import annotations

import pytest

from tests.unit.scoring.rules.documents import one_group
from tests.unit.scoring.stories import START, Story, day, faults_of, hour, model_from

ANNOYED = """
      - {rule: unsubscribed, type: act, points: -20, acts: [unsubscribed]}
      - {rule: chat, type: act, points: -7, acts: [chat_started], counts: every_time, cap: 14}
      - {rule: demo, type: act, points: 10, acts: [demo_requested]}
"""
COOLING = "cooling: {full_hours: 0, half_life_days: 1}"


class TestAFloor:
    def test_bounds_what_the_group_takes_away_c2(self) -> None:
        lead = Story(model_from(one_group(ANNOYED, group="floor: -25")))
        assert lead.did("unsubscribed").points() == -20
        assert lead.did("chat_started", hour(1)).points() == -25
        assert lead.did("chat_started", hour(2)).points() == -25
        assert lead.did("demo_requested", hour(3)).points() == -24

    def test_what_goes_below_it_is_taken_from_the_oldest(self) -> None:
        lead = Story(model_from(one_group(ANNOYED, group="floor: -25")))
        lead.did("unsubscribed").did("chat_started", hour(1)).did("chat_started", hour(2))
        assert {line.event: line.points for line in lead.explanation().lines} == {
            "f000": -11_000,
            "f001": -7_000,
            "f002": -7_000,
        }

    def test_a_line_of_which_nothing_is_left_is_no_line(self) -> None:
        lead = Story(model_from(one_group(ANNOYED, group="floor: -14")))
        lead.did("unsubscribed").did("chat_started", hour(1)).did("chat_started", hour(2))
        assert [line.event for line in lead.explanation().lines] == ["f001", "f002"]

    def test_holds_while_points_taken_away_cool(self) -> None:
        """-20 that halve every day under a floor of -10: at the floor for a day, then above it."""
        lead = Story(model_from(one_group(ANNOYED, group=f"floor: -10\n    {COOLING}"))).did("unsubscribed")
        assert [lead.points(at) for at in (START, day(0.5), day(1), day(2), day(3))] == [
            -10,
            -10,
            -10,
            -5,
            -2.5,
        ]

    def test_stands_beside_a_cap(self) -> None:
        lead = Story(model_from(one_group(ANNOYED, group="floor: -12\n    cap: 8")))
        assert lead.did("demo_requested").points() == 8
        assert lead.did("chat_started", hour(1)).points() == 3
        assert lead.did("unsubscribed", hour(2)).points() == -12

    def test_what_a_cap_takes_from_points_brought_is_not_given_to_points_taken_away(self) -> None:
        lead = Story(model_from(one_group(ANNOYED, group="cap: 1"))).did("demo_requested")
        lead.did("chat_started", hour(1))
        assert {line.event: line.points for line in lead.explanation().lines} == {
            "f000": 8_000,
            "f001": -7_000,
        }

    @pytest.mark.parametrize("floor", ["0", "5", "-0.0001"])
    def test_is_below_zero_with_three_decimals_at_most(self, floor: str) -> None:
        faults = faults_of(one_group(ANNOYED, group=f"floor: {floor}"))
        assert list(faults) == ["groups[0].floor"]
        assert "a floor is below zero" in faults["groups[0].floor"]


RECOVERING = """
name: recovering
version: 1
groups:
  - group: fit
    of: fit
    rules: [{rule: known, type: attribute, points: 40, when: {field: industry, operator: known}}]
  - group: annoyance
    of: behaviour
    cooling: {law: linear_steps, full_hours: 24, every_days: 10, percent: 50}
    floor: -16
    rules:
      - {rule: unsubscribed, type: act, points: -20, acts: [unsubscribed]}
tiers:
  - {tier: warm, at_least: 30}
  - {tier: cold}
leaving: {margin: 5, after_hours: 24}
"""


class TestPointsTakenAwayThatCool:
    def test_bring_the_tier_back_at_the_microsecond_of_their_step(self) -> None:
        """40 less 16, the floor, is below 25; when half of the 20 is gone, 30 are there again."""
        lead = Story(model_from(RECOVERING)).is_known_as(industry="pharma").did("unsubscribed", day(2))
        assert lead.points() == 24
        assert [(change.to_tier, change.at, change.points) for change in lead.history(day(100))] == [
            ("warm", START, 40_000),
            ("cold", day(2), 24_000),
            ("warm", day(13), 30_000),
        ]
