"""First response, recall, reminder and return in working time (R3, R4, R5)."""

from __future__ import annotations

import pytest

from services.routing.domain.people import Leave
from shared.contracts.events.assignments import (
    FollowUpReminded,
    LeadAssigned,
    LeadContacted,
    LeadPooled,
    LeadRecalled,
    LeadReturned,
    ResponseWarned,
)
from shared.kernel.instants import MICROSECOND, format_instant, parse_instant
from tests.unit.routing.floor import ZONE, Floor, local, moment


def when(text: str) -> str:
    return format_instant(local(text))


@pytest.mark.parametrize(
    ("assigned", "due", "recalled"),
    [
        ("2026-03-06 15:00", "2026-03-09 15:00", "2026-03-09 15:00"),
        ("2026-03-06 20:00", "2026-03-10 09:00", "2026-03-10 09:00"),
        ("2026-03-04 09:00", "2026-03-05 09:00", "2026-03-05 09:00"),
        ("2026-03-04 12:30", "2026-03-05 13:00", "2026-03-05 13:00"),
        # Saturday 9 May is worked for Labour Day, whose holidays last from 1 to 5 May
        ("2026-05-08 16:00", "2026-05-09 16:00", "2026-05-09 16:00"),
        ("2026-04-30 16:00", "2026-05-06 16:00", "2026-05-06 16:00"),
    ],
)
def test_r4_a_lead_is_recalled_24_hours_later_on_working_days(assigned: str, due: str, recalled: str) -> None:
    floor = Floor(now=assigned)
    floor.hot("ada")
    assert moment(floor.last(LeadAssigned).due) == local(due)
    floor.pass_to("2026-06-01 00:00")
    assert floor.at(LeadRecalled) == [local(recalled)]
    assert floor.last(LeadPooled).reason == "recalled"
    assert floor.last(LeadPooled).previous_rep == "rep-1"
    assert floor.owner("ada") is None


def test_r3_a_key_account_is_owed_two_working_hours_and_recalled_like_any_other() -> None:
    floor = Floor(now="2026-03-06 17:00")
    floor.captured("ada")
    floor.tier("ada", "key_account", model="key_account", points=75)
    assigned = floor.last(LeadAssigned)
    assert (assigned.team, assigned.reason) == ("key_accounts", "key_account")
    assert moment(assigned.due) == local("2026-03-09 10:00")
    floor.pass_to("2026-03-09 16:59")
    assert [(event.overdue) for _, event in floor.said if isinstance(event, ResponseWarned)] == [
        False,
        False,
        True,
    ]
    assert floor.at(ResponseWarned)[-1] == local("2026-03-09 10:00")
    floor.pass_to("2026-03-09 17:00")
    assert floor.at(LeadRecalled) == [local("2026-03-09 17:00")]


def test_r5_warnings_come_at_shares_of_the_working_time() -> None:
    floor = Floor(now="2026-03-02 09:00")  # eight working hours until 09:00 the next day
    floor.hot("ada")
    floor.pass_to("2026-03-03 08:00")
    assert floor.at(ResponseWarned) == [local("2026-03-02 16:00"), local("2026-03-02 17:12")]


def test_a_follow_up_stops_the_clock_and_the_next_is_due_after_seven_days() -> None:
    floor = Floor(now="2026-03-02 10:00")
    floor.hot("ada")
    floor.pass_to("2026-03-03 09:59")
    reply = floor.follow_up("ada", "rep-1")
    said = floor.last(LeadContacted)
    assert (reply["counts"], said.is_first, said.in_time) == (True, True, True)
    assert said.next_due is not None
    assert moment(said.next_due) == local("2026-03-10 09:59")
    floor.pass_to("2026-03-10 09:58")
    assert floor.events("ada")[-2:] == ["LeadContacted", "LeadStatusChanged"]
    floor.pass_to("2026-03-12 09:58")
    assert floor.at(FollowUpReminded) == [local("2026-03-10 09:59")]
    assert floor.owner("ada") == "rep-1"
    floor.pass_to("2026-03-12 09:59")
    returned = floor.last(LeadReturned)
    assert (returned.by_clock, returned.reason) == (True, "no_follow_up")
    assert floor.at(LeadReturned) == [local("2026-03-12 09:59")]
    assert floor.lead("ada").stay.place == "marketing"


def test_a_reminder_due_on_a_weekend_rings_at_the_next_opening() -> None:
    floor = Floor(now="2026-03-06 10:00")
    floor.hot("ada")
    floor.pass_to("2026-03-07 11:00")
    floor.follow_up("ada", "rep-1")  # on a Saturday; seven days later is one, too
    floor.pass_to("2026-03-16 08:59")
    assert floor.at(FollowUpReminded) == []
    floor.pass_to("2026-03-16 09:00")
    assert floor.at(FollowUpReminded) == [local("2026-03-16 09:00")]
    floor.pass_to("2026-03-20 00:00")
    assert floor.at(LeadReturned) == [local("2026-03-18 09:00")]


