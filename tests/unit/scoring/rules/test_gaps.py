"""The least time between two acts that count."""

from __future__ import annotations

import pytest

from shared.kernel.instants import MINUTE
from tests.unit.scoring.rules.documents import one_rule
from tests.unit.scoring.stories import START, Story, day, faults_of, hour, model_from

ONCE_A_DAY = "type: act, points: 2, acts: [chat_started], counts: every_time, cap: 100, gap_minutes: 1440"
EACH_MAIL_ONCE_A_DAY = (
    "type: act, points: 2, acts: [email_opened], counts: every_time, cap: 100, gap_minutes: 1440,"
    " gap_per: object"
)


class TestAGapPerRule:
    def test_once_a_day_is_a_rolling_day_of_24_hours(self) -> None:
        lead = Story(model_from(one_rule(ONCE_A_DAY)))
        points = [lead.did("chat_started", hour(at)).points() for at in (0, 1, 23, 24, 25, 48)]
        assert points == [2, 2, 2, 4, 4, 6]

    def test_an_act_that_did_not_count_does_not_put_off_the_next(self) -> None:
        """At 0 it counts, at 23 h not, and 24 h after the first again, though only one after the second."""
        lead = Story(model_from(one_rule(ONCE_A_DAY)))
        for at in (0, 23, 24):
            lead.did("chat_started", hour(at))
        assert [line.event for line in lead.explanation().lines] == ["f000", "f002"]

    def test_a_microsecond_less_is_too_soon(self) -> None:
        lead = Story(model_from(one_rule(ONCE_A_DAY))).did("chat_started")
        assert lead.did("chat_started", day(1) - 1).points() == 2
        assert lead.did("chat_started", day(1)).points() == 4

    def test_a_once_rule_is_renewed_only_after_the_gap(self) -> None:
        rule = "type: act, points: 8, acts: [demo_requested], gap_minutes: 60"
        lead = Story(model_from(one_rule(rule, group="cooling: {full_hours: 0, half_life_days: 1}")))
        lead.did("demo_requested").did("demo_requested", START + 59 * MINUTE)
        assert [line.granted for line in lead.explanation().lines] == [START]
        lead.did("demo_requested", START + 60 * MINUTE)
        assert [line.granted for line in lead.explanation().lines] == [START + 60 * MINUTE]

    def test_a_gap_longer_than_the_points_live_is_not_forgotten(self) -> None:
        rule = "type: act, points: 1, acts: [chat_started], counts: every_time, gap_minutes: 144000"
        law = "cooling: {law: linear_steps, full_hours: 0, every_days: 1, percent: 100}"
        lead = Story(model_from(one_rule(rule, group=law)))
        points = [lead.did("chat_started", day(at)).points() for at in (0, 50, 99, 100)]
        assert points == [1, 0, 0, 1]

    def test_a_late_act_between_two_that_counted_is_counted_as_if_it_had_come_in_time(self) -> None:
        lead = Story(model_from(one_rule(ONCE_A_DAY)))
        lead.did("chat_started", hour(12)).did("chat_started", hour(36)).did("chat_started", hour(0))
        assert sorted(line.event for line in lead.explanation(hour(36)).lines) == ["f001", "f002"]


class TestAGapPerObject:
    def test_one_mail_holds_no_other_up(self) -> None:
        lead = Story(model_from(one_rule(EACH_MAIL_ONCE_A_DAY)))
        for at, message in ((0, "a"), (1, "b"), (2, "a"), (24, "a"), (24, "b")):
            lead.did("email_opened", hour(at), message=message)
        assert [(line.object, line.granted) for line in lead.explanation().lines] == [
            ("a", hour(0)),
            ("b", hour(1)),
            ("a", hour(24)),
        ]

    def test_a_full_cap_forgets_no_gap(self) -> None:
        rule = EACH_MAIL_ONCE_A_DAY.replace("cap: 100", "cap: 2")
        lead = Story(model_from(one_rule(rule)))
        for at, message in ((0, "a"), (1, "b"), (2, "c"), (3, "a")):
            lead.did("email_opened", hour(at), message=message)
        assert [line.object for line in lead.explanation().lines] == ["c"]


class TestAGapInAWindow:
    RULE = (
        "type: window, points: 45, acts: [proposal_opened], at_least: 3, counting: acts, within_hours: 168,"
        " gap_minutes: 30"
    )

    def test_a_page_loaded_thrice_in_a_minute_was_opened_once(self) -> None:
        lead = Story(model_from(one_rule(self.RULE)))
        for minutes in (0, 1, 2, 30, 31, 60):
            before = lead.points() if lead.facts else 0
            assert before == 0
            lead.did("proposal_opened", START + minutes * MINUTE, proposal="p")
        assert lead.points() == 45


CHATS = "type: act, points: 1, acts: [chat_started]"
MAILS = "type: act, points: 1, acts: [email_opened]"
SEVERAL = "type: window, points: 1, acts: [email_opened]"


class TestFaults:
    @pytest.mark.parametrize(
        ("rule", "path", "text"),
        [
            (f"{CHATS}, gap_minutes: 0", "gap_minutes", ">= 1"),
            (f"{CHATS}, gap_minutes: 1.5", "gap_minutes", "int"),
            (
                f"{MAILS}, counts: once_per_object, cap: 2, gap_per: object",
                "gap_minutes",
                "is missing",
            ),
            (
                f"{MAILS}, gap_minutes: 1, gap_per: object",
                "gap_per",
                "allowed here: rule",
            ),
            (
                f"{CHATS}, counts: every_time, cap: 2, gap_minutes: 1, gap_per: object",
                "gap_per",
                "chat_started, done to nothing,",
            ),
            (
                f"{SEVERAL}, at_least: 2, counting: objects, within_hours: 1, gap_minutes: 1",
                "gap_minutes",
                "beside objects",
            ),
        ],
    )
    def test_tell_where_and_what_is_allowed(self, rule: str, path: str, text: str) -> None:
        faults = faults_of(one_rule(rule))
        assert list(faults) == [f"groups[0].rules[0].{path}"]
        assert text in faults[f"groups[0].rules[0].{path}"]
