"""However the input is cut into batches, the same is stored, said and set."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import tried
from tests.unit.scoring.handlers.plots import LEADS, Plot, play, plots
from tests.unit.scoring.handlers.world import World
from tests.unit.scoring.histories import promising_histories


@settings(max_examples=tried(80), deadline=None)
@given(
    st.one_of(plots(), plots(of=promising_histories, erasures=2)),
    st.integers(0, 2**32).map(Random),
    st.sets(st.integers(0, 60), max_size=12),
)
def test_gives_the_same_to_the_last_byte(plot: Plot, random: Random, cuts: set[int]) -> None:
    one_by_one = World()
    delivered = play(one_by_one, plot, random)

    in_batches = World()
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < len(delivered)), len(delivered)]
    for begin, end in pairwise(edges):
        in_batches.learn(delivered[begin:end])

    for lead in LEADS:
        assert in_batches.kept(lead) == one_by_one.kept(lead)
        assert in_batches.told_of(lead) == one_by_one.told_of(lead)
        assert in_batches.activations_of(lead) == one_by_one.activations_of(lead)
    assert {lead: timers for lead, timers in in_batches.timers.items() if timers} == {
        lead: timers for lead, timers in one_by_one.timers.items() if timers
    }
    assert in_batches.facts == one_by_one.facts
    assert in_batches.said == one_by_one.said
    assert in_batches.scores == one_by_one.scores
    assert set(in_batches.tombstones) == set(one_by_one.tombstones)
