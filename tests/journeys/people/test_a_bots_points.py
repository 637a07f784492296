"""A bot's points: it gets hot, is found out late, loses everything; and a wrong verdict is undone."""

from __future__ import annotations

import pytest

from leadmill.demo.mail_sink import MailSink
from tests.journeys.inside.house import House
from tests.journeys.inside.mailbox import BROWSER, mails_to
from tests.journeys.site import Site

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(20)]

FIT = {"title": "Director", "industry": "manufacturing", "company": {"name": "Northwind", "employees": 650}}
HEADLESS = {"user-agent": BROWSER["user-agent"].replace("Chrome/", "HeadlessChrome/")}


async def reasons(house: House, rep: str) -> list[str]:
    return [row["kind"] for row in await house.get("/routing/v1/notices", by=rep)]


async def test_a_bot_that_is_found_out_late_loses_points_owner_and_mail_and_gets_them_back(
    mailing_site: Site, sink: MailSink
) -> None:
    site, house = mailing_site, House(mailing_site)
    # two bots that look like people: one gets hot and has an owner, one is warm and gets mail
    for who in ("hot", "warm"):
        await site.call(
            "identify", userId=who, traits={**FIT, "email": f"{who}@acme.example", "name": "Eve Ng"}
        )
    await site.track("Document Downloaded", {"kind": "white_paper", "document": "w"}, userId="warm")
    await site.page("/pricing", userId="warm")
    for event, properties in (
        ("Demo Requested", {}),
        ("Document Downloaded", {"kind": "white_paper", "document": "w"}),
        ("Form Submitted", {"form": "contact", "start_within_months": 1}),
    ):
        await site.track(event, properties, userId="hot")
    hot, warm = await site.lead_of(email="hot@acme.example"), await site.lead_of(email="warm@acme.example")
    before = {one: await site.why(one, "mql") for one in (hot, warm)}
    assert (before[hot]["tier"], before[warm]["tier"]) == ("A", "B")
    owner = (await house.routed(hot))["owner"]
    assert owner
    mailed = len(mails_to(sink, "warm@acme.example"))
    assert mailed == 1

    # somebody finds out: the points go, the owner is told, clocks stop, and no more mail is sent
    for one in (hot, warm):
        said = await house.do(f"/v1/leads/{one}/invalidate", {"reason": "bot"})
        assert said == {"lead": one, "is_invalid": True, "changed": True}
    for one in (hot, warm):
        now = await site.why(one, "mql")
        assert (now["points"], now["tier"], now["lines"]) == (0, "D", [])
        assert (await site.changes(one, "mql"))[-1]["restated"]
    routed = await house.routed(hot)
    assert (routed["owner"], routed["place"], routed["status"], routed["clocks"]) == (
        None,
        "marketing",
        "invalid",
        [],
    )
    assert "invalidated" in await reasons(house, owner)
    rate = await house.get("/analytics/v1/conversion-rate")
    assert (rate["all"]["leads"], rate["without_invalid"]["leads"]) == (2, 0)
    assert await house.audit() == {}
    await site.pass_time(days=5)
    assert len(mails_to(sink, "warm@acme.example")) == mailed
    assert [row.text for row in await house.explain(warm) if row.kind == "lead_invalidated"] == [
        "invalid: bot, by manager"
    ]

    # and it was wrong: everything is as it would be, with the owner who had it
    for one in (hot, warm):
        assert (await house.do(f"/v1/leads/{one}/validate"))["changed"]
    for one in (hot, warm):
        now = await site.why(one, "mql")
        assert (now["points"], now["tier"]) == (before[one]["points"], before[one]["tier"])
        assert now["lines"] == before[one]["lines"]
    assert (await house.routed(hot))["owner"] == owner
    await site.pass_time(days=4)
    assert len(mails_to(sink, "warm@acme.example")) > mailed, "the steps that are left go out"
    assert await house.audit() == {}


async def test_what_a_headless_browser_does_is_taken_kept_marked_and_counts_for_nothing(
    site_on_each_log: Site,
) -> None:
    site, house = site_on_each_log, House(site_on_each_log)
    fields = {"email": "eve@acme.example", "name": "Eve Ng", "_anonymous_id": "b-1"}
    answer = await site.clients.post(f"/f/{site.keys['website']}", data=fields, headers=HEADLESS)
    assert answer.status_code == 200, "a headless browser is refused nothing"
    eve = await site.lead_of(email="eve@acme.example")
    assert (await house.routed(eve))["status"] == "invalid"
    assert (await site.why(eve, "mql"))["points"] == 0
    # a person with the same address fills in the form: the lead is somebody, the bot's act still counts not
    person = {**fields, "company": "Acme"}
    answer = await site.clients.post(f"/f/{site.keys['website']}", data=person, headers=BROWSER)
    assert answer.status_code == 200
    assert (await house.routed(eve))["status"] == "new"
    kinds = [row.kind for row in await house.explain(eve)]
    assert kinds.index("lead_invalidated") < kinds.index("lead_validated")
    assert await house.audit() == {}


async def test_test_data_throw_away_addresses_and_unlisted_reasons(site: Site) -> None:
    house = House(site)
    await site.submit(email="asdf@acme.example", name="asdf")
    await site.submit(email="eve@mailinator.com", name="Eve Ng")
    for email in ("asdf@acme.example", "eve@mailinator.com"):
        assert (await house.routed(await site.lead_of(email=email)))["status"] == "invalid"
    lead = await site.lead_of(email="asdf@acme.example")
    refused = await house.post(f"/v1/leads/{lead}/invalidate", {"reason": "she was rude"})
    assert (refused.status_code, refused.json()["code"]) == (422, "lead.reason_unknown")
    strange = await house.post(f"/v1/leads/{'0' * 32}/invalidate", {"reason": "spam"})
    assert strange.json()["code"] == "intake.unknown_lead"
    assert (
        await house.post(f"/v1/leads/{lead}/invalidate", {"reason": "spam"}, by="rep-1")
    ).status_code == 403
