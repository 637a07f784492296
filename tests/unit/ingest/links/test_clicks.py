"""What a click means, and whom it is joined with: the browser that it led on, and nobody else."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.ingest.domain.dialects.clicks import ClickRecord
from services.ingest.domain.intake import Intake, Refusal
from services.ingest.domain.links.addresses import CLICK, new_click_id
from shared.contracts.events.behaviour import ActRecorded, PageViewed
from shared.contracts.events.leads import LeadMerged
from shared.contracts.events.raw import ClientInfo, RawReceived
from shared.kernel.changes import Emission
from shared.kernel.instants import MINUTE
from tests.unit.ingest.requests import RECEIVED, make_reader
from tests.unit.ingest.shelf import Shelf

READER = make_reader()
BROWSER = "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 MicroMessenger/8.0.50(0x18003237)"
ID = new_click_id(RECEIVED, "ab" * 16)


def read(record: ClickRecord, *, agent: str = BROWSER, referrer: str | None = None) -> Intake | Refusal:
    raw = RawReceived(
        source="links",
        channel="link",
        kind="click",
        body=msgspec.json.encode(record).decode(),
        client=ClientInfo(user_agent=agent, referrer_origin=referrer),
    )
    reading = READER.on_raw_received(raw, record_id="0" * 32, received=RECEIVED)
    assert isinstance(reading, Intake | Refusal)
    return reading


def click(**fields: Any) -> Intake:
    told = {"click": ID, "link": "spring-a", "campaign": "spring", "utm_medium": "cpc", **fields}
    intake = read(ClickRecord(**told))
    assert isinstance(intake, Intake)
    return intake


def page(browser: str, *, minutes: int = 1, click: str = ID) -> Intake:
    """Return the view of the landing page by somebody who came with a click's id in the address."""
    properties = {"path": "/spring", "url": f"https://example.com/spring?{CLICK}={click}"}
    body = {"anonymousId": browser, "properties": properties}
    raw = RawReceived(source="website", channel="sdk", kind="page", body=msgspec.json.encode(body).decode())
    intake = READER.on_raw_received(raw, record_id="1" * 32, received=RECEIVED + minutes * MINUTE)
    assert isinstance(intake, Intake)
    return intake


def form(email: str, *, minutes: int = 5, click: str = "", **fields: str) -> Intake:
    body = msgspec.json.encode({"email": email, CLICK: click, **fields}).decode()
    raw = RawReceived(source="website", channel="form", kind="json", body=body)
    intake = READER.on_raw_received(raw, record_id="2" * 32, received=RECEIVED + minutes * MINUTE)
    assert isinstance(intake, Intake)
    return intake


class TestAClick:
    def test_is_an_act_with_its_link_campaign_ad_and_rep(self) -> None:
        intake = click(ad="banner", rep="r-7", is_retired=True)
        assert intake.act is not None
        assert intake.act.name == "Link Clicked"
        assert intake.act.fields == {
            "link": "spring-a",
            "campaign": "spring",
            "ad": "banner",
            "rep": "r-7",
            "is_retired": True,
        }

    @pytest.mark.parametrize(
        ("fields", "channel"),
        [
            ({"utm_medium": "cpc"}, "paid_search"),
            ({"utm_medium": "fair"}, "live_event"),
            ({"utm_medium": "referral", "rep": "r-7"}, "referral"),
            ({"utm_medium": "", "utm_source": ""}, "other"),
            ({"utm_medium": "", "passed": {"bd_vid": "x"}}, "paid_search"),
        ],
    )
    def test_says_by_which_channel_and_campaign_somebody_came(
        self, fields: dict[str, Any], channel: str
    ) -> None:
        acquisition = click(**fields).acquisition
        assert acquisition is not None
        assert (acquisition.channel, acquisition.campaign) == (channel, "spring")

    @pytest.mark.parametrize(
        ("fields", "agent"),
        [
            ({"method": "HEAD"}, BROWSER),
            ({"purpose": "prefetch;prerender"}, BROWSER),
            ({}, "WhatsApp/2.23.20.0"),
            ({}, "facebookexternalhit/1.1"),
            ({}, "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"),
            ({}, "TelegramBot (like TwitterBot)"),
            ({}, "LinkedInBot/1.0 (compatible; Mozilla/5.0)"),
            ({}, "Mozilla/5.0 (compatible; Baiduspider/2.0)"),
            ({}, ""),
        ],
    )
    def test_of_a_machine_is_nobodys(self, fields: dict[str, Any], agent: str) -> None:
        record = ClickRecord(click=ID, link="spring-a", campaign="spring", **fields)
        assert read(record, agent=agent) == Refusal("link.machine")

    def test_that_cannot_be_read_goes_to_quarantine(self) -> None:
        raw = RawReceived(source="links", channel="link", kind="click", body="{}")
        reading = READER.on_raw_received(raw, record_id="0" * 32, received=RECEIVED)
        assert reading == Refusal("intake.malformed_json")


