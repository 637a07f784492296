"""Two who turn out to be one, and then two again: scores, owner, clocks, mails, credits, story.

Rows of docs/requirements.md: I3 I4, R6.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import pytest

from leadmill.demo.mail_sink import MailSink
from tests.journeys.inside.house import House
from tests.journeys.inside.mailbox import mails_to
from tests.journeys.site import Site

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(20)]

FIT = {
    "title": "Director",
    "industry": "manufacturing",
    "company": {"name": "Northwind", "employees": 650},
}
AD = {"campaign": {"source": "google", "medium": "cpc", "name": "spring"}}
PAPER = {"kind": "white_paper", "document": "smart-factory"}
NAME, PHONE = "Ada Example", "+8613800000001"
STRANGERS = 6


class Cast(NamedTuple):
    """Ada as the website knows her, and as the fair does."""

    visitor: str
    user: str
    guest: str
    badge: str


async def meet(site: Site, stays: Literal["owned", "warmed"]) -> Cast:
    """Of some strangers choose two: the smaller id stays, and which is smaller hangs on a secret."""
    for number in range(STRANGERS):
        await site.call("identify", userId=f"u-{number}", traits={"email": f"u-{number}@example.com"})
        badge = {"email": f"b-{number}@home.example"}
        await site.call("identify", source="fair", anonymousId=f"b-{number}", traits=badge)
    users = sorted([(await site.lead_of(email=f"u-{n}@example.com"), f"u-{n}") for n in range(STRANGERS)])
    badges = sorted([(await site.lead_of(email=f"b-{n}@home.example"), f"b-{n}") for n in range(STRANGERS)])
    visitor, guest = (users[0], badges[-1]) if stays == "owned" else (users[-1], badges[0])
    assert (visitor < guest) is (stays == "owned"), "one run in a thousand is unlucky"
    return Cast(*visitor, *guest)


async def come_in(site: Site, cast: Cast) -> None:
    """Each acts where they are known."""
    # the website: by an ad, hot, and sales has her
    await site.call("page", userId=cast.user, properties={"path": "/pricing"}, context=AD)
    await site.call("identify", userId=cast.user, traits={**FIT, "name": NAME})
    await site.track("Demo Requested", userId=cast.user)
    await site.track("Document Downloaded", PAPER, userId=cast.user)
    # the fair: warm, and hears from us by mail
    traits = {**FIT, "name": NAME, "region": "上海", "phone": PHONE}
    await site.call("identify", source="fair", anonymousId=cast.badge, traits=traits)
    for event, properties in (
        ("Live Event Attended", {"live_event": "spring-fair"}),
        ("Document Downloaded", PAPER),
    ):
        await site.call("track", source="fair", anonymousId=cast.badge, event=event, properties=properties)


@pytest.mark.parametrize("stays", ["owned", "warmed"])
async def test_two_are_merged_and_taken_apart_again(
    mailing_site: Site, sink: MailSink, stays: Literal["owned", "warmed"]
) -> None:
    site, house = mailing_site, House(mailing_site)
    cast = await meet(site, stays)
    visitor, guest = cast.visitor, cast.guest
    kept, gone = min(visitor, guest), max(visitor, guest)
    badge_mail = f"{cast.badge}@home.example"

    await come_in(site, cast)
    before = await house.routed(visitor)
    assert (await site.why(visitor, "mql"))["points"] == 85
    assert (await site.why(guest, "mql"))["points"] == 50
    assert (before["place"], (await house.routed(guest))["place"]) == ("owned", "marketing")
    assert (await house.nurtured(guest))["sequence"] == "b_leads"
    assert len(mails_to(sink, badge_mail)) == 1

    # one and the same telephone number, one and the same name, while a clock runs and a mail is due
    await site.pass_time(days=0.2)
    await site.call("identify", userId=cast.user, traits={"name": NAME, "phone": PHONE})
    for lead in (visitor, guest):
        whole = await site.why(lead, "mql")
        assert (whole["lead"], whole["points"], whole["tier"]) == (kept, 90, "A")
        routed = await house.routed(lead)
        assert (routed["lead"], routed["owner"], routed["due"]) == (kept, before["owner"], before["due"])
        assert "recall" in {clock["name"] for clock in routed["clocks"]}
        nurtured = await house.nurtured(lead)
        assert (nurtured["lead"], nurtured["sequence"]) == (kept, None)
    moved = [line for line in await house.explain(gone) if line.kind == "lead_merged"]
    assert [line.service for line in moved] == ["ingest"]

    # the revenue is credited to what led there, whichever of them it was
    won = {"kind": "won", "opportunity": "OP-1", "amount": "9000.01", "currency": "CNY"}
    await house.report("/v1/outcomes", source="crm", **won, email=f"{cast.user}@example.com")
    assert await house.credited("u") == {"spring": "4500.01", "spring-fair": "4500.00"}
    assert await house.audit() == {}

    # they were two after all
    await site.pass_time(days=0.1)
    await house.do(f"/v1/leads/{gone}/unmerge", {"reason": "colleagues"}, by="marketer")
    assert (await site.why(visitor, "mql"))["points"] == 85
    assert (await site.why(guest, "mql"))["points"] == 50
    assert await house.credited("u") == {"spring": "9000.01"}
    stayed, back = await house.routed(kept), await house.routed(gone)
    assert (stayed["owner"], stayed["due"]) == (before["owner"], before["due"]), "nothing is taken back"
    if gone == visitor:  # she is hot, so sales gets her anew, with all the time there is
        assert back["place"] == "owned"
        assert back["due"] > before["due"]
    else:
        assert (back["place"], back["owner"], back["clocks"]) == ("marketing", None, [])
        assert (await house.nurtured(gone))["sequence"] == "b_leads"
    assert [line.kind for line in await house.explain(gone)].count("lead_unmerged") == 1

    # what goes on: clocks ring where they were set, and no step is mailed twice
    await site.pass_time(days=4)
    assert (await house.routed(kept))["place"] == "pool"
    steps = [one["step"] for one in (await house.nurtured(guest))["messages"] if one["state"] == "sent"]
    assert steps == (["welcome"] if guest == kept else ["welcome", "practice"])
    assert len(mails_to(sink, badge_mail)) == len(steps)
    assert await house.credited("u") == {"spring": "9000.01"}
    assert await house.audit() == {}
