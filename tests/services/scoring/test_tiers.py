"""From records to tier changes, on both logs: up at once, down when due, once each."""

from __future__ import annotations

import pytest

from services.scoring.domain.questions import tier_history
from shared.contracts.attributes import Scalar
from shared.contracts.events.behaviour import DocumentDownloaded, EmailOpened
from shared.contracts.events.tier_changes import TierChanged
from shared.contracts.topics import DEAD_LETTERS, TIER_CHANGES
from shared.kernel.instants import DAY, MICROSECOND, MINUTE, Instant
from shared.log.port import NewRecord
from tests.services.scoring.deeds import Deed, Deeds, lead_id
from tests.services.scoring.stand import Stand
from tests.unit.scoring.stories import START, Story, day, shipped

pytestmark = pytest.mark.lasts(45)

HOT: dict[str, Scalar] = {"industry": "pharma", "title_level": "director", "size": "500_plus"}
"""Worth 35 points in five_step, which is warm; with a demo and a price page 70, which is hot."""


async def learn_who_they_are(stand: Stand, deeds: Deeds, *people: str) -> None:
    """Topics are read without order between them; so this is learnt first, and only then what they do."""
    await stand.learn(*(deeds.is_known_as(who, START, crm="LD-1", **HOT) for who in people))


def acts_of(deeds: Deeds, who: str) -> list[Deed]:
    return [deeds.asked_for_demo(who, START + MINUTE), deeds.viewed(who, START + 2 * MINUTE)]


def falls_from_hot(at: Instant = START) -> list[Instant]:
    """When someone who became hot is hot no more, as the domain has it."""
    story = Story(shipped("five_step")).is_known_as(at, **HOT)
    story.did("demo_requested", at + MINUTE).did("page_viewed", at + 2 * MINUTE, kind="price", path="/x")
    history = tier_history(story.models, story.facts, until=at + 600 * DAY)["five_step"]
    return [crossing.at for crossing in history if not crossing.event]


@pytest.mark.every_run
async def test_acts_raise_the_tier_and_say_why(stand: Stand, deeds: Deeds) -> None:
    await stand.start_worker()
    await learn_who_they_are(stand, deeds, "ada")
    demo, price = acts_of(deeds, "ada")
    await stand.learn(demo, price)

    assert [told[1:] for told in await stand.changes_of("ada")] == [
        ("cold > warm", START, False),
        ("warm > hot", START + 2 * MINUTE, False),
    ]
    (*_, (envelope, last)) = [
        said for said in await stand.said(TIER_CHANGES.name, TierChanged) if said[1].model == "five_step"
    ]
    assert (envelope.causationid, envelope.subject, last.points) == (price.id, lead_id("ada"), 70_000)
    assert [(reason.rule, reason.points) for reason in last.reasons][:2] == [
        ("demo_requested", 20_000),
        ("director_or_above", 15_000),
    ]
    assert [(one.source, one.id) for one in last.external_ids] == [("crm", "LD-1")]


async def test_a_tier_falls_exactly_when_it_is_due_and_not_a_microsecond_before(
    stand: Stand, deeds: Deeds
) -> None:
    await stand.start_worker()
    await learn_who_they_are(stand, deeds, "ada")
    await stand.learn(*acts_of(deeds, "ada"))
    (due,) = falls_from_hot()

    await stand.pass_to(due - MICROSECOND)
    assert len(await stand.changes_of("ada")) == 2

    await stand.pass_to(due)
    assert (await stand.changes_of("ada"))[2:] == [("five_step", "hot > warm", due, False)]
    assert await stand.value("SELECT count(*) FROM tier_change WHERE at = $1 AND told_at = $1", due) == 1

    await stand.pass_to(day(600))
    assert len(await stand.changes_of("ada")) == 3


async def test_a_clock_that_rings_early_tells_nothing_and_is_set_anew(stand: Stand, deeds: Deeds) -> None:
    await stand.start_worker()
    await learn_who_they_are(stand, deeds, "ada")
    await stand.learn(*acts_of(deeds, "ada"))
    first = await stand.value("SELECT due FROM timer")
    await stand.learn(deeds.viewed("ada", day(3)))
    assert await stand.value("SELECT due FROM timer") == first

    (due,) = falls_from_hot()
    await stand.pass_to(due)
    assert len(await stand.changes_of("ada")) == 2
    later = await stand.value("SELECT due FROM timer")
    assert isinstance(later, int)
    assert later > due
    await stand.pass_to(later)
    assert (await stand.changes_of("ada"))[2:] == [("five_step", "hot > warm", later, False)]


