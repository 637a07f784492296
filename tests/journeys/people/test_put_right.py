"""Somebody puts leads right by hand: scores follow, reps touch their own, whoever wrote it is told."""

from __future__ import annotations

from typing import Any

import pytest

from shared.contracts.topics import LEADS
from tests.journeys.inside.house import HANDOVER, House
from tests.journeys.site import Site

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(20)]

ADA: dict[str, Any] = {
    "email": "ada@mill.example",
    "name": "Ada",
    "title": "Director",
    "industry": "制造",
    "company": {"name": "Mill", "employees": 650},
}


async def patch(house: House, lead: str, body: Any, *, by: str = "manager", **headers: str) -> Any:
    token = (await house._headers(by))["authorization"]
    return await house.site.clients.patch(
        f"/v1/leads/{lead}", json=body, headers={"authorization": token, **headers}
    )


async def test_what_is_put_right_counts_everywhere_and_says_who_did_it(site_on_each_log: Site) -> None:
    site = site_on_each_log
    house = House(site)
    await site.call("page", userId="ada", properties={"path": "/pricing"})
    await site.call("identify", userId="ada", traits=ADA)
    await site.track("Demo Requested", userId="ada")
    await site.track("Document Downloaded", {"kind": "quote", "document": "q-1"}, userId="ada")
    await site.track("Document Downloaded", {"kind": "white_paper", "document": "w"}, userId="ada")
    lead = await site.lead_of(email=ADA["email"])
    points = (await site.why(lead, "mql"))["points"]
    routed = await house.routed(lead)
    owner = routed["owner"]
    assert owner, (points, routed)

    # the owner knows better than the form; another rep may not even look
    other = next(rep for rep in ("rep-1", "rep-2", "rep-3") if rep != owner)
    assert (await patch(house, lead, {"note": "x"}, by=other)).json()["code"] == "lead.not_yours"
    assert (await house.get(f"/v1/leads/{lead}", by=owner))["owner"] == owner
    wrong = await patch(house, lead, {"fields": {"industry": "knitting"}}, by=owner)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "correction.value_unknown")
    right = {
        "fields": {"industry": "零售", "title_level": "manager"},
        "note": "Ada buys in May",
        "reason": "met her",
    }
    for _ in range(2):
        answer = await patch(house, lead, right, by=owner, **{"idempotency-key": "right-1"})
        assert answer.json()["corrected"] == ["industry", "note", "title_level"]
    after = (await site.why(lead, "mql"))["points"]
    assert after == points - 25, "neither a key industry nor a director any more"
    taken = await patch(house, lead, {"remove": ["industry"]})
    assert taken.json()["corrected"] == ["industry"]
    assert (await site.why(lead, "mql"))["points"] == after

    # who is called by another name later stays put right: it is the newer word
    await site.capture(phone="13800138000", name="Ada", industry="教育", external_id="7")
    await site.pass_time(days=0.01)
    await patch(house, lead, {"fields": {"industry": "pharma"}})
    await site.capture(phone="13800138000", email=ADA["email"], name="Ada")
    stays = await site.lead_of(email=ADA["email"])
    shown = await house.get(f"/v1/leads/{stays}", by="marketer")
    assert len(shown["profiles"]) == 2
    assert shown["attributes"]["industry"]["value"] == "pharma"
    assert [note["text"] for note in shown["contact"]["notes"]] == ["Ada buys in May"]

    # many at once, each by itself; the same once more changes nothing
    rows = [
        {"email": ADA["email"], "fields": {"region": "上海"}},
        {"phone": "139", "fields": {"region": "上海"}},
        {"lead": stays, "fields": {"budget": "a lot"}},
        {"source": "fair", "external_id": "7", "note": "called"},
    ]
    done = await house.do("/v1/leads/bulk", {"rows": rows}, key="bulk-1")
    assert [row["verdict"] for row in done["rows"]] == ["corrected", "refused", "refused", "corrected"]
    assert [row["code"] for row in done["rows"]][1:3] == [
        "correction.names_nobody",
        "correction.value_unknown",
    ]
    assert await house.do("/v1/leads/bulk", {"rows": rows}, key="bulk-1") == done
    same = await house.do(
        "/v1/leads/bulk", {"leads": [stays, lead], "change": {"fields": {"region": "上海"}}}
    )
    assert (same["unchanged"], same["corrected"], same["refused"]) == (2, 0, 0)

    told = [one for one in await house.said(LEADS.name) if b'"source":"correction"' in bytes(one.data)]
    assert len(told) == 5
    assert not any("Ada" in bytes(one.data).decode() for one in told)
    lines = [line.text for line in await house.explain(stays) if line.text.startswith("corrected by")]
    assert lines[0].startswith(f"corrected by {owner}; industry=retail, note, title_level=manager; met her")
    assert len(lines) == 5

    # the hand-over list is routing's, and its last field makes the opportunity
    await house.do(f"/routing/v1/leads/{stays}/handover", {"fields": HANDOVER}, by="manager")
    assert (await house.routed(stays))["handover_missing"] == []
    assert await house.audit() == {}
