"""How often within a window: at least, between, exactly."""

from __future__ import annotations

import pytest

from tests.unit.scoring.rules.documents import one_group, one_rule
from tests.unit.scoring.stories import Story, day, faults_of, hour, model_from

CHATS = "type: window, points: 5, acts: [chat_started], counting: acts, within_hours: 168"


def points_after_each(rule: str, *hours: float) -> list[float]:
    lead = Story(model_from(one_rule(rule)))
    return [lead.did("chat_started", hour(at)).points() for at in hours]


class TestRanges:
    def test_at_least_two_holds_from_the_second_on(self) -> None:
        assert points_after_each(f"{CHATS}, at_least: 2", 0, 1, 2, 3) == [0, 5, 5, 5]

    def test_between_two_and_three_ends_with_the_fourth(self) -> None:
        assert points_after_each(f"{CHATS}, at_least: 2, at_most: 3", 0, 1, 2, 3, 4) == [0, 5, 5, 0, 0]

    def test_exactly_two_ends_with_the_third(self) -> None:
        assert points_after_each(f"{CHATS}, exactly: 2", 0, 1, 2, 3) == [0, 5, 0, 0]

    def test_exactly_one_is_a_single_act(self) -> None:
        assert points_after_each(f"{CHATS}, exactly: 1", 0, 1) == [5, 0]

    def test_less_than_three_is_between_one_and_two(self) -> None:
        assert points_after_each(f"{CHATS}, at_least: 1, at_most: 2", 0, 1, 2) == [5, 5, 0]

    def test_acts_that_have_left_the_window_are_counted_no_more(self) -> None:
        """Three within a week are too many; a month later two are right again."""
        assert points_after_each(f"{CHATS}, exactly: 2", 0, 1, 2, 720, 721) == [0, 5, 0, 0, 5]

    def test_both_ends_of_the_window_belong_to_it(self) -> None:
        assert points_after_each(f"{CHATS}, exactly: 2", 0, 168) == [0, 5]
        lead = Story(model_from(one_rule(f"{CHATS}, exactly: 2"))).did("chat_started")
        assert lead.did("chat_started", hour(168) + 1).points() == 0

    def test_what_was_granted_stays_when_the_window_has_passed(self) -> None:
        lead = Story(model_from(one_rule(f"{CHATS}, exactly: 2")))
        for at in (0, 1, 30):
            lead.did("chat_started", day(at))
        assert [line.granted for line in lead.explanation().lines] == [day(1)]

    def test_objects_are_counted_once_each(self) -> None:
        rule = (
            "type: window, points: 5, acts: [email_opened], counting: objects, within_hours: 168, exactly: 2"
        )
        lead = Story(model_from(one_rule(rule)))
        points: list[float] = []
        for message in ("a", "a", "b", "a", "c"):
            points.append(lead.did("email_opened", hour(len(points)), message=message).points())
        assert points == [0, 0, 5, 5, 0]

    def test_one_visit_and_three_visits_both_count_s5(self) -> None:
        """One visit is worth 1 and three are worth 5: together 6 (mautic #5213)."""
        several = "acts: [page_viewed], counting: acts, within_hours: 24, at_least: 3"
        rules = f"""
      - {{rule: one, type: act, points: 1, acts: [page_viewed]}}
      - {{rule: three, type: window, points: 5, {several}}}
"""
        lead = Story(model_from(one_group(rules)))
        assert [lead.did("page_viewed", hour(n), path="/").points() for n in range(4)] == [1, 1, 6, 6]

    def test_ranges_that_abut_are_a_table_of_values(self) -> None:
        """A few visits are worth 5, several 10, many 20; within the window one of the three holds."""
        rules = "".join(
            f"\n      - {{rule: {name}, type: window, points: {points}, acts: [page_viewed], counting: acts,"
            f" within_hours: 168, {times}}}"
            for name, points, times in (
                ("few", 5, "at_least: 1, at_most: 2"),
                ("several", 10, "at_least: 3, at_most: 4"),
                ("many", 20, "at_least: 5"),
            )
        )
        lead = Story(model_from(one_group(rules)))
        points = [lead.did("page_viewed", hour(n), path="/").points() for n in range(6)]
        assert points == [5, 5, 10, 10, 20, 20]


class TestFaults:
    @pytest.mark.parametrize(
        ("times", "path", "text"),
        [
            ("label: {}", "at_least", "allowed: at_least, at_least with at_most, exactly"),
            ("at_most: 3", "at_least", "is missing"),
            ("at_least: 1", "at_least", "2 or more"),
            ("at_least: 3, at_most: 2", "at_most", "3 or more"),
            ("exactly: 0", "exactly", ">= 1"),
            ("exactly: 2, at_most: 3", "at_most", "beside exactly"),
            ("exactly: 101", "exactly", "<= 100"),
        ],
    )
    def test_tell_where_and_what_is_allowed(self, times: str, path: str, text: str) -> None:
        faults = faults_of(one_rule(f"{CHATS}, {times}"))
        assert list(faults) == [f"groups[0].rules[0].{path}"]
        assert text in faults[f"groups[0].rules[0].{path}"]

    def test_a_window_of_zero_is_refused(self) -> None:
        rule = CHATS.replace("within_hours: 168", "within_hours: 0, at_least: 2")
        assert ">= 1" in faults_of(one_rule(rule))["groups[0].rules[0].within_hours"]
