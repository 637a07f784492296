"""A version in shadow scores every lead apart: nobody is told, and nothing live is changed."""

from __future__ import annotations

from typing import Any

import pytest

from services.scoring.api.model_desk import show_comparison
from services.scoring.domain.life.steps import ShadowModel
from services.scoring.jobs.life.shadowing import Shadowing
from services.scoring.queries.model_book import NoShadow
from services.scoring.store.shadowing import look_at_portion
from shared.contracts.topics import SCORES, TIER_CHANGES
from shared.kernel.instants import MINUTE
from tests.services.scoring.deeds import Deeds, lead_id
from tests.services.scoring.life.desk import Author, five_step
from tests.services.scoring.life.test_publishing import PEOPLE, changes, everybody_is_warm
from tests.services.scoring.stand import Stand
from tests.unit.scoring.stories import START, day

pytestmark = pytest.mark.lasts(10)


async def look(stand: Stand, author: Author) -> dict[str, Any]:
    """Let the pass and the shadow come to their ends, each portion by a process of its own; compare."""
    await author.renew()
    while await Shadowing(stand.database, stand.rulings, clock=stand.clock, portion=2).step():
        pass
    return show_comparison(await author.desk.book.compare_shadow("five_step")).model_dump()


async def test_a_shadow_falls_on_every_lead_and_is_compared_with_the_live_version(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    await everybody_is_warm(small_stand, deeds)
    said = [len(await small_stand.records(topic)) for topic in (TIER_CHANGES.name, SCORES.name)]
    await author.have_validated(five_step(2, warm=40))
    await author.take(ShadowModel, version=2)
    found = await look(small_stand, author)
    assert (found["version"], found["leads"], found["differing"]) == (2, 5, 5)
    assert found["tiers"] == [{"live": "warm", "shadow": "cold", "leads": 5}]
    assert {one["lead"]: (one["live_points"], one["points"]) for one in found["items"]} == {
        lead_id(who): (35, 35) for who in ("ada", "bob", "cyd", "dan", "eve")
    }
    assert [len(await small_stand.records(topic)) for topic in (TIER_CHANGES.name, SCORES.name)] == said
    assert await author.desk.book.find_shadow_changes("five_step") == []
    assert await small_stand.breaches() == []


async def test_what_a_shadow_would_tell_is_kept_apart_also_where_time_alone_does_it(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    await everybody_is_warm(small_stand, deeds)
    await author.have_validated(five_step(2, hot=45))
    await author.take(ShadowModel, version=2)
    await look(small_stand, author)
    await small_stand.learn(deeds.viewed("ada", START + MINUTE))
    await look(small_stand, author)
    (rose,) = await author.desk.book.find_shadow_changes("five_step")
    assert (rose["lead"], rose["from_tier"], rose["to_tier"]) == (lead_id("ada"), "warm", "hot")
    assert await small_stand.value("SELECT count(*) FROM timer") == 0
    small_stand.clock.advance_to(day(90))
    await look(small_stand, author)
    _, fell = await author.desk.book.find_shadow_changes("five_step")
    assert (fell["from_tier"], fell["to_tier"]) == ("hot", "warm")
    assert START < fell["at"] < day(90)
    assert await changes(small_stand) == ["cold > warm"] * 5
    assert await small_stand.breaches() == []


async def test_of_two_processes_one_looks_at_a_time_so_that_none_keeps_what_it_saw_earlier(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    """The crash matrix: two looked at one lead, and what the slower one had seen stayed."""
    stand = small_stand
    await everybody_is_warm(stand, deeds)
    await author.have_validated(five_step(2, hot=45))
    await author.take(ShadowModel, version=2)
    await look(stand, author)
    await stand.learn(deeds.forgotten("bob", START + MINUTE))
    async with stand.database.transaction() as slow:
        assert await look_at_portion(slow, stand.rulings, now=stand.clock.now())
        await stand.learn(deeds.viewed("bob", START + MINUTE), deeds.viewed("ada", START + MINUTE))
        assert not await Shadowing(stand.database, stand.rulings, clock=stand.clock).step()
    assert await Shadowing(stand.database, stand.rulings, clock=stand.clock).step()
    (rose,) = await author.desk.book.find_shadow_changes("five_step")
    assert (rose["lead"], rose["from_tier"], rose["to_tier"]) == (lead_id("ada"), "warm", "hot")


async def test_what_let_a_lead_be_looked_at_decides_how_it_is_looked_at(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    """A look that had begun when nothing was in shadow swept away what was to be looked at since."""
    stand = small_stand
    await everybody_is_warm(stand, deeds)
    await author.have_validated(five_step(2, warm=40))
    async with stand.database.transaction() as begun:
        await begun.fetch_value("SELECT 1")
        await author.take(ShadowModel, version=2)
        await author.renew()
        assert await look_at_portion(begun, stand.rulings, now=stand.clock.now())
    assert await stand.value("SELECT count(*) FROM shadow_score") == len(PEOPLE)


async def test_a_shadow_that_has_ended_looks_at_nobody_any_more(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    await everybody_is_warm(small_stand, deeds)
    await author.have_validated(five_step(2, warm=40))
    await author.take(ShadowModel, version=2)
    await look(small_stand, author)
    await author.take(ShadowModel, version=0)
    await small_stand.learn(deeds.viewed("ada", START + MINUTE))
    assert await small_stand.value("SELECT count(*) FROM shadow_due") == 0
    with pytest.raises(NoShadow):
        await author.desk.book.compare_shadow("five_step")


async def test_somebody_who_was_forgotten_casts_no_shadow(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    await everybody_is_warm(small_stand, deeds)
    await author.have_validated(five_step(2, warm=40))
    await author.take(ShadowModel, version=2)
    await look(small_stand, author)
    await small_stand.learn(deeds.forgotten("ada", START + MINUTE))
    found = await look(small_stand, author)
    assert found["leads"] == 4
    assert lead_id("ada") not in {one["lead"] for one in found["items"]}
