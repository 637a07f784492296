"""A lead that came with an import of history starts nothing until it is released (I11)."""

from __future__ import annotations

from services.routing.domain.profiles import Held
from shared.contracts.events.assignments import LeadAssigned, LeadStatusChanged
from tests.unit.routing.floor import Floor, moment

HELD = Held(import_id="imp-1")


def hold(floor: Floor, lead: str = "ada", *, owner: str = "", status: str = "") -> None:
    floor.captured(lead, held=Held(import_id="imp-1", owner=owner, status=status))


def test_i11_nothing_begins_with_a_held_lead_whatever_it_reaches() -> None:
    floor = Floor()
    hold(floor, owner="rep-2", status="interested")
    floor.tier("ada", "A", points=95)
    floor.activated("ada")
    floor.scores("ada", 2, mql=95)
    floor.deal("ada", "OP-1", "proposal", opens=True)
    floor.deal("ada", "OP-1", "lost", at=floor.now + 1)
    assert floor.events("ada") == []
    assert floor.timers == {}
    assert floor.desk.rows
    assert {type(row).__name__ for row in floor.desk.rows} == {"StayBegan"}
    assert floor.lead("ada").stay.place == "marketing"


def test_i11_one_that_is_claimable_does_not_come_into_the_pool_before_it_is_released() -> None:
    floor = Floor()
    hold(floor)
    floor.tier("ada", "B", points=70)
    assert floor.events("ada") == []
    floor.released("ada")
    assert floor.events("ada") == ["LeadPooled"]


def test_i11_a_released_lead_goes_where_it_belongs_by_then() -> None:
    floor = Floor()
    hold(floor)
    floor.tier("ada", "A", points=95)
    floor.activated("ada")
    floor.pass_to("2026-03-09 11:00")
    floor.released("ada")
    assigned = floor.last(LeadAssigned)
    assert (assigned.reason, floor.lead("ada").status) == ("activated", "activated")
    assert moment(assigned.due) > floor.now
    assert "TaskCreated" in floor.events("ada")


def test_i11_owner_and_status_of_the_table_count_from_the_release_on_and_the_clock_begins_then() -> None:
    floor = Floor()
    hold(floor, owner="rep-3", status="contacted")
    floor.pass_to("2026-03-09 11:00")
    assert floor.events("ada") == []
    floor.released("ada")
    assert floor.events("ada") == ["LeadStatusChanged", "LeadAssigned"]
    changed, assigned = floor.last(LeadStatusChanged), floor.last(LeadAssigned)
    assert (changed.from_status, changed.to_status, changed.reason) == ("new", "contacted", "imported")
    assert (assigned.rep, assigned.rule, assigned.reason) == ("rep-3", "imported", "imported")
    assert moment(assigned.due) > floor.now


def test_i11_an_owner_whom_nobody_knows_leaves_the_lead_to_the_rules() -> None:
    floor = Floor()
    hold(floor, owner="somebody-who-left")
    floor.released("ada")
    assert floor.events("ada") == []
    floor.tier("ada", "A", points=90)
    assert floor.last(LeadAssigned).reason == "mql_a"


def test_i11_one_that_the_table_calls_invalid_never_reaches_sales() -> None:
    floor = Floor()
    hold(floor, owner="rep-1", status="invalid")
    floor.tier("ada", "A", points=90)
    floor.released("ada")
    assert floor.events("ada") == ["LeadStatusChanged"]


def test_i11_a_release_heard_twice_or_of_somebody_who_was_never_held_does_nothing() -> None:
    floor = Floor()
    hold(floor, owner="rep-1")
    floor.released("ada")
    floor.captured("bob")
    floor.released("bob")
    floor.released("ada")
    assert floor.events("ada") == ["LeadAssigned"]
    assert floor.events("bob") == []


def test_i11_a_held_lead_is_given_to_nobody_by_hand_and_the_refusal_says_what_to_do() -> None:
    floor = Floor()
    hold(floor)
    assert floor.refusal(floor.transfer, "ada", "rep-1") == "routing.lead_held"
    assert floor.refusal(floor.set_status, "ada", "rep-1", "contacted") != ""


def test_i11_a_merge_of_two_held_leads_tells_nobody_and_starts_nothing() -> None:
    floor = Floor()
    hold(floor, "ada")
    hold(floor, "bob")
    floor.tier("bob", "A", points=90)
    before = len(floor.desk.rows)
    floor.moved("bob", "ada", 1)
    assert floor.events("ada") == floor.events("bob") == []
    assert {type(row).__name__ for row in floor.desk.rows[before:]} <= {"StayBegan", "StayEnded"}
    floor.released("ada")
    assert floor.events("ada") == []
    floor.released("bob")
    assert floor.events("ada") == ["LeadAssigned"]


def test_i11_somebody_known_keeps_their_owner_when_a_held_profile_turns_out_to_be_theirs() -> None:
    for known, imported in (("ada", "bob"), ("bob", "ada")):
        for merge_first in (True, False):
            floor = Floor()
            floor.hot(known)
            owner = floor.owner(known)
            hold(floor, imported, owner="rep-4")
            if not merge_first:
                floor.released(imported, by_merge=True)
            floor.moved("bob", "ada", 1)
            if merge_first:
                floor.released(imported, by_merge=True)
            assert floor.owner("ada") == owner
            given = [name for lead in ("ada", "bob") for name in floor.events(lead)]
            assert given.count("LeadAssigned") == 1
