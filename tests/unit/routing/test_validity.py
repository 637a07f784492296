"""Invalid leads (I5, R7): nobody owns them, their owner is told, and a valid one comes back as it was."""

from __future__ import annotations

from services.routing.domain.rows import Notice
from shared.contracts.events.assignments import (
    LeadAssigned,
    LeadStatusChanged,
    LeadWithdrawn,
    OwnershipEnded,
)
from tests.unit.routing.floor import Floor, local, moment


def notices(floor: Floor, rep: str) -> list[str]:
    return [row.kind for row in floor.desk.rows if isinstance(row, Notice) and row.rep == rep]


def test_an_owned_lead_is_taken_back_its_clocks_stop_and_its_owner_is_told() -> None:
    floor = Floor()
    floor.hot("ada")
    rep = floor.owner("ada")
    assert rep is not None
    floor.judged("ada", 1)
    lead = floor.lead("ada")
    assert (floor.owner("ada"), lead.stay.place, lead.status) == (None, "marketing", "invalid")
    assert floor.timers == {}
    assert floor.last(OwnershipEnded).reason == "invalid"
    assert floor.last(LeadStatusChanged).reason == "bot"
    assert notices(floor, rep)[-1] == "invalidated"
    assert floor.rep(rep).load == 0
    assert "LeadReturned" not in floor.events("ada"), "its sales cycle is not over"


def test_an_invalid_lead_is_never_assigned_pooled_or_given_by_hand() -> None:
    floor = Floor()
    floor.captured("ada")
    floor.judged("ada", 1)
    floor.tier("ada", "A", points=85)
    floor.activated("ada")
    floor.scores("ada", 1, mql=66)
    floor.tier("ada", "B", points=66)
    assert (floor.owner("ada"), floor.lead("ada").stay.place) == (None, "marketing")
    assert floor.refusal(floor.transfer, "ada", "rep-1") == "routing.lead_invalid"
    assert floor.refusal(floor.claim, "ada", "rep-1") == "routing.not_in_pool"
    assert floor.refusal(floor.set_status, "ada", "rep-1", "new") == "routing.lead_invalid"


def test_an_invalid_lead_leaves_the_pool_and_lies_there_again_once_it_is_valid() -> None:
    floor = Floor()
    floor.captured("ada")
    floor.scores("ada", 1, mql=66)
    floor.tier("ada", "B", points=66)
    assert floor.lead("ada").stay.place == "pool"
    floor.judged("ada", 1)
    assert floor.last(LeadWithdrawn).reason == "invalidated"
    assert floor.lead("ada").stay.place == "marketing"
    floor.judged("ada", 2)
    assert floor.lead("ada").stay.place == "pool"


def test_a_valid_lead_has_its_owner_and_status_again_with_a_clock_that_begins_anew() -> None:
    floor = Floor()
    floor.hot("ada")
    rep = floor.owner("ada")
    assert rep is not None
    floor.follow_up("ada", rep)
    floor.judged("ada", 1)
    floor.pass_to("2026-03-09 10:00")
    floor.judged("ada", 2)
    assert (floor.owner("ada"), floor.lead("ada").status) == (rep, "contacted")
    assigned = floor.last(LeadAssigned)
    assert (assigned.rep, assigned.reason) == (rep, "validated")
    assert moment(assigned.due) == local("2026-03-10 10:00")


def test_what_called_for_sales_meanwhile_counts_once_it_is_valid() -> None:
    floor = Floor()
    floor.captured("ada")
    floor.judged("ada", 1)
    floor.activated("ada")
    assert floor.lead("ada").status == "invalid"
    floor.judged("ada", 2)
    assert floor.lead("ada").status == "activated"
    assert floor.owner("ada") is not None
    assert "complete_handover" in floor.lead("ada").tasks


def test_of_verdicts_that_come_in_any_order_the_highest_number_holds() -> None:
    floor = Floor()
    floor.captured("ada")
    floor.judged("ada", 3)
    floor.judged("ada", 2)
    assert floor.lead("ada").status == "invalid"
    floor.judged("ada", 4)
    floor.judged("ada", 1)
    assert floor.lead("ada").status == "new"


def test_a_rep_who_called_it_invalid_first_is_not_overruled_by_a_verdict_taken_back() -> None:
    floor = Floor()
    floor.hot("ada")
    rep = floor.owner("ada")
    assert rep is not None
    floor.set_status("ada", rep, "invalid", "spam")
    floor.judged("ada", 1)
    floor.judged("ada", 2)
    assert (floor.lead("ada").status, floor.owner("ada")) == ("invalid", None)


def test_what_a_person_moves_to_invalid_says_who_and_what_follows_a_verdict_does_not() -> None:
    floor = Floor()
    floor.hot("ada")
    rep = floor.owner("ada")
    assert rep is not None
    floor.set_status("ada", rep, "invalid", "spam")
    changed = floor.last(LeadStatusChanged)
    assert (changed.to_status, changed.reason, changed.by) == ("invalid", "spam", rep)
    floor.hot("bob")
    floor.judged("bob", 1, "spam", by="rep-9")
    assert (floor.last(LeadStatusChanged).to_status, floor.last(LeadStatusChanged).by) == ("invalid", "")


def test_a_reps_invalid_that_comes_back_as_a_verdict_says_nothing_again() -> None:
    floor = Floor()
    floor.hot("ada")
    rep = floor.owner("ada")
    assert rep is not None
    floor.set_status("ada", rep, "invalid", "spam")
    said = floor.events("ada")
    floor.judged("ada", 1, "spam", by=rep)
    assert floor.events("ada") == said
    assert notices(floor, rep)[-1:] != ["invalidated"], "they know"


def test_once_a_person_overrules_the_rep_the_lead_is_new_and_waits_for_its_rise() -> None:
    floor = Floor()
    floor.hot("ada")
    rep = floor.owner("ada")
    assert rep is not None
    floor.set_status("ada", rep, "invalid", "spam")
    floor.judged("ada", 1, "spam", by=rep)
    floor.judged("ada", 2, "by_hand", by="anna")
    assert (floor.lead("ada").status, floor.owner("ada")) == ("new", None)
    assert floor.last(LeadStatusChanged).by == "", "or it would be taken for another word"
    floor.tier("ada", "A", points=85)
    assert floor.owner("ada") is not None


def test_an_invalid_winner_takes_nobody_and_has_the_losers_owner_once_it_is_valid() -> None:
    floor = Floor()
    floor.captured("ada")
    floor.hot("bob")
    rep = floor.owner("bob")
    floor.judged("ada", 1)
    floor.moved("bob", "ada", 1)
    assert (floor.owner("ada"), floor.lead("ada").status) == (None, "invalid")
    floor.judged("ada", 2)
    assert floor.owner("ada") == rep


def test_a_lead_that_was_found_invalid_while_merged_away_is_so_when_it_comes_back() -> None:
    floor = Floor()
    floor.captured("ada")
    floor.captured("bob")
    floor.moved("bob", "ada", 1)
    floor.judged("bob", 1)
    assert floor.lead("ada").status == "new"
    floor.moved("bob", "bob", 2, out_of="ada")
    assert floor.lead("bob").status == "invalid"