def follow(*intakes: Intake) -> list[list[Emission]]:
    shelf = Shelf()
    return [shelf.resolve([intake])[0] for intake in intakes]


def homes(said: list[list[Emission]]) -> dict[str, str]:
    """Return where each profile lives at last."""
    where: dict[str, str] = {}
    for emission in (one for emissions in said for one in emissions):
        where[emission.key] = emission.subject
    return where


def acts(said: list[list[Emission]]) -> list[Emission]:
    return [one for emissions in said for one in emissions if isinstance(one.event, ActRecorded | PageViewed)]


class TestTheClickAndItsBrowser:
    def test_become_one_whichever_comes_first(self) -> None:
        for order in ((click(), page("a")), (page("a"), click())):
            said = follow(*order)
            first, second = acts(said)
            where = homes(said)
            assert where.get(first.key, first.subject) == where.get(second.key, second.subject)

    def test_become_one_with_whoever_fills_in_the_form(self) -> None:
        said = follow(click(), form("ada@example.com", click=ID))
        assert any(isinstance(one.event, LeadMerged) for one in said[1])
        assert homes(said)[acts(said)[0].key] == said[1][-1].subject

    def test_the_id_is_no_free_text_of_the_lead(self) -> None:
        traits = form("ada@example.com", click=ID).traits
        assert traits is not None
        assert not traits.free_text

    def test_are_two_once_the_click_is_old(self) -> None:
        said = follow(click(), page("a", minutes=31))
        assert len(set(homes(said).values())) == 2

    def test_join_by_the_landing_page_that_a_form_names(self) -> None:
        landing = f"https://example.com/spring?{CLICK}={ID}"
        said = follow(click(), form("ada@example.com", landing_url=landing))
        assert len(set(homes(said).values())) == 1


class TestAnAddressThatIsSentOn:
    def test_does_not_make_one_of_two_browsers(self) -> None:
        said = follow(click(), page("a"), page("b", minutes=2))
        a, b = said[1][-1].subject, said[2][-1].subject
        assert a != b
        assert not any(isinstance(one.event, LeadMerged) for one in said[2])

    def test_does_not_make_one_of_two_people(self) -> None:
        for order in (
            (
                click(),
                form("ada@example.com", click=ID),
                form("bob@example.com", minutes=6, click=ID),
            ),
            (
                form("ada@example.com", click=ID),
                form("bob@example.com", minutes=6, click=ID),
                click(),
            ),
            (click(), page("a"), form("bob@example.com", minutes=6, click=ID)),
        ):
            said = follow(*order)
            people = {one.subject for emissions in said for one in emissions if one.event is not None}
            where = homes(said)
            assert len({where.get(person, person) for person in people}) == 2

    def test_gives_the_click_to_the_first_who_comes(self) -> None:
        said = follow(page("a"), page("b", minutes=2), click())
        (clicked,) = [one for one in acts(said) if isinstance(one.event, ActRecorded)]
        assert clicked.subject == said[0][-1].subject
