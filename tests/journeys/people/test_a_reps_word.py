"""A rep calls a lead invalid: score, mail, funnel and credits follow, once, and can be undone (I5, R7)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from leadmill.demo.mail_sink import MailSink
from shared.contracts.topics import LEADS
from tests.journeys.inside.house import House
from tests.journeys.inside.mailbox import mails_to
from tests.journeys.site import Site

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(15)]

EMAIL = "eve@acme.example"
FIT = {"title": "Director", "industry": "manufacturing", "company": {"name": "Northwind", "employees": 650}}
AD = {"campaign": {"source": "google", "medium": "cpc", "name": "spring"}}
MODELS = ("first", "last", "linear", "u")


async def funnel(house: House, **query: str) -> dict[str, int]:
    rows = (await house.get("/analytics/v1/funnel", by="manager", **query))["rows"]
    return {str(row["source"]): row["leads"] for row in rows}


async def verdicts(house: House) -> list[dict[str, Any]]:
    said = [one for one in await house.said(LEADS.name) if "validated" in one.type or "invalid" in one.type]
    return [msgspec.json.decode(one.data) for one in said]


async def test_a_reps_invalid_reaches_every_service_once_and_a_manager_takes_it_back(
    mailing_site: Site, sink: MailSink
) -> None:
    site, house = mailing_site, House(mailing_site)
    await site.call("page", userId="eve", properties={"path": "/pricing"}, context=AD)
    await site.call("identify", userId="eve", traits={**FIT, "email": EMAIL, "name": "Eve Ng"})
    await site.track("Demo Requested", {}, userId="eve")
    await site.track("Document Downloaded", {"kind": "white_paper", "document": "w"}, userId="eve")
    lead = await site.lead_of(email=EMAIL)  # before the deal comes by another way: one profile
    await house.report("/v1/outcomes", source="crm", kind="won", opportunity="OP-1", amount="900.01",
                       currency="CNY", email=EMAIL)  # fmt: skip
    before, owner = await site.why(lead, "mql"), (await house.routed(lead))["owner"]
    assert before["points"] > 0
    assert owner
    for model in MODELS:
        assert await house.credited(model) == {"spring": "900.01"}

    # the rep says so, twice; every service hears it once, with who and why
    for key in ("a", "a"):
        body = {"status": "invalid", "reason": "spam"}
        await house.do(f"/routing/v1/leads/{lead}/status", body, by=owner, key=key)
    mailed = len(mails_to(sink, EMAIL))
    (verdict,) = await verdicts(house)
    assert (verdict["reason"], verdict["rule"], verdict["by"]) == ("spam", "by_hand", owner)
    now = await site.why(lead, "mql")
    assert (now["points"], now["lines"]) == (0, [])
    assert (await house.routed(lead))["status"] == "invalid"
    for model in MODELS:
        assert await house.credited(model) == {None: "900.01"}, "the deal stands, and nothing led to it"
    assert await funnel(house, with_invalid="false") == {}
    assert await funnel(house) == {"website": 1}
    lines = [row.text for row in await house.explain(lead) if row.kind == "lead_invalidated"]
    assert lines == [f"invalid: spam, by {owner}"]
    assert await house.audit() == {}
    await site.pass_time(days=3)
    assert len(mails_to(sink, EMAIL)) == mailed

    # a manager overrules: points and credits are what they were, and sales has the lead again
    assert (await house.do(f"/v1/leads/{lead}/validate"))["changed"]
    again = await site.why(lead, "mql")
    assert (again["points"], again["lines"]) == (before["points"], before["lines"])
    for model in MODELS:
        assert await house.credited(model) == {"spring": "900.01"}
    routed = await house.routed(lead)
    assert routed["status"] != "invalid"
    assert routed["owner"]
    assert await funnel(house, with_invalid="false") == {"website": 1}
    assert len(await verdicts(house)) == 2
    assert await house.audit() == {}