@pytest.mark.every_run
async def test_a_restart_in_the_middle_changes_nothing(stand: Stand, deeds: Deeds) -> None:
    people = [f"person {number}" for number in range(12)]
    await stand.start_worker()
    await learn_who_they_are(stand, deeds, *people)
    acts = [acts_of(deeds, who) for who in people]
    await stand.feed(*(demo for demo, _ in acts))
    await stand.stop_worker()
    await stand.feed(*(price for _, price in acts))
    await stand.start_worker("successor")
    await stand.settle()
    (due,) = falls_from_hot()
    await stand.stop_worker("successor")
    stand.clock.advance_to(due)
    await stand.start_worker("another")
    await stand.settle()

    for who in people:
        changes = await stand.changes_of(who)
        assert [(told.change, told.at) for told in changes] == [
            ("cold > warm", START),
            ("warm > hot", START + 2 * MINUTE),
            ("hot > warm", due),
        ]


async def test_two_workers_share_the_leads_and_tell_everything_once(stand: Stand, deeds: Deeds) -> None:
    people = [f"person {number}" for number in range(20)]
    await stand.start_worker("one")
    await learn_who_they_are(stand, deeds, *people)
    await stand.feed(*(deed for who in people for deed in acts_of(deeds, who)))
    await stand.start_worker("two")
    await stand.settle()
    assert all([len(await stand.changes_of(who)) == 2 for who in people])


async def test_a_late_fact_restates_what_was_told(stand: Stand, deeds: Deeds) -> None:
    await stand.start_worker()
    await learn_who_they_are(stand, deeds, "ada")
    await stand.learn(deeds.viewed("ada", day(1)))
    await stand.learn(deeds.asked_for_demo("ada", START + MINUTE, received=day(2)))
    assert await stand.changes_of("ada") == [
        ("five_step", "cold > warm", START, False),
        ("five_step", "warm > hot", day(1), True),
    ]


async def test_the_scores_topic_ends_with_the_scores_as_they_are(stand: Stand, deeds: Deeds) -> None:
    await stand.start_worker()
    await learn_who_they_are(stand, deeds, "ada")
    await stand.learn(*acts_of(deeds, "ada"), deeds.viewed("ben", START, kind="article"))
    papers = [
        deeds.did("ben", DocumentDownloaded, day(1), kind="white_paper", document=f"paper {number}")
        for number in range(3)
    ]
    mails = [deeds.did("ben", EmailOpened, day(1), message=f"mail {number}") for number in range(9)]
    await stand.learn(*papers, *mails)
    (due,) = falls_from_hot()
    await stand.pass_to(due)

    latest = await stand.latest_scores()
    ada, ben = (
        {one.model: (one.tier, one.points) for one in latest[lead_id(who)].scores} for who in ("ada", "ben")
    )
    assert ada["five_step"][0] == "warm"
    assert ada["five_step"][1] <= 56_000
    assert ben["abcd"] == ("D", 25_000), "its fall by time tells the other scores as of then, too"
    assert ben["five_step"] == ("warm", 25_000 + 10_000 + 813)


async def test_dead_letters_disturb_nobody_and_what_no_table_takes_is_one(stand: Stand, deeds: Deeds) -> None:
    await stand.start_worker()
    poisoned = [
        deeds.is_known_as("ada", START, industry="pharma", budget=10**30),
        deeds.did("ada", DocumentDownloaded, START, document="x", message_id="fine"),
    ]
    target, record, _ = poisoned[1]
    assert record.value is not None
    no_event = NewRecord(record.key, b"{not json", [], record.timestamp)
    strange_id = NewRecord(
        record.key, record.value.replace(b'"id":"', b'"id":"\\u0000', 1), [], record.timestamp
    )
    await stand.feed(poisoned[0])
    await learn_who_they_are(stand, deeds, "ada")
    await stand.append([(target, [no_event, strange_id])])
    await stand.learn(*acts_of(deeds, "ada"))

    assert [told.change for told in await stand.changes_of("ada")] == ["cold > warm", "warm > hot"]
    async with stand.database.connection() as connection:
        rows = await connection.fetch("SELECT code FROM dead_letter ORDER BY code")
    assert [row["code"] for row in rows] == ["contract.malformed", "scoring.unusable", "scoring.unusable"]
    assert len(await stand.records(DEAD_LETTERS["scoring"].name)) == 3
