"""Facts that arrive in some order: learnt into a state, or told to the service with its clocks ringing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from random import Random

import msgspec

from services.scoring.domain.facts import Fact
from services.scoring.domain.questions import score_at
from services.scoring.domain.running_score import ScoringState, advance, fold, is_in_order
from services.scoring.domain.scoring_models.compiled import ModelSet
from shared.kernel.instants import Instant
from tests.unit.scoring.handlers.plots import LEADS, facts_of, learn_fact
from tests.unit.scoring.handlers.world import World
from tests.unit.scoring.stories import START


def learn(models: ModelSet, facts: Sequence[Fact], *, cuts: Collection[int] | None = None) -> ScoringState:
    """Take facts as they arrive, the state packed before those in ``cuts``, or each, as the service does."""
    known: list[Fact] = []
    state: ScoringState | None = None
    for number, fact in enumerate(facts):
        if state is not None and (cuts is None or number in cuts):
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=ScoringState)
        known.append(fact)
        state = advance(models, state, fact) if is_in_order(state, fact) else fold(models, known)
    assert state is not None
    return state


def shuffled(facts: Sequence[Fact], random: Random) -> list[Fact]:
    """The facts in another order."""
    order = list(facts)
    random.shuffle(order)
    return order


def check_told_in_time(models: ModelSet, facts: Sequence[Fact], random: Random, *, until: Instant) -> None:
    """Tell one lead's facts in any order, clocks ringing in between; the last word is the tier held."""
    world, (ada, *_) = World(models), LEADS
    arriving = shuffled(facts_of(ada, list(facts)), random)
    now = START
    for fact in arriving:
        now = max(now, fact.received)
        world.learn([learn_fact(fact)], until=random.choice([None, now]))
        world.check_clock(ada)
    world.learn([], until=until)
    world.check_clock(ada)
    last = {row.change.model: row.change.to_tier for row in world.told}
    for score in score_at(models, arriving, as_of=until):
        assert last.get(score.model, models.by_name[score.model].tiers[0].name) == score.tier
