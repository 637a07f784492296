"""Late facts of a lead with many: what is recomputed from a checkpoint is what all facts come to."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.facts import Fact, external_ids_in
from services.scoring.domain.running_score import fold
from services.scoring.domain.scoring_models.compiled import ModelSet
from shared.kernel.changes import Fact as Learned
from shared.kernel.instants import MINUTE
from tests.examples import tried
from tests.unit.scoring.any_model.documents import Document, compiled, documents
from tests.unit.scoring.any_model.documents import histories as any_histories
from tests.unit.scoring.handlers.plots import LEADS, Plot, facts_of, learn_fact, play, plots
from tests.unit.scoring.handlers.telling import ADA, Told, learn
from tests.unit.scoring.handlers.world import World
from tests.unit.scoring.histories import promising_histories
from tests.unit.scoring.stories import BOTH, START, day

RANDOMS = st.integers(0, 2**32).map(Random)
EVERY = st.integers(1, 4)
NEVER = 1_000_000


def check_that_checkpoints_are_what_their_facts_come_to(world: World) -> None:
    for lead in LEADS:
        counted = world.counted(lead)
        for checkpoint in world.valid_checkpoints(lead):
            before = [fact for fact in counted if (fact.occurred, fact.id) <= checkpoint.place]
            assert checkpoint == (fold(world.models, before), external_ids_in(before))


def check_that_the_same_came_of_it(world: World, other: World) -> None:
    for lead in LEADS:
        assert world.kept(lead) == other.kept(lead)
        assert world.told_of(lead) == other.told_of(lead)
        assert world.activations_of(lead) == other.activations_of(lead)
    assert (world.facts, world.said, world.scores) == (other.facts, other.said, other.scores)
    assert world.timers == other.timers


@settings(max_examples=tried(40), deadline=None)
@given(
    st.one_of(plots(max_moves=2), plots(leads=1, max_moves=0), plots(of=promising_histories, erasures=1)),
    RANDOMS,
    EVERY,
    st.sets(st.integers(0, 60), max_size=8),
)
def test_with_checkpoints_everything_comes_to_the_same(
    plot: Plot, random: Random, every: int, cuts: set[int]
) -> None:
    without = World(checkpoint_every=NEVER)
    delivered = play(without, plot, random)
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < len(delivered)), len(delivered)]
    batches = [delivered[begin:end] for begin, end in pairwise(edges)]
    for parts in (batches, [[learned] for learned in delivered]):
        with_checkpoints = World(checkpoint_every=every)
        for batch in parts:
            with_checkpoints.learn(batch)
            check_that_checkpoints_are_what_their_facts_come_to(with_checkpoints)
        check_that_the_same_came_of_it(with_checkpoints, without)


@settings(max_examples=tried(40), deadline=None)
@given(documents(), any_histories(max_size=14), RANDOMS, EVERY)
def test_also_for_any_model(document: Document, facts: list[Fact], random: Random, every: int) -> None:
    models = compiled(document)
    coming = [learn_fact(fact) for fact in facts_of(LEADS[0], facts)]
    random.shuffle(coming)
    with_checkpoints, without = _learn(models, coming, every), _learn(models, coming, NEVER)
    check_that_checkpoints_are_what_their_facts_come_to(with_checkpoints)
    check_that_the_same_came_of_it(with_checkpoints, without)
    assert with_checkpoints.kept(LEADS[0]).score == fold(models, with_checkpoints.counted(LEADS[0]))


def _learn(models: ModelSet, coming: list[Learned], every: int) -> World:
    world = World(models, checkpoint_every=every)
    for learned in coming:
        world.learn([learned])
    return world


def test_a_late_view_of_a_page_that_was_viewed_again_reads_only_what_lies_between() -> None:
    world, told = World(checkpoint_every=4), Told()
    views = [told.price(at=START + number * MINUTE) for number in range(40)]
    learn(world, *views)
    before = world.kept(ADA).score
    learn(world, told.price(at=START + 10 * MINUTE + 1))
    (stretch,) = world.stretches
    assert not stretch.is_open
    assert len(stretch.facts) <= 3 * 4
    assert world.kept(ADA).score == before == fold(BOTH, world.counted(ADA))


def test_a_late_fact_that_still_matters_is_found_in_the_newest_score() -> None:
    world, told = World(checkpoint_every=4), Told()
    learn(world, *(told.price(at=START + number * MINUTE) for number in range(40)))
    learn(world, told.demo(at=START + 10 * MINUTE + 1))
    (stretch,) = world.stretches
    assert stretch.is_open
    assert world.kept(ADA).score == fold(BOTH, world.counted(ADA))
    check_that_checkpoints_are_what_their_facts_come_to(world)


def test_one_that_comes_twice_is_known_by_its_id_though_its_place_was_not_read() -> None:
    world, told = World(checkpoint_every=4), Told()
    views = [told.price(at=START + number * MINUTE) for number in range(40)]
    learn(world, *views)
    kept = world.kept(ADA)
    learn(world, views[3])
    assert world.kept(ADA) == kept
    assert world.stretches == []


def test_other_models_void_the_checkpoints_of_those_before() -> None:
    world, told = World(checkpoint_every=4), Told()
    learn(world, *(told.price(at=START + number * MINUTE) for number in range(12)))
    assert len(world.valid_checkpoints(ADA)) == 3
    world.rule_by(ModelSet(BOTH.models[:1]))
    learn(world, told.price(at=day(1)))
    assert world.valid_checkpoints(ADA) == []
    learn(world, told.demo(at=START + 1))
    check_that_checkpoints_are_what_their_facts_come_to(world)
    assert world.kept(ADA).score == fold(world.models, world.counted(ADA))
