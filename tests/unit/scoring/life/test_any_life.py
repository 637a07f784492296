"""Whatever versions rule in whatever order: renewing says nothing and leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.bootstrap import build_ruled_stage
from services.scoring.domain.facts import Fact
from services.scoring.domain.life.preview import foresee
from services.scoring.domain.life.ruling import RENEWAL, RuledModel, Ruling
from services.scoring.domain.running_score import fold
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet, Tier
from services.scoring.domain.tiers import tier_at
from services.scoring.store.scoring_models.rulings import FixedRulings
from shared.kernel.instants import Instant
from tests.examples import tried
from tests.unit.scoring.handlers.plots import LEADS, facts_of, learn_fact
from tests.unit.scoring.handlers.world import PARTITIONS, World
from tests.unit.scoring.histories import histories, promising_histories
from tests.unit.scoring.stories import shipped

ADA = LEADS[0]


def moved(model: CompiledModel, version: int, by: int) -> CompiledModel:
    """The model with all bounds moved by so many thousandths."""
    tiers = [
        Tier(tier.name, *(None if bound is None else bound + by for bound in (tier.enter, tier.stay)))
        for tier in model.tiers
    ]
    return replace(model, version=version, tiers=tuple(tiers))


FIVE_STEP = [
    shipped("five_step"),
    moved(shipped("five_step"), 2, -14_000),
    moved(shipped("five_step"), 3, 9_000),
]
MQL = [shipped("mql"), moved(shipped("mql"), 2, -21_000)]

rulings = st.tuples(st.sampled_from(FIVE_STEP), st.sampled_from([*MQL, None]))


def rule(world: World, models: tuple[CompiledModel | None, ...], *, tells_past: bool = False) -> None:
    """Let these versions rule."""
    chosen = FixedRulings(ModelSet([]))
    chosen.newest = Ruling(
        RuledModel(model.name, model, tells_past=tells_past) for model in models if model is not None
    )
    world.models = chosen.newest.live
    world.stage = build_ruled_stage(chosen, partitions=PARTITIONS)


def renew(world: World, at: Instant) -> None:
    """The pass comes by."""
    world.timers.setdefault(ADA, {})[RENEWAL] = at
    world.learn([], until=at)


def check(world: World) -> None:
    """Everything is as if the versions that rule now had ruled from the first day, and counts as told."""
    kept = world.kept(ADA)
    if kept.score is None:
        return
    assert kept.score == fold(world.models, world.counted(ADA))
    world.check_clock(ADA)
    for model in world.models.models:
        held = tier_at(model, kept.score.models[model.name], kept.told.through).tier
        last = kept.told.tiers.get(model.name)
        assert (last.tier if last is not None else model.tiers[0].name) == model.tiers[held].name


@settings(max_examples=tried(80), deadline=None)
@given(
    st.one_of(histories(max_size=10), promising_histories(max_size=10)),
    st.lists(st.tuples(st.integers(0, 10), rulings, st.booleans()), min_size=1, max_size=4),
)
def test_renewing_says_nothing_and_leaves_nothing_of_the_versions_before(
    history: list[Fact], steps: list[tuple[int, tuple[CompiledModel | None, ...], bool]]
) -> None:
    world = World()
    facts = facts_of(ADA, history)
    by_place = {place: (models, is_renewed) for place, models, is_renewed in steps}
    for place in range(len(facts) + 1):
        if place in by_place:
            models, is_renewed = by_place[place]
            rule(world, models)
            if is_renewed and ADA in world.leads:
                said = list(world.told), list(world.activations)
                renew(world, world.kept(ADA).told.through)
                assert (world.told, world.activations) == said
                check(world)
        if place < len(facts):
            world.learn([learn_fact(facts[place])])
    if ADA in world.leads:
        renew(world, world.kept(ADA).told.through)
        check(world)


@settings(max_examples=tried(80), deadline=None)
@given(st.one_of(histories(max_size=10), promising_histories(max_size=10)), rulings)
def test_telling_the_past_tells_what_the_preview_foresaw_and_tells_it_once(
    history: list[Fact], models: tuple[CompiledModel | None, ...]
) -> None:
    world = World(ModelSet([FIVE_STEP[0], MQL[0]]))
    for fact in facts_of(ADA, history):
        world.learn([learn_fact(fact)])
    if ADA not in world.leads:
        return
    before = world.kept(ADA)
    now = before.told.through
    chosen = [model for model in models if model is not None]
    foreseen = {
        model.name: foresee(ModelSet([model]), before.told, world.counted(ADA), now=now) for model in chosen
    }
    said, activated = len(world.told), len(world.activations)
    rule(world, models, tells_past=True)
    renew(world, now)
    replaced = {model.name for model in chosen if model.version > 1}
    told = {row.change.model: row.change for row in world.told[said:]}
    assert told == {
        name: one.change for name, one in foreseen.items() if one.change is not None and name in replaced
    }
    assert {row.activation.model for row in world.activations[activated:]} == {
        name for name, one in foreseen.items() if one.is_activated and name in replaced
    }
    check(world)
    renew(world, now)
    assert len(world.told) == said + len(told)
