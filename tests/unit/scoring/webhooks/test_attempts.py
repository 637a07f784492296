"""How often is tried, when a webhook rests, when it is given up: the numbers that ship, and what follows."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.webhooks.attempts import Attempt, Course, code_of_status, course_after
from services.scoring.domain.webhooks.document import find_faults
from services.scoring.domain.webhooks.webhook import Health
from shared.kernel.instants import DAY, HOUR, MINUTE, SECOND
from tests.unit.scoring.webhooks.examples import RULES

FAILED = Attempt(0, 500, "webhook.failed")


def after(attempt: Attempt, tries: int, draw: float = 0) -> Course:
    """How a delivery goes on after its attempt of this number, at its time."""
    return course_after(attempt, before=Course("waiting", 0, tries - 1), rules=RULES, draw=draw)


DRAWS = st.floats(0, 1, exclude_max=True)


def test_the_schedule_that_ships_is_the_one_that_the_standard_recommends() -> None:
    waits = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, *(hours * HOUR for hours in (2, 5, 10, 14, 20, 24))]
    for tries, wait in enumerate(waits, 1):
        assert after(FAILED, tries) == Course("waiting", wait, tries)
    assert after(FAILED, 10).state == "dead"
    assert sum(waits) > 3 * DAY


@given(st.integers(1, 9), DRAWS)
def test_a_wait_is_lengthened_by_a_lot_and_by_a_fifth_at_the_most(tries: int, draw: float) -> None:
    wait = RULES.wait_seconds[tries - 1] * SECOND
    at = after(FAILED, tries, draw).next_attempt
    assert wait <= at <= wait * 1.2
    if draw > 0.01:
        assert at > wait


def test_what_the_receiver_asks_for_is_waited_at_the_least() -> None:
    asked = Attempt(0, 429, "webhook.slowed", 90.0)
    assert after(asked, 1).next_attempt == 90 * SECOND
    assert after(asked, 2).next_attempt == 5 * MINUTE


def test_a_receiver_that_is_gone_leaves_its_delivery_waiting() -> None:
    gone = Attempt(7, 410, "webhook.gone")
    assert after(gone, 10) == Course("waiting", 0, 9)
    assert gone.is_gone


def test_an_attempt_before_its_time_that_fails_counts_for_nothing() -> None:
    before = Course("waiting", HOUR, 7)
    assert course_after(FAILED, before=before, rules=RULES, draw=0) == before
    taken = course_after(Attempt(1, 200, ""), before=before, rules=RULES, draw=0)
    assert taken == Course("delivered", 1, 8)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (200, ""),
        (204, ""),
        (299, ""),
        (302, "webhook.redirected"),
        (308, "webhook.redirected"),
        (400, "webhook.refused"),
        (404, "webhook.refused"),
        (410, "webhook.gone"),
        (429, "webhook.slowed"),
        (500, "webhook.failed"),
        (503, "webhook.failed"),
        (199, "webhook.failed"),
    ],
)
def test_only_2xx_is_delivered(status: int, code: str) -> None:
    assert code_of_status(status) == code
    assert Attempt(0, status, code_of_status(status)).is_delivered == (not code)


def test_a_webhook_rests_after_five_failures_in_a_row_for_a_minute_up_to_ten() -> None:
    health, rests = Health(), []
    for number in range(1, 12):
        now = number * HOUR
        health = health.after_failure(RULES, now=now, draw=0)
        rests.append(max(0, health.paused_until - now) // MINUTE)
        assert health.is_doubtful(RULES) == (number >= 5)
        assert health.is_resting(now) == (number >= 5)
    assert rests == [0, 0, 0, 0, 1, 2, 4, 8, 10, 10, 10]


def test_a_webhook_rests_for_as_long_as_it_asks_to() -> None:
    health = Health().after_failure(RULES, now=0, draw=0, asked=30.0)
    assert health.is_resting(30 * SECOND - 1)
    assert not health.is_resting(30 * SECOND)


def test_a_webhook_is_given_up_after_five_days_of_nothing_but_failures() -> None:
    health = Health()
    for hour in range(5 * 24):
        assert not health.is_hopeless(RULES, hour * HOUR)
        health = health.after_failure(RULES, now=hour * HOUR, draw=0)
    assert health.is_hopeless(RULES, 5 * DAY)


@given(st.lists(st.tuples(st.integers(0, HOUR), DRAWS, st.none() | st.floats(0, 86_400)), max_size=30))
def test_a_rest_only_grows_while_failures_go_on(failures: list[tuple[int, float, float | None]]) -> None:
    health, now = Health(), 0
    for step, draw, asked in failures:
        now += step
        after = health.after_failure(RULES, now=now, draw=draw, asked=asked)
        assert after.paused_until >= health.paused_until
        assert after.failures == health.failures + 1
        assert after.failing_since is not None
        assert after.failing_since <= now
        health = after


def test_what_ships_fits_together_and_what_does_not_is_told_with_its_path() -> None:
    assert list(find_faults(RULES)) == []
    wrong = msgspec.structs.replace(
        RULES,
        wait_seconds=(300, 5, 5 * 86_400),
        attempt=msgspec.structs.replace(RULES.attempt, connect_seconds=10, whole_seconds=9),
        pause=msgspec.structs.replace(RULES.pause, first_seconds=601),
    )
    assert [path for path, _ in find_faults(wrong)] == [
        "wait_seconds",
        "attempt.connect_seconds",
        "pause.first_seconds",
        "disable_after_days",
    ]


def test_the_other_numbers_that_ship() -> None:
    assert (RULES.attempt.whole_seconds, RULES.attempt.answer_bytes) == (15, 16_384)
    assert (RULES.at_once, RULES.waiting_at_most, RULES.secret_overlap_hours) == (8, 10_000, 24)
    assert (RULES.keep.delivered_days, RULES.keep.dead_days) == (7, 30)
