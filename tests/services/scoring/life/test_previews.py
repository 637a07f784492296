"""What a publication would change is counted before it happens, and telling the past tells exactly that."""

from __future__ import annotations

import asyncio

import pytest

from services.scoring.bootstrap import build_rehearsal
from services.scoring.domain.life.deciding import CountedOtherwise, StillTelling
from services.scoring.domain.life.steps import PublishModel, ShareModel
from services.scoring.jobs.life.previewing import Previewing
from services.scoring.queries.live_ruling import FRESH_FOR
from services.scoring.store.scoring_models.shelf import Shelf
from shared.contracts.envelope import decode_envelope
from shared.contracts.events.assignments import LeadAssigned
from shared.contracts.events.tier_changes import TierChanged
from shared.kernel.instants import HOUR, to_datetime
from tests.services.scoring.deeds import Deed, Deeds, lead_id
from tests.services.scoring.life.desk import Author, five_step
from tests.services.scoring.life.test_publishing import PEOPLE, changes, everybody_is_warm
from tests.services.scoring.stand import Stand
from tests.unit.scoring.stories import CONFIG, START

pytestmark = pytest.mark.lasts(10)


def assigned(deeds: Deeds, who: str, rep: str) -> Deed:
    """A lead is given to a rep."""
    event = LeadAssigned(
        lead=lead_id(who),
        rep=rep,
        assignment=f"a-{who}",
        team="t",
        rule="r",
        rule_version=1,
        strategy="named",
        reason="mql_a",
        due=to_datetime(START + HOUR),
    )
    return deeds.say(event, key=lead_id(who), at=START)


async def count(stand: Stand, author: Author, version: int) -> dict[str, object]:
    """Count in portions of two, each by a process of its own."""
    await author.desk.previews.begin("five_step", version)
    while await Previewing(stand.database, Shelf(CONFIG), clock=stand.clock, portion=2).step():
        pass
    return (await author.desk.find_preview("five_step", version)).model_dump()


async def test_a_preview_counts_who_would_rise_and_fall_and_whose_leads_they_are(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    await everybody_is_warm(small_stand, deeds)
    await small_stand.learn(assigned(deeds, "ada", "r-1"), assigned(deeds, "bob", "r-1"))
    await author.have_validated(five_step(2, warm=40))
    found = await count(small_stand, author, 2)
    assert {name: found[name] for name in ("done", "holds", "leads", "affected", "up", "down")} == {
        "done": True,
        "holds": True,
        "leads": 5,
        "affected": 5,
        "up": 0,
        "down": 5,
    }
    assert found["moves"] == {"warm > cold": 5}
    assert found["owners"] == {"": {"up": 0, "down": 3}, "r-1": {"up": 0, "down": 2}}
    assert await small_stand.breaches() == []


async def test_the_past_is_told_as_it_was_counted_once_each_and_not_again_by_the_rollback(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    await everybody_is_warm(small_stand, deeds)
    await author.have_validated(five_step(2, warm=40))
    found = await count(small_stand, author, 2)
    with pytest.raises(CountedOtherwise):
        await author.take(PublishModel, version=2, tells_past=True, expected=4)
    await author.take(PublishModel, version=2, tells_past=True, expected=found["affected"])
    with pytest.raises(StillTelling):
        await author.take(ShareModel, version=1, percent=50)
    await small_stand.learn(deeds.viewed("ada", START + HOUR, kind="article"))
    await author.renew()
    assert await changes(small_stand) == ["cold > warm", "warm > cold"] * len(PEOPLE)
    await author.renew()
    await author.roll_back()
    await author.renew()
    assert len(await changes(small_stand)) == 2 * len(PEOPLE)
    assert await small_stand.breaches() == []


async def test_what_an_import_would_start_is_told_by_what_is_live(
    small_stand: Stand, deeds: Deeds, author: Author, database_url: str
) -> None:
    rehearse = build_rehearsal(CONFIG.parent, database_url=database_url)

    async def foreseen() -> list[str]:
        small_stand.clock.advance_to(small_stand.clock.now() + FRESH_FOR)
        said = deeds.is_known_as(
            "gil", small_stand.clock.now(), industry="pharma", title_level="director", size="500_plus"
        )
        emissions = await asyncio.to_thread(rehearse, [decode_envelope(said.record.value or b"")])
        changed = [one.event for one in emissions if isinstance(one.event, TierChanged)]
        return [f"{one.to_tier} by {one.model_version}" for one in changed if one.model == "five_step"]

    assert await foreseen() == ["warm by 1"]
    await author.have_validated(five_step(2, warm=40))
    assert await foreseen() == ["warm by 1"]
    await author.take(PublishModel, version=2)
    assert await foreseen() == []
    await author.publish(five_step(3, warm=35), version=3)
    assert await foreseen() == ["warm by 3"]
    await author.roll_back()
    assert await foreseen() == []
    assert await small_stand.value("SELECT count(*) FROM lead") == 0


async def test_where_scoring_keeps_no_tables_its_documents_tell_what_would_start(
    deeds: Deeds, database_url: str
) -> None:
    rehearse = build_rehearsal(CONFIG.parent, database_url=database_url)
    said = deeds.is_known_as("gil", START, industry="pharma", title_level="director", size="500_plus")
    emissions = await asyncio.to_thread(rehearse, [decode_envelope(said.record.value or b"")])
    assert "five_step" in {one.event.model for one in emissions if isinstance(one.event, TierChanged)}


async def test_a_preview_from_before_another_step_does_not_hold_any_more(
    small_stand: Stand, deeds: Deeds, author: Author
) -> None:
    await everybody_is_warm(small_stand, deeds)
    await author.have_validated(five_step(2, warm=40))
    found = await count(small_stand, author, 2)
    await author.share(2, 50)
    assert (await author.desk.find_preview("five_step", 2)).holds is False
    with pytest.raises(CountedOtherwise):
        await author.take(PublishModel, version=2, tells_past=True, expected=found["affected"])
