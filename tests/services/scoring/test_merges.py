"""Merges and un-merges across partitions, on both logs: facts follow their profile, nobody loses any."""

from __future__ import annotations

import pytest

from services.scoring.queries.scores import ScoreQueries
from services.scoring.store.scoring_models.rulings import FixedRulings
from shared.contracts.events.behaviour import DocumentDownloaded
from shared.contracts.events.internal_scoring import FactsMoved
from shared.contracts.events.tier_changes import TierChanged
from shared.contracts.topics import INTERNAL, TIER_CHANGES, partition_of
from shared.kernel.instants import DAY, MINUTE, Instant
from tests.services.scoring.deeds import Deeds, lead_id
from tests.services.scoring.stand import Stand
from tests.services.surroundings.logs import PARTITIONS
from tests.unit.scoring.stories import START, day

pytestmark = pytest.mark.lasts(35)


async def points_of(stand: Stand, who: str, at: Instant) -> float:
    """Points in five_step by the stored facts, where the lead lives."""
    scores = ScoreQueries(stand.database, FixedRulings(stand.models))
    _, answers = await scores.explain_scores(lead_id(who), model="five_step", as_of=at, known_at=None)
    return answers[0].score.points / 1000


async def breaches(stand: Stand) -> list[str]:
    return [breach for finding in await stand.blueprint.check(True) for breach in finding.breaches]


@pytest.fixture
async def two_people(stand: Stand, deeds: Deeds) -> Stand:
    """Ada is known and warm, an anonymous visitor asked for a demo; they live in different partitions."""
    assert partition_of(lead_id("ada"), PARTITIONS) != partition_of(lead_id("visitor"), PARTITIONS)
    await stand.start_worker("one")
    await stand.start_worker("two")
    await stand.learn(
        deeds.is_known_as("ada", START, industry="pharma", title_level="director", size="500_plus"),
        deeds.asked_for_demo("visitor", START + MINUTE),
        deeds.viewed("visitor", START + 2 * MINUTE),
    )
    return stand


@pytest.mark.every_run
async def test_a_merge_brings_the_facts_and_one_restated_change(two_people: Stand, deeds: Deeds) -> None:
    stand = two_people
    await stand.learn(deeds.moved("visitor", "ada", day(1), version=1))

    assert [told[1:] for told in await stand.changes_of("ada")] == [
        ("cold > warm", START, False),
        ("warm > hot", START + 2 * MINUTE, True),
    ]
    assert await points_of(stand, "ada", day(1)) == await points_of(stand, "visitor", day(1)) == 70
    assert await breaches(stand) == []


async def test_whoever_loses_facts_says_nothing_but_its_scores(two_people: Stand, deeds: Deeds) -> None:
    stand = two_people
    assert [told.change for told in await stand.changes_of("visitor")] == ["cold > warm"]
    await stand.learn(deeds.moved("visitor", "ada", day(1), version=1))

    assert len(await stand.changes_of("visitor")) == 1
    latest = await stand.latest_scores()
    assert {one.points for one in latest[lead_id("visitor")].scores} == {0}
    assert {one.model: one.points for one in latest[lead_id("ada")].scores}["five_step"] == 70_000
    await stand.pass_to(day(400))
    assert len(await stand.changes_of("visitor")) == 1


async def test_later_facts_follow_and_late_ones_too(two_people: Stand, deeds: Deeds) -> None:
    stand = two_people
    await stand.learn(deeds.moved("visitor", "ada", day(1), version=1))
    await stand.learn(
        deeds.did("visitor", DocumentDownloaded, day(2), kind="white_paper", document="a"),
        deeds.did("visitor", DocumentDownloaded, START, received=day(2), kind="white_paper", document="b"),
    )
    assert await points_of(stand, "ada", day(2)) == 90
    assert await breaches(stand) == []


async def test_an_un_merge_takes_them_out_again_without_a_word_and_brings_them_home(
    two_people: Stand, deeds: Deeds
) -> None:
    stand = two_people
    await stand.learn(deeds.moved("visitor", "ada", day(1), version=1))
    await stand.learn(deeds.moved("visitor", "visitor", day(2), version=2, out_of="ada"))

    assert len(await stand.changes_of("ada")) == 2
    assert await points_of(stand, "ada", day(2)) == 35
    assert await points_of(stand, "visitor", day(2)) == 35
    assert [told[1:] for told in await stand.changes_of("visitor")] == [
        ("cold > warm", START + 2 * MINUTE, False),
        ("cold > warm", START + 2 * MINUTE, True),
    ]
    latest = await stand.latest_scores()
    assert {one.model: one.tier for one in latest[lead_id("ada")].scores}["five_step"] == "warm"
    await stand.pass_to(day(2) + 400 * DAY)
    # the visitor's lines are all acts and cool to nothing; what Ada is does not cool
    assert [told.change for told in (await stand.changes_of("visitor"))[2:]] == ["warm > cold"]
    assert len(await stand.changes_of("ada")) == 2
    assert await breaches(stand) == []


async def test_a_chain_of_merges_ends_where_the_highest_version_says(two_people: Stand, deeds: Deeds) -> None:
    stand = two_people
    await stand.learn(deeds.viewed("boss", START, kind="article"))
    await stand.feed(
        deeds.moved("visitor", "boss", day(2), version=2, out_of="ada"),
        deeds.moved("visitor", "ada", day(1), version=1),
        deeds.moved("ada", "boss", day(2), version=1),
    )
    await stand.settle()
    assert await points_of(stand, "visitor", day(2)) == await points_of(stand, "boss", day(2)) == 71
    said = await stand.said(TIER_CHANGES.name, TierChanged)
    assert [(data.from_tier, data.to_tier) for _, data in said if data.lead == lead_id("boss")].count(
        ("warm", "hot")
    ) <= 1
    latest = await stand.latest_scores()
    assert {one.model: one.tier for one in latest[lead_id("boss")].scores}["five_step"] == "hot"
    assert await breaches(stand) == []


async def test_a_long_history_moves_in_pieces_and_in_whole(stand: Stand, deeds: Deeds) -> None:
    await stand.start_worker()
    await stand.learn(
        *(deeds.viewed("visitor", START + n * MINUTE, kind="article", path=f"/a/{n}") for n in range(450)),
        deeds.viewed("ada", START),
    )
    await stand.learn(deeds.moved("visitor", "ada", day(1), version=1))
    moved = [data for _, data in await stand.said(INTERNAL["scoring"].name, FactsMoved)]
    assert [(one.part, one.parts, len(one.facts)) for one in moved] == [(1, 3, 200), (2, 3, 200), (3, 3, 50)]
    assert await stand.value("SELECT count(*) FROM fact WHERE lead = $1", lead_id("ada")) == 451
    assert await breaches(stand) == []


async def test_a_restart_in_the_middle_of_a_merge_loses_nothing(two_people: Stand, deeds: Deeds) -> None:
    stand = two_people
    await stand.feed(deeds.moved("visitor", "ada", day(1), version=1))
    await stand.stop_worker("one")
    await stand.stop_worker("two")
    await stand.feed(deeds.viewed("visitor", day(1), kind="article"))
    await stand.start_worker("successor")
    await stand.settle()
    assert await points_of(stand, "ada", day(1)) == 71
    assert await breaches(stand) == []
