"""Publishing, sharing out and rolling back: nothing is told of the past, and nobody's clock stands wrong."""

from __future__ import annotations

import pytest

from services.scoring.domain.life.deciding import AlreadySo
from services.scoring.domain.life.ruling import is_in_share
from services.scoring.domain.life.steps import DraftModel, PublishModel
from services.scoring.store.scoring_models.passes import PATIENCE
from shared.kernel.faults import Faults
from shared.kernel.instants import DAY, MINUTE
from shared.processor.tables import timers
from tests.services.scoring.deeds import Deeds, lead_id
from tests.services.scoring.life.desk import Author, five_step
from tests.services.scoring.stand import Stand
from tests.unit.scoring.stories import START, day

pytestmark = pytest.mark.lasts(15)

PEOPLE = ("ada", "bob", "cyd", "dan", "eve")


async def everybody_is_warm(stand: Stand, deeds: Deeds) -> None:
    """Five people of 35 points: warm by version 1, which asks for more than 30."""
    words = [
        deeds.is_known_as(who, START, industry="pharma", title_level="director", size="500_plus")
        for who in PEOPLE
    ]
    await stand.start_worker()
    await stand.learn(*words)


async def tiers_of(stand: Stand) -> dict[str, tuple[int, str]]:
    """The version and tier in five_step that the compacted topic has of everybody."""
    latest = await stand.latest_scores()
    return {
        who: (score.model_version, score.tier)
        for who in PEOPLE
        for score in latest[lead_id(who)].scores
        if score.model == "five_step"
    }


async def changes(stand: Stand) -> list[str]:
    """Every change of tier in five_step that was told."""
    return [told.change for who in PEOPLE for told in await stand.changes_of(who)]


