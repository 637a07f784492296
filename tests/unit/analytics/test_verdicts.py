"""Verdicts that come late (I5): credits and funnels follow in any order, and outcomes stay whole."""

from __future__ import annotations

from itertools import permutations

from services.analytics.domain.derivation import Derivation
from services.analytics.domain.outcomes import ConversionKey
from shared.kernel.instants import HOUR
from tests.unit.analytics import telling
from tests.unit.analytics.telling import START, Told, day, learn, rulebook, told
from tests.unit.analytics.world import World

RULES = rulebook()
DEAL = ConversionKey("won", "OP-1")

CAPTURED = told(telling.captured("p", source="fair"), START, name="captured")
VISIT = told(telling.visited("p", "paid_search", "spring"), START, name="visit")
FAIR = told(telling.attended("p", "spring-fair"), day(1), name="fair")
WON = told(telling.won("p", "OP-1", 9_000), day(2), name="won")


def world_of(*said: Told) -> World:
    """What is known after all of this, each in a batch of its own."""
    world = World(RULES)
    for one in said:
        world.learn([learn(one, RULES)])
    return world


def earned(world: World, *, model: str = "linear") -> dict[str, int]:
    """What touches earned of the deal."""
    return {one.touch: one.minor for one in world.sharings[DEAL].credits if one.model == model}


def invalid(number: int, *, at: float, reason: str = "bot") -> Told:
    return told(telling.judged("p", reason, number), day(at), name=f"verdict-{number}")


def valid(number: int, *, at: float, pardons: bool = False) -> Told:
    return told(telling.judged("p", "", number, pardons=pardons), day(at), name=f"verdict-{number}")


def burst(number: int, *, at: float, dismissed: str = "burst") -> Told:
    judged = telling.act_judged("p", VISIT.id, dismissed, number)
    return told(judged, day(at), name=f"act-verdict-{number}")


def test_what_an_invalid_lead_did_earns_nothing_and_its_deal_is_unattributed_to_the_cent() -> None:
    world = world_of(CAPTURED, VISIT, FAIR, WON, invalid(1, at=3))
    for model in RULES.crediting.models:
        assert earned(world, model=model) == {"": 9_000}
    assert world.opportunities["OP-1"].status == "won", "money that came is no act of a bot"


def test_a_lead_that_is_valid_again_has_its_credits_again() -> None:
    before = world_of(CAPTURED, VISIT, FAIR, WON)
    after = world_of(CAPTURED, VISIT, FAIR, WON, invalid(1, at=3), valid(2, at=4))
    assert earned(after) == earned(before) == {"visit": 4_500, "fair": 4_500}
    assert after.sharings == before.sharings


def test_a_verdict_says_the_same_before_the_touches_between_them_and_after_the_deal() -> None:
    said = (VISIT, FAIR, WON, invalid(1, at=3), valid(2, at=4), invalid(3, at=5))
    outcomes = {str(sorted(earned(world_of(*order)).items())) for order in permutations(said)}
    assert outcomes == {"[('', 9000)]"}


def test_an_act_that_turns_out_late_to_be_a_burst_is_no_touch_and_one_that_counts_after_all_is() -> None:
    assert earned(world_of(VISIT, FAIR, WON, burst(1, at=3))) == {"fair": 9_000}
    after = world_of(burst(2, at=4, dismissed=""), VISIT, FAIR, WON, burst(1, at=3))
    assert earned(after) == {"visit": 4_500, "fair": 4_500}


def test_what_was_dismissed_when_it_was_told_counts_once_the_lead_is_called_valid_with_its_acts() -> None:
    event = telling.visited("p", "paid_search", "spring", dismissed="bot")
    machine = told(event, START, name="machine")
    assert earned(world_of(machine, FAIR, WON)) == {"fair": 9_000}
    pardoned = world_of(machine, FAIR, WON, invalid(1, at=3), valid(2, at=4, pardons=True))
    assert earned(pardoned) == {"machine": 4_500, "fair": 4_500}
    later = told(event, day(1.5), received=day(5), name="later")
    assert "later" not in earned(world_of(machine, FAIR, later, WON, valid(2, at=4, pardons=True)))


def test_a_verdict_about_one_of_two_that_became_one_lead_withdraws_what_that_one_did() -> None:
    other = told(telling.visited("q", "referral", "partner"), START + HOUR, name="other")
    merged = told(telling.moved("q", "p", 1), day(1), name="move")
    assert earned(world_of(VISIT, other, merged, WON, invalid(1, at=3))) == {"other": 9_000}


def test_as_it_was_known_before_the_verdict_the_deal_is_credited_as_it_was() -> None:
    history = world_of(CAPTURED, VISIT, FAIR, WON, invalid(1, at=3)).history()
    ((_, then),) = history.until(known_at=day(2.5)).sharings(RULES.crediting)
    assert {one.touch for one in then} == {"visit", "fair"}
    ((_, now),) = history.until(as_of=day(2.5)).sharings(RULES.crediting)
    assert {one.touch for one in now} == {""}, "a verdict is knowledge, and counts by when it was received"


def test_the_funnel_leaves_out_who_is_invalid_and_still_tells_where_they_came_from() -> None:
    history = world_of(CAPTURED, VISIT, WON, invalid(1, at=3)).history()
    assert history.funnel(by="source", with_invalid=False) == []
    (row,) = history.funnel(by="channel")
    assert (row.key, row.leads, row.won) == ("paid_search", 1, {"CNY": 9_000})
    (row,) = history.funnel(by="source")
    assert row.key == "fair"


def test_what_is_kept_of_an_erased_persons_verdicts_and_dismissed_acts_says_the_same() -> None:
    event = telling.visited("p", "paid_search", "spring", dismissed="bot")
    said = (told(event, START, name="machine"), FAIR, WON, burst(1, at=2.5), invalid(1, at=3))
    before = world_of(*said)
    after = world_of(*said, told(telling.erased("p"), day(6), name="erased"))
    assert after.sharings == before.sharings
    derivation = Derivation(RULES.crediting.touches, RULES.goals)
    for fact in after.facts.values():
        kept = {row for row in after.rows.values() if row.event == fact.id}
        assert set(derivation.rows_of(fact)) == kept