@pytest.mark.parametrize(("grade", "days"), [("A", 7), ("B", 15), ("C", 7)])
def test_r4_the_rhythm_goes_by_grade(grade: str, days: int) -> None:
    floor = Floor(now="2026-03-02 10:00")
    floor.hot("ada")
    floor.tier("ada", grade, rises=False)
    floor.follow_up("ada", "rep-1")
    floor.pass_to("2026-04-30 10:00")
    assert floor.at(FollowUpReminded) == [local(f"2026-03-{2 + days:02} 10:00")]


def test_each_follow_up_begins_the_seven_days_anew() -> None:
    floor = Floor(now="2026-03-02 10:00")
    floor.hot("ada")
    floor.follow_up("ada", "rep-1")
    floor.pass_to("2026-03-06 10:00")
    floor.follow_up("ada", "rep-1", way="wechat")
    floor.pass_to("2026-03-13 09:59")
    assert floor.at(FollowUpReminded) == []
    assert [event.is_first for _, event in floor.said if isinstance(event, LeadContacted)] == [True, False]


@pytest.mark.parametrize(
    ("result", "note"), [("", ""), ("no_answer", ""), ("", "   ok  \n  "), ("no_answer", "x")]
)
def test_an_empty_follow_up_does_not_stop_the_clock(result: str, note: str) -> None:
    floor = Floor(now="2026-03-02 10:00")
    floor.hot("ada")
    assert floor.follow_up("ada", "rep-1", result=result, note=note)["counts"] is False
    floor.pass_to("2026-03-03 10:00")
    assert floor.at(LeadRecalled) == [local("2026-03-03 10:00")]


def test_a_note_that_says_something_counts_without_a_result() -> None:
    floor = Floor()
    floor.hot("ada")
    assert floor.follow_up("ada", "rep-1", result="no_answer", note="left word with her office")["counts"]


def test_contact_before_the_next_opening_is_in_time_where_the_due_time_is_a_closing() -> None:
    floor = Floor(now="2026-03-06 15:00")
    floor.captured("ada")
    floor.tier("ada", "key_account", model="key_account")
    floor.pass_to("2026-03-06 16:00")
    floor.transfer("ada", "rep-6")  # due after two working hours: at closing
    (*_, due) = [floor.lead("ada").spell]
    assert due is not None
    assert (due.due, due.breach_at) == (local("2026-03-06 18:00"), local("2026-03-09 09:00"))
    floor.pass_to("2026-03-09 08:59")
    floor.follow_up("ada", "rep-6")
    assert floor.last(LeadContacted).in_time is True


def test_recall_and_contact_in_the_same_instant_have_one_winner_and_the_other_is_told_why() -> None:
    first = Floor(now="2026-03-02 10:00")
    first.hot("ada")
    first.now = local("2026-03-03 10:00")
    first.follow_up("ada", "rep-1")  # came first: the clock is not before this instant
    assert first.last(LeadContacted).in_time is True
    first.pass_to("2026-03-03 11:00")
    assert first.at(LeadRecalled) == []

    second = Floor(now="2026-03-02 10:00")
    second.hot("ada")
    second.pass_to("2026-03-03 10:00")  # the clock came first
    assert second.refusal(second.follow_up, "ada", "rep-1") == "routing.recalled"
    assert second.events("ada")[-2:] == ["LeadRecalled", "LeadPooled"]


def test_contact_a_microsecond_after_the_clock_is_too_late() -> None:
    floor = Floor(now="2026-03-02 10:00")
    floor.hot("ada")
    floor.now = local("2026-03-03 10:00") + MICROSECOND
    assert floor.refusal(floor.follow_up, "ada", "rep-1") == "routing.recalled"
    assert floor.at(LeadRecalled) == [local("2026-03-03 10:00")]


def test_an_overdue_key_account_contact_is_recorded_as_late() -> None:
    floor = Floor(now="2026-03-02 10:00")
    floor.captured("ada")
    floor.tier("ada", "key_account", model="key_account")
    floor.pass_to("2026-03-02 14:30")
    floor.follow_up("ada", "rep-5")
    assert floor.last(LeadContacted).in_time is False


def test_leave_does_not_stop_a_clock_but_nothing_new_is_given() -> None:
    floor = Floor(now="2026-03-02 10:00")
    for rep in ("rep-1", "rep-2"):
        floor.change_rep(rep, leave=(Leave(first_day="2026-03-02", last_day="2026-03-04"),))
    floor.hot("ada")
    assert floor.owner("ada") == "rep-3"


def test_all_times_are_those_of_the_calendars_zone() -> None:
    assert parse_instant("2026-03-02T02:00:00Z") == local("2026-03-02 10:00")
    assert ZONE.key == Floor().rulebook.sla.calendar.zone.key
    assert when("2026-03-02 10:00") == "2026-03-02T02:00:00Z"