async def test_idle_leads_come_under_the_published_version_and_nothing_is_told_of_the_past(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    await everybody_is_warm(small_stand, deeds)
    told = await changes(small_stand)
    assert told == ["cold > warm"] * 5
    await author.publish(five_step(2, warm=40))
    assert await tiers_of(small_stand) == dict.fromkeys(PEOPLE, (1, "warm"))
    await author.renew()
    assert await tiers_of(small_stand) == dict.fromkeys(PEOPLE, (2, "cold"))
    assert await changes(small_stand) == told
    assert await small_stand.breaches() == []


async def test_what_is_learnt_after_a_publication_is_told_under_it_before_the_pass_has_come_by(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    await everybody_is_warm(small_stand, deeds)
    await author.publish(five_step(2, warm=40))
    await small_stand.learn(deeds.asked_for_demo("ada", START + MINUTE))
    assert [told.change for told in await small_stand.changes_of("ada")] == ["cold > warm", "cold > warm"]
    await author.renew()
    assert len(await changes(small_stand)) == 6
    assert await small_stand.breaches() == []


async def test_a_fall_that_the_new_version_brings_earlier_is_told_at_its_instant(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    await everybody_is_warm(small_stand, deeds)
    await small_stand.learn(deeds.asked_for_demo("ada", START + MINUTE), deeds.viewed("ada", START + MINUTE))
    assert [told.change for told in await small_stand.changes_of("ada")] == ["cold > warm", "warm > hot"]
    before = await clock_of(small_stand, "ada")
    await author.publish(five_step(2, hot=69))
    await author.renew()
    after = await clock_of(small_stand, "ada")
    assert after < before
    await small_stand.pass_to(after)
    fell = (await small_stand.changes_of("ada"))[-1]
    assert (fell.change, fell.at) == ("hot > warm", after)
    assert await small_stand.breaches() == []


async def clock_of(stand: Stand, who: str) -> int:
    """For when somebody's clock is set."""
    async with stand.database.connection() as connection:
        return (await timers.load_timers(connection, keys=[lead_id(who)]))[lead_id(who)]["cooling"]


async def test_a_rollback_is_one_step_and_everything_is_as_it_was(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    await everybody_is_warm(small_stand, deeds)
    told = await changes(small_stand)
    await author.publish(five_step(2, warm=40))
    await author.renew()
    await author.roll_back()
    await author.renew()
    assert await tiers_of(small_stand) == dict.fromkeys(PEOPLE, (1, "warm"))
    assert await changes(small_stand) == told
    steps = await author.desk.book.find_history("five_step")
    assert [(step["step"], step["version"], step["by"]) for step in steps] == [
        ("shipped", 1, "Ann"),
        ("drafted", 2, "Ann"),
        ("validated", 2, "Ann"),
        ("published", 2, "Ann"),
        ("rolled_back", 1, "Ann"),
    ]
    assert await small_stand.breaches() == []


async def test_a_share_rules_its_leads_and_leaves_the_others_alone(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    await everybody_is_warm(small_stand, deeds)
    told = await changes(small_stand)
    await author.have_validated(five_step(2, warm=40))
    for percent in (50, 90, 0):
        await author.share(2, percent)
        await author.renew()
        expected = {
            who: (2, "cold") if is_in_share("five_step", lead_id(who), percent) else (1, "warm")
            for who in PEOPLE
        }
        assert await tiers_of(small_stand) == expected
        assert await small_stand.breaches() == []
    assert await changes(small_stand) == told


async def test_wherever_the_pass_is_stopped_whoever_comes_next_brings_it_to_the_same_end(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    await everybody_is_warm(small_stand, deeds)
    await author.publish(five_step(2, warm=40))
    steps = 0
    while not (await author.desk.book.find_progress()).is_done:
        # a process of its own takes each step, and a worker that was stopped works it off
        await small_stand.stop_worker()
        await Author(small_stand).renewing.step()
        await small_stand.start_worker()
        await small_stand.settle()
        steps += 1
    assert steps > 3
    assert await tiers_of(small_stand) == dict.fromkeys(PEOPLE, (2, "cold"))
    assert len(await changes(small_stand)) == 5
    assert await small_stand.breaches() == []


async def test_the_next_portion_waits_until_the_one_before_is_nearly_worked_off(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    await everybody_is_warm(small_stand, deeds)
    await author.publish(five_step(2, warm=40))
    await small_stand.stop_worker()
    assert [await author.renewing.step() for _ in range(4)] == [True, True, False, False]
    assert await small_stand.value("SELECT count(*) FROM timer WHERE name = 'renewal'") == 2
    await small_stand.start_worker()
    await small_stand.settle()
    assert await author.renewing.step()


async def test_a_partition_that_stands_still_holds_up_its_own_leads_and_the_end_and_no_others(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    await everybody_is_warm(small_stand, deeds)
    await author.publish(five_step(2, warm=40))
    await small_stand.stop_worker()
    steps = []
    for _ in range(5):
        steps += [await author.renewing.step(), await author.renewing.step()]
        small_stand.clock.advance_to(small_stand.clock.now() + PATIENCE)
    assert steps == [True, True, True, False, True, False, False, False, False, False]
    assert await small_stand.value("SELECT count(*) FROM timer WHERE name = 'renewal'") == len(PEOPLE)
    await small_stand.start_worker()
    await author.renew()
    assert await tiers_of(small_stand) == dict.fromkeys(PEOPLE, (2, "cold"))
    assert await small_stand.breaches() == []


async def test_the_pass_waits_for_whoever_may_still_save_by_the_older_ruling(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    await everybody_is_warm(small_stand, deeds)
    async with small_stand.database.transaction() as older:
        await older.fetch_value("SELECT pg_current_xact_id()")
        await author.publish(five_step(2, warm=40))
        assert [await author.renewing.step() for _ in range(3)] == [True, False, False]
    assert await author.renewing.step()


async def test_a_batch_that_was_folded_before_a_step_is_folded_again_after_it(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    await everybody_is_warm(small_stand, deeds)
    await author.have_validated(five_step(2, warm=40))
    store = small_stand.stage
    async with small_stand.database.connection() as connection:
        loaded = await store.load(connection, {lead_id("ada"): []})
    await author.take(PublishModel, version=2)
    from shared.processor.stage import Write

    found = loaded[lead_id("ada")]
    write = Write(lead_id("ada"), 0, found.version + 1, found.state, ())
    async with small_stand.database.transaction() as transaction:
        assert await store.save(transaction, [write]) == 0


async def test_every_fault_of_a_draft_is_told_with_its_path_and_nothing_is_kept(
    small_stand: Stand, author: Author
) -> None:
    with pytest.raises(Faults) as refused:
        await author.take(DraftModel, text="name: five_step\nversion: 2\ngroups: []\ntiers: {}\nfoo: 1\n")
    assert {fault.path for fault in refused.value.faults} >= {"groups", "tiers", "foo"}
    with pytest.raises(Faults, match="make it 2"):
        await author.take(DraftModel, text=five_step(1))
    with pytest.raises(Faults, match="another model's"):
        await author.take(DraftModel, text=five_step(2), model="mql")
    assert await small_stand.value("SELECT count(*) FROM model_step") == 0


async def test_a_command_that_is_sent_twice_is_one_step(small_stand: Stand, author: Author) -> None:
    await author.have_validated(five_step(2))
    command = PublishModel(model="five_step", by="Ann", why="once", version=2)
    now = small_stand.clock.now()
    first = await author.desk.run(command, received=now, idempotency_key="k")
    assert await author.desk.run(command, received=now, idempotency_key="k") == first
    with pytest.raises(AlreadySo):
        await author.desk.run(command, received=now, idempotency_key="another")


async def test_a_draft_is_tried_on_the_leads_there_are(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    await everybody_is_warm(small_stand, deeds)
    small_stand.clock.advance_to(day(1) + DAY)
    await author.have_validated(five_step(2, warm=40))
    step = (await author.desk.book.find_history("five_step"))[-1]
    assert step["details"] == {"leads": 5, "facts": 5, "tiers": {"cold": 5}}
