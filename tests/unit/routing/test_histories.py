"""Whatever happens in whatever order: one owner, exact clocks and loads, histories that abut."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.routing.domain.rows import Said, StayBegan, StayEnded
from shared.contracts.events.assignments import (
    LeadAssigned,
    LeadClaimed,
    LeadRecalled,
    LeadReturned,
    LeadTransferred,
    OwnershipEnded,
)
from shared.kernel.errors import Rejected
from shared.kernel.instants import HOUR
from tests.examples import tried
from tests.unit.routing.floor import Floor

LEADS = ("ada", "bob", "cy")
REPS = ("rep-1", "rep-2", "rep-5")

lead = st.sampled_from(LEADS)
rep = st.sampled_from(REPS)
step = st.one_of(
    st.tuples(st.just("captured"), lead),
    st.tuples(st.just("tier"), lead, st.sampled_from("ABCD")),
    st.tuples(st.just("key_account"), lead),
    st.tuples(st.just("scores"), lead, st.integers(1, 5), st.integers(50, 90)),
    st.tuples(st.just("activated"), lead, st.integers(1, 3)),
    st.tuples(st.just("moved"), lead, lead, st.integers(1, 6)),
    st.tuples(st.just("erased"), lead),
    st.tuples(st.just("judged"), lead, st.integers(1, 6)),
    st.tuples(
        st.just("deal"), lead, st.sampled_from(["OP-1", "OP-2"]), st.sampled_from(["proposal", "won", "lost"])
    ),
    st.tuples(st.just("claim"), lead, rep),
    st.tuples(st.just("follow_up"), lead, rep),
    st.tuples(st.just("give_back"), lead, rep),
    st.tuples(st.just("transfer"), lead, rep),
    st.tuples(st.just("fill_all"), lead, rep),
    st.tuples(st.just("invalid"), lead, rep),
    st.tuples(st.just("capacity"), rep, st.integers(0, 3)),
    st.tuples(st.just("passes"), st.integers(1, 200)),
)
histories = st.lists(step, min_size=1, max_size=40)


def play(floor: Floor, what: tuple[Any, ...]) -> None:
    name, *rest = what
    match name:
        case "tier":
            floor.tier(rest[0], rest[1], points=85, rises=rest[1] in "AB")
        case "key_account":
            floor.tier(rest[0], "key_account", model="key_account", points=75)
        case "scores":
            floor.scores(rest[0], rest[1], mql=rest[2])
        case "activated":
            floor.activated(rest[0], cycle=rest[1])
        case "invalid":
            floor.set_status(rest[0], rest[1], "invalid", "spam")
        case "capacity":
            floor.change_rep(rest[0], capacity=rest[1])
        case "passes":
            until = floor.now + rest[0] * HOUR
            while (due := floor.next_due()) is not None and due[0] <= until:
                floor.ring(due[1], due[0])
            floor.now = until
        case _:
            getattr(floor, name)(*rest)


def snapshot(floor: Floor) -> object:
    desk = floor.desk
    return copy.deepcopy(
        (
            dict(desk.leads),
            dict(desk.profiles),
            dict(desk.reps),
            dict(desk.teams),
            len(desk.rows),
            {one: sorted(p.id for p in desk.profiles_of(one)) for one in LEADS},
        )
    )


@settings(max_examples=tried(120), deadline=None)
@given(histories)
def test_everything_adds_up_after_every_step(history: list[tuple[Any, ...]]) -> None:
    floor = Floor()
    for what in history:
        before = snapshot(floor)
        try:
            play(floor, what)  # the floor checks clocks and loads after each fact
        except Rejected:
            floor.check()
            if not floor.rang_before_refusal:
                assert snapshot(floor) == before
    check_stays(floor)
    check_spells(floor)


def check_stays(floor: Floor) -> None:
    """Each lead's stays are numbered from 1 and abut; all but the last have ended."""
    for lead_id, lead_now in floor.desk.leads.items():
        began = [row for row in floor.desk.rows if isinstance(row, StayBegan) and row.lead == lead_id]
        ended = [row for row in floor.desk.rows if isinstance(row, StayEnded) and row.lead == lead_id]
        assert [row.stay.number for row in began] == list(range(1, len(began) + 1))
        assert [row.number for row in ended] == list(range(1, len(began)))
        assert [row.at for row in ended] == [row.stay.since for row in began[1:]]
        assert began[-1].stay.number == lead_now.stay.number
        said = [row for row in floor.desk.rows if isinstance(row, Said) and row.lead == lead_id]
        assert [row.number for row in said] == list(range(1, lead_now.said + 1))


def check_spells(floor: Floor) -> None:
    """Told in order, ownership of a lead begins only where it had ended, and ends only where it had begun."""
    owners: dict[str, str] = {}
    for _, event in floor.said:
        match event:
            case LeadAssigned(lead=one, assignment=name) | LeadClaimed(lead=one, assignment=name):
                assert one not in owners
                owners[one] = name
            case LeadTransferred(lead=one, assignment=name):
                owners[one] = name
            case (
                LeadRecalled(lead=one, assignment=name)
                | LeadReturned(lead=one, assignment=name)
                | OwnershipEnded(lead=one, assignment=name)
            ):
                assert owners.pop(one) == name
    held = {lead.id: lead.spell.assignment for lead in floor.desk.leads.values() if lead.spell is not None}
    assert owners == held
