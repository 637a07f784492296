"""Nobody whom an import holds enters a sequence (I11)."""

from __future__ import annotations

from typing import Any

import pytest

from services.nurture.domain import learnt
from services.nurture.domain.course import reasons
from services.nurture.domain.leads import Contact
from shared.contracts.events import nurture
from tests.unit.nurture.stories import ADA, BEN, World, rules, shanghai


def hold(world: World, lead: str = ADA, *, is_invalid: bool = False) -> None:
    world.learn(learnt.ProfileTold(lead, lead, {}, world.now, is_held=True, is_invalid=is_invalid))


def release(world: World, lead: str = ADA) -> None:
    world.learn(learnt.ProfileReleased(lead, lead))


def test_i11_a_held_lead_gets_no_mail_however_long_and_is_told_why() -> None:
    world = World()
    hold(world)
    world.becomes_b()
    world.pass_to(shanghai("2026-06-01T10:00"))
    assert world.said == []
    assert world.timers == {}
    assert set(reasons(world.desk, rules(), ADA).values()) >= {"held"}


def test_i11_a_released_lead_enters_where_it_belongs_by_then() -> None:
    world = World()
    hold(world)
    world.becomes_b()
    assert world.where() == ""
    world.pass_to(shanghai("2026-03-20T10:00"))
    release(world)
    assert world.where() != ""
    assert len(world.events(nurture.LeadEnrolled)) == 1


def test_i11_one_that_the_table_calls_invalid_gets_no_mail_after_its_release_either() -> None:
    world = World()
    hold(world, is_invalid=True)
    world.becomes_b()
    release(world)
    assert world.where() == ""


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (1, 2, 0), (2, 1, 0)])
def test_i11_whatever_topic_is_read_first_a_held_lead_enters_nothing(order: tuple[int, ...]) -> None:
    world = World()
    facts: list[Any] = [
        learnt.ProfileTold(ADA, ADA, {}, world.now, is_held=True),
        learnt.ContactTold(Contact(lead=ADA, version=1, email="a@example.com")),
        learnt.TierTold(ADA, "mql", "B", "up"),
    ]
    for place in order:
        world.learn(facts[place])
    assert world.said == []


def test_i11_somebody_known_goes_on_with_their_mails_when_a_held_profile_turns_out_to_be_theirs() -> None:
    world = World()
    world.becomes_b()
    was = world.where()
    hold(world, BEN)
    world.learn(learnt.ProfileMoved(BEN, ADA, BEN, 1))
    assert world.where() == was != ""
    release(world, BEN)
    assert world.where() == was
    assert world.exits() == []
