"""The public pool: one winner, caps, and a previous owner who waits (R6)."""

from __future__ import annotations

from shared.contracts.events.assignments import LeadClaimed
from tests.unit.routing.floor import Floor, local, moment


def pooled(*leads: str) -> Floor:
    """A floor with leads that were recalled from their owners."""
    floor = Floor(now="2026-03-02 10:00")
    for lead in leads:
        floor.hot(lead)
    floor.pass_to("2026-03-03 10:00")
    return floor


def test_the_first_who_asks_gets_it_and_the_others_are_told_so() -> None:
    floor = pooled("ada")
    floor.claim("ada", "rep-2")
    assert floor.owner("ada") == "rep-2"
    assert floor.refusal(floor.claim, "ada", "rep-3") == "routing.already_owned"
    assert floor.events("ada").count("LeadClaimed") == 1


def test_a_claim_starts_the_clock() -> None:
    floor = pooled("ada")
    floor.claim("ada", "rep-2")
    assert moment(floor.last(LeadClaimed).due) == local("2026-03-04 10:00")
    floor.pass_to("2026-03-04 10:00")
    assert floor.events("ada")[-2:] == ["LeadRecalled", "LeadPooled"]


def test_what_does_not_lie_in_the_pool_cannot_be_claimed() -> None:
    floor = Floor()
    floor.captured("ada")
    assert floor.refusal(floor.claim, "ada", "rep-1") == "routing.not_in_pool"
    assert floor.refusal(floor.claim, "nobody", "rep-1") == "routing.lead_unknown"


def test_a_previous_owner_waits_seven_days() -> None:
    floor = pooled("ada")
    assert floor.refusal(floor.claim, "ada", "rep-1") == "routing.previous_owner_waits"
    floor.pass_to("2026-03-10 09:59")
    assert floor.refusal(floor.claim, "ada", "rep-1") == "routing.previous_owner_waits"
    floor.pass_to("2026-03-10 10:00")
    floor.claim("ada", "rep-1")
    assert floor.owner("ada") == "rep-1"


def test_ten_claims_a_day_are_the_most_also_for_whoever_gives_them_back() -> None:
    leads = [f"lead-{number}" for number in range(20)]
    floor = pooled(*leads)
    mine = [lead for lead in leads if "rep-6" not in floor.lead(lead).former]
    for lead in mine[:10]:
        floor.claim(lead, "rep-6")
        floor.give_back(lead, "rep-6")
    assert floor.refusal(floor.claim, mine[10], "rep-6") == "routing.claims_used_up"
    floor.pass_to("2026-03-04 00:00")
    floor.claim(mine[10], "rep-6")


def test_capacity_bounds_claims_too() -> None:
    floor = pooled("ada", "ben")
    floor.change_rep("rep-3", capacity=1)
    floor.claim("ada", "rep-3")
    assert floor.refusal(floor.claim, "ben", "rep-3") == "routing.at_capacity"


def test_only_reps_of_the_pools_teams_may_claim() -> None:
    floor = pooled("ada")
    assert floor.refusal(floor.claim, "ada", "rep-99") == "routing.may_not_claim"
    floor.change_rep("rep-4", is_active=False)
    assert floor.refusal(floor.claim, "ada", "rep-4") == "routing.may_not_claim"


def test_a_refused_claim_changes_nothing() -> None:
    floor = pooled("ada")
    before = floor.lead("ada"), floor.rep("rep-1"), len(floor.desk.rows)
    floor.refusal(floor.claim, "ada", "rep-1")
    assert (floor.lead("ada"), floor.rep("rep-1"), len(floor.desk.rows)) == before
