"""Whatever arrives in whatever order and cut into whatever batches: the same tables, and sums that fit."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from services.analytics.domain.derivation import Derivation
from services.analytics.domain.facts import scrubbed
from services.analytics.domain.history import By
from services.analytics.domain.outcomes import Contribution, ConversionKey
from tests.examples import tried
from tests.unit.analytics.histories import an_instant, history
from tests.unit.analytics.oracle import Oracle, Outcome
from tests.unit.analytics.telling import Told, learn, rulebook
from tests.unit.analytics.world import World

# a seed does not shrink: the histories are made from it by hand
AS_MANY = settings(max_examples=tried(100), deadline=None, phases=(Phase.explicit, Phase.generate))
SEEDS = st.integers(0, 2**48)
RULES = rulebook()

pytestmark = pytest.mark.lasts(15)

BYS: tuple[By, ...] = ("campaign", "channel", "source")
CONTRIBUTIONS: tuple[Contribution, ...] = ("won", "paid")


def play(said: list[Told], random: Random) -> World:
    """Deliver everything in some order, in batches of any size, some of it twice."""
    world = World(RULES)
    waiting = [learn(one, RULES) for one in said]
    waiting += random.choices(waiting, k=len(waiting) // 4)
    random.shuffle(waiting)
    while waiting:
        size = random.randint(1, 6)
        world.learn(waiting[:size])
        del waiting[:size]
    return world


def key_of(outcome: Outcome) -> ConversionKey:
    return ConversionKey("paid" if outcome.payment else "won", outcome.opportunity, outcome.payment)


@AS_MANY
@given(SEEDS)
def test_credits_are_what_a_fold_by_hand_makes_of_all_events_and_sum_to_each_outcome(seed: int) -> None:
    random = Random(seed)
    said = history(random)
    world = play(said, random)
    expected = Oracle(said).outcomes()
    assert world.sharings.keys() == {key_of(one) for one in expected}
    for one in expected:
        conversion, credits_ = world.sharings[key_of(one)]
        assert (conversion.event, conversion.profile) == (one.event, one.profile)
        assert (conversion.minor, conversion.currency) == (one.minor, one.currency)
        for model, earned in one.earned.items():
            shares = {credit.touch: credit.minor for credit in credits_ if credit.model == model}
            assert shares == earned
            assert sum(shares.values()) == one.minor


@AS_MANY
@given(SEEDS)
def test_any_other_order_gives_the_same_tables(seed: int) -> None:
    random = Random(seed)
    said = history(random)
    first, second = play(said, random), play(said, random)
    for name in ("facts", "rows", "homes", "erased", "opportunities", "sharings"):
        assert getattr(first, name) == getattr(second, name), name


@AS_MANY
@given(SEEDS)
def test_reports_as_of_an_instant_are_what_a_fold_by_hand_makes_of_what_was_known(seed: int) -> None:
    random = Random(seed)
    said = history(random)
    as_of, known_at = (random.choice((None, an_instant(random))) for _ in range(2))
    rows = play(said, random).history().until(as_of=as_of, known_at=known_at)
    oracle = Oracle(said, as_of=as_of, known_at=known_at)
    model, by = random.choice(tuple(RULES.crediting.models)), random.choice(BYS)
    for contribution in CONTRIBUTIONS:
        report = rows.attribution(RULES.crediting, model=model, by=by, contribution=contribution)
        found = {(row.key, row.currency): row.minor for row in report}
        assert found == oracle.attribution(model, by, payments=contribution == "paid")
    for with_invalid in (True, False):
        funnel = {
            row.key: (row.leads, row.mqls, row.sqls, row.opportunities, row.customers, dict(row.won))
            for row in rows.funnel(by=by, with_invalid=with_invalid)
        }
        assert funnel == oracle.funnel(by, with_invalid=with_invalid)


@AS_MANY
@given(SEEDS)
def test_rows_can_be_derived_again_from_what_is_kept_of_facts_also_of_erased_people(seed: int) -> None:
    random = Random(seed)
    world = play(history(random, most=12), random)
    derivation = Derivation(RULES.crediting.touches, RULES.goals)
    derived = [row for fact in world.facts.values() for row in derivation.rows_of(fact)]
    assert sorted(map(repr, derived)) == sorted(map(repr, world.rows.values()))
    for fact in world.facts.values():
        if fact.profile in world.erased:
            assert fact == scrubbed(fact)
            assert fact.message_id is None
