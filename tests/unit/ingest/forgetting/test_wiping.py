"""When the contacts of somebody erased are wiped again: often at first, then daily, and not for good."""

from __future__ import annotations

from services.ingest.domain.erasure import WipeAgain
from services.ingest.handlers.erasing import on_wipe_again
from services.ingest.jobs.wiping import beat_of
from shared.contracts.topics import CONTACTS
from shared.kernel.instants import DAY, HOUR, MINUTE


def test_the_first_time_is_behind_the_six_hours_after_which_a_segment_is_closed() -> None:
    assert beat_of(7 * HOUR - 1) == ""
    assert beat_of(7 * HOUR) == "h7"


def test_it_is_every_seven_hours_for_two_days_then_daily_for_four_weeks_each_once() -> None:
    looks = range(0, 40 * DAY, 10 * MINUTE)
    beats = [beat for age in looks if (beat := beat_of(age))]
    once = list(dict.fromkeys(beats))
    assert once == ["h7", "h14", "h21", "h28", "h35", "h42", *(f"d{day}" for day in range(2, 29))]
    assert beat_of(29 * DAY) == ""


def test_every_lead_that_was_part_of_the_erasure_is_wiped_and_nothing_else_is_said() -> None:
    said = on_wipe_again(WipeAgain("a", ("b", "a")), at=5)
    assert [(one.event, one.key, one.topic) for one in said] == [
        (None, "a", CONTACTS.name),
        (None, "b", CONTACTS.name),
    ]
