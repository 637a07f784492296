"""From records to activations, on both logs: told once per sales cycle, re-armed by loss and return (C9)."""

from __future__ import annotations

from shared.contracts.attributes import ExternalId, Scalar
from shared.contracts.events.behaviour import DocumentDownloaded, EmailLinkClicked, EmailOpened
from shared.contracts.events.tier_changes import LeadActivated
from shared.contracts.topics import TIER_CHANGES
from shared.kernel.instants import HOUR, MINUTE, to_datetime
from tests.services.scoring.deeds import Deeds, lead_id
from tests.services.scoring.stand import Stand
from tests.unit.scoring.stories import START, day

READY: dict[str, Scalar] = {
    "industry": "pharma",
    "title_level": "director",
    "size": "500_plus",
    "region": "east_china",
}
"""Worth 40 points in mql; with a demo and a price page 80."""


async def test_points_and_acts_activate_once_and_again_after_a_loss_and_a_return(
    stand: Stand, deeds: Deeds
) -> None:
    await stand.start_worker()
    await stand.learn(deeds.is_known_as("ada", START, crm="LD-1", **READY))
    demo, price = deeds.asked_for_demo("ada", START + HOUR), deeds.viewed("ada", START + 2 * HOUR)
    await stand.learn(demo, price, deeds.viewed("ada", START + 3 * HOUR))
    (envelope, event) = (await stand.said(TIER_CHANGES.name, LeadActivated))[0]
    assert (envelope.causationid, envelope.subject, envelope.occurred) == (
        price.id,
        lead_id("ada"),
        START + 2 * HOUR,
    )
    assert event == LeadActivated(
        lead=lead_id("ada"),
        model="mql",
        model_version=1,
        points=80_000,
        at=to_datetime(START + 2 * HOUR),
        cycle=1,
        acts=[demo.id, price.id],
        external_ids=[ExternalId(source="crm", id="LD-1")],
    )

    await stand.learn(deeds.lost("ada", day(1)))
    await stand.learn(deeds.viewed("ada", day(2)), deeds.asked_for_demo("ada", day(2)))
    await stand.learn(deeds.returned("ada", day(3)))
    await stand.learn(deeds.viewed("ada", day(4)))
    assert [one.cycle for one in await stand.activations_of("ada")] == [1, 2]
    await stand.learn(deeds.did("ada", DocumentDownloaded, day(5), kind="quote", document="Q-1"))
    assert [one.cycle for one in await stand.activations_of("ada")] == [1, 2, 3]
    assert [b for finding in await stand.blueprint.check(True) for b in finding.breaches] == []


async def test_the_story_tells_of_the_activation_its_acts_and_the_end_of_the_cycle(
    small_stand: Stand, deeds: Deeds
) -> None:
    stand = small_stand
    await stand.start_worker()
    await stand.learn(deeds.is_known_as("ada", START, crm=None, **READY))
    demo, price = deeds.asked_for_demo("ada", START + HOUR), deeds.viewed("ada", START + 2 * HOUR)
    await stand.learn(demo, price)
    await stand.learn(deeds.returned("ada", day(1)))
    await stand.learn(deeds.forgotten("ada", day(2)))
    assert stand.blueprint.tell is not None
    lines = {line.kind: line for line in await stand.blueprint.tell(lead_id("ada"))}
    activated = lines["activated"]
    assert (activated.at, activated.cause) == (START + 2 * HOUR, price.id)
    assert activated.text == (
        f"mql: ready for sales at 80, cycle 1, by 2 high-value acts: {demo.id}, {price.id}"
    )
    assert (lines["lead_returned"].at, lines["lead_returned"].text) == (day(1), "the sales cycle ends")
    assert lines["forgotten"].at == day(2)


async def test_neither_time_nor_a_restart_tells_one(stand: Stand, deeds: Deeds) -> None:
    await stand.start_worker("one")
    await stand.learn(deeds.is_known_as("ada", START, crm=None, **READY))
    await stand.learn(deeds.asked_for_demo("ada", START + HOUR), deeds.viewed("ada", START + 2 * HOUR))
    await stand.stop_worker("one")
    await stand.start_worker("two")
    await stand.pass_to(day(200))
    assert len(await stand.activations_of("ada")) == 1


async def test_a_mail_that_is_opened_and_clicked_raises_the_score_n3(
    small_stand: Stand, deeds: Deeds
) -> None:
    stand = small_stand
    await stand.start_worker()
    await stand.learn(deeds.did("ada", EmailOpened, START, message="welcome-1"))
    scores = (await stand.latest_scores())[lead_id("ada")].scores
    assert {(one.model, one.points) for one in scores} >= {("five_step", 2_000), ("mql", 0)}
    await stand.learn(
        deeds.did("ada", EmailLinkClicked, START + MINUTE, message="welcome-1", purpose="book_demo"),
        deeds.did("ada", EmailOpened, day(1), message="guide-2"),
        deeds.did("ada", EmailOpened, day(2), message="case-3"),
    )
    scores = (await stand.latest_scores())[lead_id("ada")].scores
    assert {(one.model, one.points) for one in scores} >= {("five_step", 6_000), ("mql", 35_000)}
    assert [told.change for told in await stand.changes_of("ada", model="mql")] == ["D > C"]


async def test_clicks_in_mails_warm_a_lead_up_until_sales_may_call_n3(
    small_stand: Stand, deeds: Deeds
) -> None:
    """B by what they are and read; the click on "book a demo" makes them A, and the price page active."""
    stand = small_stand
    await stand.start_worker()
    await stand.learn(deeds.is_known_as("ada", START, crm=None, **READY))
    await stand.learn(deeds.did("ada", DocumentDownloaded, START, kind="white_paper", document="w"))
    await stand.learn(
        deeds.did("ada", EmailLinkClicked, day(3), message="guide-2", link="book", purpose="book_demo")
    )
    assert [told.change for told in await stand.changes_of("ada", model="mql")] == ["D > C", "C > B", "B > A"]
    assert await stand.activations_of("ada") == []
    await stand.learn(deeds.viewed("ada", day(3) + MINUTE))
    assert [one.points for one in await stand.activations_of("ada")] == [90_000]
