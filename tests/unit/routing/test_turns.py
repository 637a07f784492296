"""Round robin: the stated bound holds while people join, leave, are away or full (R1)."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.routing.domain.assignment.turns import TeamTurns, take_turn
from tests.examples import tried

MEMBERS = tuple(f"rep-{number}" for number in range(6))

steps = st.lists(st.sets(st.sampled_from(MEMBERS), min_size=1), min_size=1, max_size=60)
"""For each decision, who is eligible: a member that is missing is away, full, or not in the team yet."""


def play(decisions: list[set[str]], *, members: tuple[str, ...] = MEMBERS) -> list[str]:
    team = TeamTurns(team="t", members=members)
    chosen = []
    for eligible in decisions:
        rep, team = take_turn(team, sorted(eligible))
        chosen.append(rep)
    return chosen


@settings(max_examples=tried(200))
@given(steps)
def test_two_who_are_both_eligible_throughout_a_stretch_differ_by_one_at_most(
    decisions: list[set[str]],
) -> None:
    chosen = play(decisions)
    for first in MEMBERS:
        for second in MEMBERS:
            if first >= second:
                continue
            lead = lowest = highest = 0
            for eligible, rep in zip(decisions, chosen, strict=True):
                if not {first, second} <= eligible:
                    lead = lowest = highest = 0
                    continue
                lead += (rep == first) - (rep == second)
                lowest, highest = min(lowest, lead), max(highest, lead)
                assert highest - lowest <= 1


@given(steps)
def test_only_the_eligible_get_a_turn(decisions: list[set[str]]) -> None:
    assert all(rep in eligible for eligible, rep in zip(decisions, play(decisions), strict=True))


def test_a_thousand_leads_go_evenly_round_four() -> None:
    counts = Counter(play([set(MEMBERS[:4])] * 1000))
    assert set(counts.values()) == {250}


def test_a_fresh_team_takes_turns_in_the_documents_order() -> None:
    assert play([set(MEMBERS[:3])] * 4, members=("rep-2", "rep-0", "rep-1")) == [
        "rep-2",
        "rep-0",
        "rep-1",
        "rep-2",
    ]


def test_whoever_comes_back_from_leave_is_not_flooded() -> None:
    here, all_three = {"rep-0", "rep-1"}, {"rep-0", "rep-1", "rep-2"}
    chosen = play([all_three] * 3 + [here] * 20 + [all_three] * 9)
    assert Counter(chosen[23:]) == {"rep-0": 3, "rep-1": 3, "rep-2": 3}


def test_whoever_joins_takes_part_as_if_they_had_kept_up_and_nobody_starts_anew() -> None:
    team = TeamTurns(team="t", members=("a", "b"))
    chosen = []
    for _ in range(11):
        rep, team = take_turn(team, ["a", "b"])
        chosen.append(rep)
    team = msgspec.structs.replace(team, members=("a", "b", "c"))
    for _ in range(6):
        rep, team = take_turn(team, ["a", "b", "c"])
        chosen.append(rep)
    assert all(first != second for first, second in pairwise(chosen))
    assert Counter(chosen[11:]) == {"a": 2, "b": 2, "c": 2}
