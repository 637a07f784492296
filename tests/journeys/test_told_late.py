"""What reaches us late: history is put right, sums stay exact, and nobody is bothered for what is over."""

from __future__ import annotations

from typing import Any

import pytest

from leadmill.demo.mail_sink import MailSink
from shared.kernel.instants import DAY, format_instant, parse_instant
from tests.journeys.inside.house import House
from tests.journeys.inside.mailbox import mails_to
from tests.journeys.site import Site

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(20)]

FIT = {"title": "Director", "industry": "manufacturing", "company": {"name": "Northwind", "employees": 650}}
AD = {"campaign": {"source": "google", "medium": "cpc", "name": "spring"}}


async def late(site: Site, event: str, *, days_ago: float, **more: Any) -> None:
    """Send something that happened days ago."""
    at = format_instant(site.now - round(days_ago * DAY))
    kind = "page" if event == "page" else "track"
    await site.call(kind, **({} if kind == "page" else {"event": event}), timestamp=at, **more)


async def test_late_facts_restate_points_credits_and_nothing_that_is_over(
    mailing_site: Site, sink: MailSink
) -> None:
    site, house = mailing_site, House(mailing_site)
    for who in ("ada", "ben"):
        await site.call("identify", userId=who, traits={**FIT, "email": f"{who}@example.com"})
    ada, ben = await site.lead_of(email="ada@example.com"), await site.lead_of(email="ben@example.com")
    await site.pass_time(days=121)
    assert (await site.why(ada, "mql"))["tier"] == "C"

    # Ada was hot for a week, four months ago, and has cooled down since: her history says so, nobody is told
    told, mailed = await site.told(ada, "mql"), len(mails_to(sink, "ada@example.com"))
    for event, properties in (
        ("Demo Requested", {}),
        ("Document Downloaded", {"kind": "white_paper", "document": "w"}),
        ("Form Submitted", {"form": "contact", "start_within_months": 1}),
    ):
        await late(site, event, days_ago=119, userId="ada", properties=properties)
    then = format_instant(site.now - 118 * DAY)
    assert (await site.why(ada, "mql", as_of=then))["tier"] == "A"
    assert await site.told(ada, "mql") == told
    assert (await site.why(ada, "mql"))["tier"] == "C"
    routed = await house.routed(ada)
    assert (routed["place"], routed["owner"], routed["clocks"]) == ("marketing", None, [])
    assert len(mails_to(sink, "ada@example.com")) == mailed, "a B lead of four months ago is sent nothing"

    # Ben asked for a demo yesterday, and is hot now; his rep has all the time there is
    for event, properties in (
        ("Document Downloaded", {"kind": "white_paper", "document": "w"}),
        ("page", {"path": "/pricing"}),
        ("Demo Requested", {}),
    ):
        await late(site, event, days_ago=1, userId="ben", properties=properties)
    assert (await site.told(ben, "mql"))[-1] == ("up", "A")
    routed = await house.routed(ben)
    assert routed["place"] == "owned"
    assert parse_instant(routed["due"]) >= site.now + DAY, "the clock runs from when we learnt of it"

    # a deal is won and credited to nobody; then the click that led there arrives, and the outcome before it
    won = {"kind": "won", "opportunity": "OP-1", "amount": "9000.01", "currency": "CNY"}
    await house.report("/v1/outcomes", source="crm", **won, email="ben@example.com")
    closed = format_instant(site.now)
    assert await house.credited("u") == {None: "9000.01"}
    await site.pass_time(days=2)
    await late(site, "page", days_ago=5, userId="ben", properties={"path": "/solutions"}, context=AD)
    assert await house.credited("u") == {"spring": "9000.01"}
    assert await house.credited("u", known_at=closed) == {None: "9000.01"}, "as it was known then"
    began = {"kind": "opportunity_created", "opportunity": "OP-1", "amount": "8000", "currency": "CNY"}
    before = format_instant(site.now - 4 * DAY)
    began["occurred_at"] = before
    await house.report("/v1/outcomes", source="crm", **began, email="ben@example.com")
    assert await house.credited("u") == {"spring": "9000.01"}, "an earlier word does not unsay a later one"
    assert (await house.routed(ben))["opportunities"][-1]["stage"] == "won"

    # the same again, word for word: nothing changes
    points = (await site.why(ben, "mql"))["points"]
    await site.batch({
        "type": "page", "messageId": f"message-{site.numbers}", "userId": "ben",
        "properties": {"path": "/solutions"}, "timestamp": format_instant(site.now - 5 * DAY),
    })  # fmt: skip
    assert (await site.why(ben, "mql"))["points"] == points
    assert await house.audit() == {}
