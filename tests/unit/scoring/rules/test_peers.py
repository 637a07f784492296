"""What others' suites ask of windows and thresholds, and what their users complained of (S-3, S-4, S-6)."""

from __future__ import annotations

from itertools import permutations

import pytest

from services.scoring.domain.questions import explain_at
from services.scoring.domain.running_score import fold
from services.scoring.domain.scoring_models.compiled import ModelSet
from tests.unit.scoring.rules.documents import one_group, one_rule
from tests.unit.scoring.stories import START, Story, day, hour, model_from

FIVE_AND_SIX = """
name: five_and_six
version: 1
groups:
  - group: behaviour
    of: behaviour
    rules:
      - {rule: demo, type: act, points: 5, acts: [demo_requested]}
      - {rule: chat, type: act, points: 1, acts: [chat_started]}
      - {rule: page, type: act, points: 0.5, acts: [page_viewed]}
tiers:
  - {tier: six, at_least: 6}
  - {tier: five, at_least: 5}
  - {tier: none_yet}
"""


class TestThresholdsS3:
    def test_of_two_thresholds_at_5_and_6_a_score_of_5_passes_the_first_only(self) -> None:
        lead = Story(model_from(FIVE_AND_SIX)).did("demo_requested")
        assert [change.to_tier for change in lead.history(day(1))] == ["five"]

    def test_a_threshold_is_passed_the_first_time_and_not_at_every_change_after(self) -> None:
        """Others fired not at all at first, or at each change above (mautic #3235, #3351, #3854)."""
        lead = Story(model_from(FIVE_AND_SIX)).did("demo_requested").did("page_viewed", hour(1))
        lead.did("demo_requested", hour(2)).did("chat_started", hour(3)).did("chat_started", hour(4))
        assert [(change.to_tier, change.event) for change in lead.history(day(9))] == [
            ("five", "f000"),
            ("six", "f003"),
        ]

    def test_it_is_passed_again_by_the_next_lead_and_the_one_after(self) -> None:
        """Where triggers vanish once they have fired, only the first lead gets there (mautic #13817)."""
        for _ in range(3):
            lead = Story(model_from(FIVE_AND_SIX)).did("demo_requested")
            assert [change.to_tier for change in lead.history(day(1))] == ["five"]


class TestConcurrencyS4:
    RULE = "type: act, points: 1, acts: [form_submitted], counts: every_time, cap: 100"

    def test_n_submissions_at_once_are_n_points_and_n_lines_in_whatever_order_they_come(self) -> None:
        lead = Story(model_from(one_rule(self.RULE)))
        for _ in range(5):
            lead.did("form_submitted", START, form="f")
        for facts in permutations(lead.facts):
            ((score, lines),) = explain_at(lead.models, facts, as_of=START)
            assert (score.points, len(lines), sum(line.points for line in lines)) == (5_000, 5, 5_000)

    def test_one_that_comes_twice_counts_once(self) -> None:
        """Double counts under one id (UNOMI-539)."""
        lead = Story(model_from(one_rule(self.RULE))).did("form_submitted", form="f")
        assert fold(lead.models, [*lead.facts, *lead.facts]) == fold(lead.models, lead.facts)

    def test_the_log_sums_to_the_total_also_where_caps_cut(self) -> None:
        """A total of 127 beside a log of 47 (mautic #5188, #5369)."""
        lead = Story(model_from(one_rule(self.RULE.replace("cap: 100", "cap: 7"))))
        for number in range(30):
            lead.did("form_submitted", hour(number), form="f")
        assert lead.points() == 7
        assert sum(line.points for line in lead.explanation().lines) == 7_000


class TestWindowsS6:
    CHATS = "type: window, points: 5, acts: [chat_started], counting: acts, within_hours: 5"

    def test_less_than_two_holds_of_one_and_ends_with_the_second(self) -> None:
        lead = Story(model_from(one_rule(f"{self.CHATS}, exactly: 1")))
        assert lead.did("page_viewed", path="/").points() == 0
        assert lead.did("chat_started", hour(1)).points() == 5
        assert lead.did("chat_started", hour(2)).points() == 0

    def test_acts_of_others_do_not_count(self) -> None:
        one, other = (Story(model_from(one_rule(f"{self.CHATS}, at_least: 2"))) for _ in range(2))
        one.did("chat_started").did("chat_started", hour(1))
        assert (one.points(), other.did("chat_started", hour(1)).points()) == (5, 0)

    def test_once_the_window_has_passed_an_act_begins_a_new_one(self) -> None:
        lead = Story(model_from(one_rule(f"{self.CHATS}, exactly: 1")))
        lead.did("chat_started").did("chat_started", hour(1)).did("chat_started", hour(10))
        assert [line.granted for line in lead.explanation().lines] == [hour(10)]

    def test_a_late_event_completes_a_window_that_lies_behind(self) -> None:
        lead = Story(model_from(one_rule(f"{self.CHATS}, at_least: 2")))
        lead.did("chat_started").did("chat_started", hour(10)).did("chat_started", hour(4))
        assert [(line.event, line.granted) for line in lead.explanation(hour(10)).lines] == [
            ("f002", hour(4))
        ]

    def test_a_late_event_in_between_makes_one_too_many_of_what_was_right(self) -> None:
        lead = Story(model_from(one_rule(f"{self.CHATS}, exactly: 2")))
        lead.did("chat_started").did("chat_started", hour(2))
        assert lead.points(hour(2)) == 5
        assert lead.did("chat_started", hour(1)).points(hour(2)) == 0


@pytest.mark.parametrize("count", [51, 120])
def test_a_model_may_have_more_than_fifty_rules_and_all_of_them_count(count: int) -> None:
    """Recalculation that stopped at fifty rules (UNOMI-676)."""
    rules = "".join(
        f"\n      - {{rule: r{number}, type: act, points: 1, acts: [page_viewed],"
        f" when: {{field: path, operator: is, value: /{number}}}}}"
        for number in range(count)
    )
    lead = Story(model_from(one_group(rules)))
    for number in range(count):
        lead.did("page_viewed", hour(number), path=f"/{number}")
    assert lead.points() == count
    assert ModelSet([lead.model]).by_act["page_viewed"][0][1][-1][0] == count - 1
