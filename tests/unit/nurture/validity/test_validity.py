"""Invalid leads (I5): nothing is sent to them, and a valid one goes on where it was."""

from __future__ import annotations

from services.nurture.domain import learnt
from services.nurture.domain.engagements import BOUNCE, engagement
from shared.contracts.events import nurture
from shared.kernel.instants import DAY, MINUTE
from tests.unit.nurture.stories import ADA, START, World


def judged(world: World, number: int) -> None:
    """The n-th verdict about Ada; they take turns, and the first says that she is invalid."""
    world.learn(learnt.VerdictTold(ADA, number, number % 2 == 1))


def steps(world: World) -> list[str]:
    return [one.step for one in world.sent(ADA)]


def exits(world: World) -> list[str]:
    return [one.event.reason for one in world.said if isinstance(one.event, nurture.SequenceExited)]


def test_whoever_is_found_invalid_leaves_the_sequence_at_once_and_gets_no_more_mail() -> None:
    world = World()
    world.becomes_b()
    world.pass_to(START + MINUTE)
    before = steps(world)
    judged(world, 1)
    world.pass_to(START + 30 * DAY)
    assert steps(world) == before
    assert exits(world) == ["invalid"]


def test_a_message_that_waits_is_not_sent_once_its_lead_is_invalid() -> None:
    world = World()
    world.becomes_b()
    judged(world, 1)
    world.pass_to(START + DAY)
    assert steps(world) == []


def test_whoever_is_valid_after_all_goes_on_with_the_steps_that_are_left() -> None:
    untouched, world = World(), World()
    for one in (untouched, world):
        one.becomes_b()
        one.pass_to(START + MINUTE)
    judged(world, 1)
    judged(world, 2)
    for one in (untouched, world):
        one.pass_to(START + 30 * DAY)
    assert steps(world) == steps(untouched)
    assert len(set(steps(world))) == len(steps(world)), "nothing is sent twice"


def test_an_invalid_lead_begins_no_sequence() -> None:
    world = World()
    world.reaches()
    judged(world, 1)
    world.tier("B")
    world.pass_to(START + 30 * DAY)
    assert steps(world) == []


def test_of_verdicts_that_come_in_any_order_the_highest_number_holds() -> None:
    world = World()
    world.reaches()
    judged(world, 3)
    judged(world, 2)
    world.tier("B")
    world.pass_to(START + DAY)
    assert steps(world) == []
    judged(world, 4)
    world.pass_to(START + 2 * DAY)
    assert steps(world) != []


def test_a_mailbox_that_does_not_exist_is_one_bounce_however_often_it_is_told() -> None:
    ids = {engagement("m", BOUNCE, at=START + minutes * MINUTE).id for minutes in (0, 40, 500)}
    assert len(ids) == 1
