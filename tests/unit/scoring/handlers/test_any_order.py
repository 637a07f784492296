"""Whatever order facts and moves arrive in, and however often: once it is quiet, all agree."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.facts import ATTRIBUTES, Fact, external_ids_in, in_order
from services.scoring.domain.ledger import total
from services.scoring.domain.questions import explain_at, tier_history
from services.scoring.domain.running_score import fold
from services.scoring.domain.scored_lead import digest_of
from services.scoring.domain.tiers import tier_at
from services.scoring.handlers.interpreting import ProfileDeparted, ProfileMoved
from shared.kernel.changes import Fact as Learned
from shared.kernel.instants import DAY, HOUR, Instant, from_datetime
from tests.examples import tried
from tests.unit.scoring.handlers.plots import LEADS, Plot, play, plots
from tests.unit.scoring.handlers.telling import ADA, Told, learn
from tests.unit.scoring.handlers.world import World
from tests.unit.scoring.histories import LONGEST, instants
from tests.unit.scoring.stories import BOTH, START

pytestmark = pytest.mark.lasts(30)

END = START + LONGEST + 600 * DAY
AS_MANY = settings(max_examples=tried(40), deadline=None)
RANDOMS = st.integers(0, 2**32).map(Random)


def counted_in_the_end(plot: Plot, lead: str) -> list[Fact]:
    """The facts of all profiles that live at a lead in the end."""
    facts = [learned.event for learned in plot.learned if isinstance(learned.event, Fact)]
    return [fact for fact in facts if plot.homes[fact.profile] == lead]


@AS_MANY
@given(plots(), RANDOMS, instants())
def test_once_it_is_quiet_all_agree(plot: Plot, random: Random, at: Instant) -> None:
    world = World()
    delivered = play(world, plot, random)
    check_that_one_cause_tells_one_change_and_none_of_whoever_loses_facts(world, delivered)
    for lead in LEADS:
        counted = counted_in_the_end(plot, lead)
        check_that_scores_lines_and_histories_are_what_the_facts_say(world, lead, counted, at)
        check_that_the_latest_said_scores_are_right(world, lead, counted)
        check_that_the_digest_names_a_missing_fact(world, lead, random)


def check_that_scores_lines_and_histories_are_what_the_facts_say(
    world: World, lead: str, counted: list[Fact], at: Instant
) -> None:
    stored = world.counted(lead)
    assert in_order(stored) == in_order(counted)
    assert len(stored) == len(counted)
    assert world.kept(lead).score == fold(BOTH, counted)
    assert world.kept(lead).external_ids == external_ids_in(counted)
    answers = explain_at(BOTH, stored, as_of=at)
    assert answers == explain_at(BOTH, counted, as_of=at)
    assert all(sum(line.points for line in lines) == score.points for score, lines in answers)
    assert tier_history(BOTH, stored, until=END) == tier_history(BOTH, counted, until=END)


def check_that_the_latest_said_scores_are_right(world: World, lead: str, counted: list[Fact]) -> None:
    """What was said is what the lead's lines of today were worth then.

    It need not be what is now known of then: a late fact that a newer one had already undone changes
    the past and not the present, so there is nothing to say of it.
    """
    said = world.scores.get(lead)
    if said is None:
        assert not counted
        return
    at, state = from_datetime(said.scores[0].as_of), fold(BOTH, counted)
    for model, of_model in zip(BOTH.models, said.scores, strict=True):
        points, tier, since = 0, 0, from_datetime(of_model.tier_since)
        if state is not None:
            held = state.models[model.name]
            points = total(model, held.slots, at)
            tier, since = tier_at(model, held, at)
        worth = (model.name, points, model.tiers[tier].name, since)
        assert (of_model.model, of_model.points, of_model.tier, from_datetime(of_model.tier_since)) == worth


def test_a_late_fact_that_a_newer_one_has_undone_says_no_scores_again() -> None:
    world, told = World(), Told()
    learn(world, told.demo(at=START), told.fact(ADA, ATTRIBUTES, START + HOUR, industry=None))
    said = world.scores[ADA]
    learn(world, told.fact(ADA, ATTRIBUTES, START, industry="pharma"))
    assert world.scores[ADA] is said
    past, *_ = explain_at(BOTH, world.counted(ADA), as_of=START)
    present, *_ = explain_at(BOTH, world.counted(ADA), as_of=START + HOUR)
    assert (past.score.points, present.score.points, said.scores[0].points) == (30_000, 20_000, 20_000)


def check_that_one_cause_tells_one_change_and_none_of_whoever_loses_facts(
    world: World, delivered: list[Learned]
) -> None:
    causes = {learned.id: learned.event for learned in delivered}
    told = [(row.lead, row.change.model, row.cause) for row in world.told]
    assert len(set(told)) == len(told)
    for row in world.told:
        event = causes.get(row.cause)
        assert not isinstance(event, ProfileDeparted)
        assert not isinstance(event, ProfileMoved) or event.lead == row.lead


def check_that_the_digest_names_a_missing_fact(world: World, lead: str, random: Random) -> None:
    kept, stored = world.kept(lead), sorted(world.facts.get(lead, {}))
    assert (kept.facts, kept.digest) == (len(stored), digest_of(stored))
    if stored:
        missing = random.choice(stored)
        left = digest_of(identity for identity in stored if identity != missing)
        assert int.from_bytes(kept.digest) ^ int.from_bytes(left) == int(missing, 16)


@AS_MANY
@given(plots(), RANDOMS)
def test_what_was_told_last_is_so_and_the_clock_tells_falls_for_their_microsecond(
    plot: Plot, random: Random
) -> None:
    world = World()
    delivered = {learned.id for learned in play(world, plot, random)}
    while any(due <= END for timers in world.timers.values() for due in timers.values()):
        world.learn([], until=END)
    for row in world.told:
        if row.cause not in delivered:  # the clock
            assert (row.change.at, row.change.restated) == (row.told_at, False)
    for lead in LEADS:
        world.check_clock(lead)
        kept = world.kept(lead)
        if kept.lives_at or kept.score is None:
            continue
        history = tier_history(BOTH, world.counted(lead), until=END)
        for model in BOTH.models:
            last = kept.told.tiers.get(model.name)
            crossings = history[model.name]
            tier = crossings[-1].to_tier if crossings else model.tiers[0].name
            assert (last.tier if last else model.tiers[0].name) == tier


@AS_MANY
@given(plots(leads=1, max_facts=12, max_moves=0), RANDOMS)
def test_what_was_told_of_a_lead_that_never_moved_is_one_unbroken_chain(plot: Plot, random: Random) -> None:
    world = World()
    play(world, plot, random)
    tiers = {model.name: model.tiers[0].name for model in BOTH.models}
    for row in world.told:
        assert row.change.from_tier == tiers[row.change.model] != row.change.to_tier
        tiers[row.change.model] = row.change.to_tier
