"""Tags and touches over HTTP: by rules and by hand, in bulk, found by filters, changed with history."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import msgspec
import pytest

from services.ingest.bootstrap import build_tag_desk
from shared.contracts.events.leads import TagsChanged
from shared.contracts.topics import LEADS
from shared.kernel.errors import Rejected
from tests.services.ingest.running import RunningIngest

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(20)]

TRIAL = {"form": "trial_request"}
LANDING = "https://www.example.com/trial?utm_source=google&utm_medium=cpc&utm_campaign=spring&gclid=x"


async def call(
    ingest: RunningIngest, method: str, path: str, body: Any = None, *, by: str = "marketer", key: str = ""
) -> httpx.Response:
    headers = {"authorization": f"Bearer {by}"} | ({"idempotency-key": key} if key else {})
    return await ingest.client.request(method, path, json=body, headers=headers)


async def found(ingest: RunningIngest, where: Any, *, by: str = "marketer") -> list[str]:
    answer = await call(ingest, "POST", "/v1/leads/search", {"where": where}, by=by)
    assert answer.status_code == 200, answer.text
    return [str(one["id"]) for one in answer.json()["items"]]


async def lead_of(ingest: RunningIngest, email: str) -> str:
    return str((await ingest.find(email=email))[0]["id"])


async def tags_of(ingest: RunningIngest, lead: str) -> list[str]:
    shown = await call(ingest, "GET", f"/v1/leads/{lead}")
    return [one["tag"] for one in shown.json()["tags"]]


async def changes(ingest: RunningIngest) -> list[TagsChanged]:
    said = [one for one in await ingest.said(LEADS.name) if one.type == "leadmill.tags_changed.v1"]
    return [msgspec.json.decode(one.data, type=TagsChanged) for one in said]


def having(*tags: str, operator: str = "includes_all") -> dict[str, Any]:
    return {"field": "tags", "operator": operator, "value": list(tags)}


async def submit(ingest: RunningIngest, email: str, **fields: str) -> None:
    body = {"email": email, "name": "Ada", "company": "Analytical", "title": "CFO", **fields}
    answer = await ingest.client.post(
        "/v1/track",
        json={
            "event": "Form Submitted",
            "userId": email,
            "properties": TRIAL,
            "context": {"traits": body, "page": {"url": LANDING, "referrer": "https://www.google.com/"}},
        },
        headers={"x-write-key": "WK_test123"},
        auth=("WK_test123", ""),
    )
    assert answer.status_code == 200, answer.text


async def test_rules_put_tags_on_and_the_touch_is_shown_and_said_on_each_log(
    ingest_on_each_log: RunningIngest,
) -> None:
    ingest = ingest_on_each_log
    await submit(ingest, "ada@example.com", industry="制造业")
    await ingest.settle(1)
    lead = await lead_of(ingest, "ada@example.com")
    shown = (await call(ingest, "GET", f"/v1/leads/{lead}")).json()
    assert [(one["tag"], one["rule"]) for one in shown["tags"]] == [
        ("advertising", "from_advertising"),
        ("decision_maker", "decides"),
        ("finance_head", "heads_finance"),
        ("high_intent", "trial_form"),
        ("manufacturing", "in_manufacturing"),
        ("website", "trial_form"),
    ]
    touch = shown["first_touch"]
    assert shown["last_touch"] == touch
    assert (touch["channel"], touch["campaign"], touch["source"]) == ("paid_search", "spring", "google")
    assert (touch["click_id"], touch["landing_page"]) == ("gclid", "www.example.com/trial")
    (change,) = await changes(ingest)
    assert (change.lead, change.profile, change.version) == (lead, lead, 1)
    assert {one.tag: one.group for one in change.put}["high_intent"] == "state"
    lines = [line.text for line in await ingest.blueprint.tell(lead) if line.kind == "tags_changed"]
    assert "high_intent (trial_form)" in lines[0]


async def test_what_a_person_says_wins_over_rules_until_a_person_says_otherwise(
    ingest: RunningIngest,
) -> None:
    await submit(ingest, "ada@example.com")
    await ingest.settle(1)
    lead = await lead_of(ingest, "ada@example.com")
    body = {"take": ["high_intent"], "put": ["price_sensitive"], "leads": [lead], "reason": "said so"}
    work = await call(ingest, "POST", "/v1/leads/tags", body, key="k1")
    assert work.status_code == 200, work.text
    assert (work.json()["done"], work.json()["changed"]) == (1, 1)
    assert (await call(ingest, "POST", "/v1/leads/tags", body, key="k1")).json() == work.json()
    await submit(ingest, "ada@example.com")
    await ingest.settle(2)
    tags = await tags_of(ingest, lead)
    assert "high_intent" not in tags
    assert "price_sensitive" in tags
    change = (await changes(ingest))[-1]
    assert (change.by, change.reason, change.taken) == ("marketer", "said so", ["high_intent"])
    assert [(one.tag, one.who) for one in change.put] == [("price_sensitive", "marketer")]


async def test_filters_combine_freely_page_by_page_and_roles_see_what_they_may(
    ingest: RunningIngest,
) -> None:
    for place, industry in enumerate(["manufacturing", "internet", "manufacturing"]):
        await submit(ingest, f"lead{place}@example.com", industry=industry, employees=str(100 * place + 10))
    await ingest.post("/v1/leads", {"email": "plain@example.com", "name": "Bo"})
    await ingest.settle(4)
    ids = [await lead_of(ingest, f"lead{place}@example.com") for place in range(3)]
    plain = await lead_of(ingest, "plain@example.com")
    large = {"field": "size", "operator": "at_least", "value": "50_to_199"}
    cases = [
        (having("manufacturing", "high_intent"), {ids[0], ids[2]}),
        ({"all": [having("manufacturing"), large]}, {ids[2]}),
        ({"any": [having("internet"), large]}, {ids[1], ids[2]}),
        ({"not": having("high_intent")}, {plain}),
        (having("manufacturing", "internet", operator="includes_none"), {plain}),
        ({"field": "first_channel", "operator": "is", "value": "paid_search"}, set(ids)),
        ({"field": "first_channel", "operator": "unknown"}, {plain}),
        ({"field": "employees", "operator": "more_than", "value": 100}, {ids[1], ids[2]}),
        ({"not": {"field": "employees", "operator": "more_than", "value": 100}}, {ids[0]}),
        ({"field": "industry", "operator": "in", "value": ["internet", "health"]}, {ids[1]}),
        ({"field": "created_on", "operator": "at_most", "value": "9999-12-31"}, {*ids, plain}),
        ({"field": "created_on", "operator": "less_than", "value": "2020-01-01"}, set()),
        ({"field": "sources", "operator": "includes_any", "value": ["website"]}, {*ids, plain}),
        ({"field": "reachable", "operator": "is", "value": True}, {*ids, plain}),
        ({"field": "region", "operator": "within", "value": ["CN"]}, set()),
        ({"field": "owner", "operator": "unknown"}, {*ids, plain}),
        (None, {*ids, plain}),
    ]
    for where, wanted in cases:
        assert set(await found(ingest, where)) == wanted, where
    pages, cursor = [], None
    while True:
        body = {"limit": 1, "cursor": cursor} if cursor else {"limit": 1}
        page = (await call(ingest, "POST", "/v1/leads/search", body)).json()
        pages += [one["id"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(pages) == 4
    assert set(pages) == {*ids, plain}
    shown = (await call(ingest, "POST", "/v1/leads/search", {}, by="x")).json()["items"]
    assert {one["email"] for one in shown} == {None}
    assert await found(ingest, None, by="rep-7") == []
    await ingest.execute(f"INSERT INTO lead_owner VALUES ('{plain}', 'rep-7', 0)")
    assert await found(ingest, None, by="rep-7") == [plain]
    wrongs: list[Any] = [
        {"field": "shoe_size", "operator": "is", "value": 1},
        having("a\0b"),
        {"all": []},
    ]
    for wrong in wrongs:
        answer = await call(ingest, "POST", "/v1/leads/search", {"where": wrong})
        assert answer.status_code == 422, answer.text


async def test_a_tag_is_proposed_approved_renamed_merged_and_retired_with_its_history(
    ingest: RunningIngest,
) -> None:
    await submit(ingest, "ada@example.com")
    await ingest.settle(1)
    lead = await lead_of(ingest, "ada@example.com")
    new = {"tag": "very_keen", "group": "state", "zh": "非常积极", "en": "Very keen"}
    assert (await call(ingest, "POST", "/v1/tags", new, by="x")).status_code == 403
    proposed = await call(ingest, "POST", "/v1/tags", new, by="rep-7")
    assert proposed.json()["state"] == "proposed"
    put = {"put": ["very_keen"], "leads": [lead]}
    refused = await call(ingest, "POST", "/v1/leads/tags", put)
    assert (refused.status_code, refused.json()["code"]) == (422, "tag.not_approved")
    approve = {"what": "approve"}
    assert (await call(ingest, "PATCH", "/v1/tags/very_keen", approve, by="rep-7")).status_code == 403
    assert (await call(ingest, "PATCH", "/v1/tags/very_keen", approve)).json()["state"] == "active"
    assert (await call(ingest, "POST", "/v1/leads/tags", put)).json()["changed"] == 1
    renamed = await call(ingest, "PATCH", "/v1/tags/very_keen", {"what": "rename", "en": "Eager"})
    assert (renamed.json()["en"], renamed.json()["zh"]) == ("Eager", "非常积极")
    merge = {"what": "merge", "into": "high_intent", "reason": "the same"}
    assert (await call(ingest, "PATCH", "/v1/tags/very_keen", merge)).json()["into"] == "high_intent"
    assert "very_keen" not in await tags_of(ingest, lead)
    assert await found(ingest, having("very_keen")) == [lead]
    taken = {"take": ["very_keen"], "where": having("high_intent")}
    assert (await call(ingest, "POST", "/v1/leads/tags", taken)).json()["changed"] == 1
    assert "high_intent" not in await tags_of(ingest, lead)
    await call(ingest, "PATCH", "/v1/tags/finance_head", {"what": "retire"})
    assert "finance_head" in await tags_of(ingest, lead)
    refused = await call(ingest, "POST", "/v1/leads/tags", {"put": ["finance_head"], "leads": [lead]})
    assert (refused.status_code, refused.json()["code"]) == (422, "tag.retired")
    await submit(ingest, "bo@example.com")
    await ingest.settle(2)
    assert "finance_head" not in await tags_of(ingest, await lead_of(ingest, "bo@example.com"))
    history = (await call(ingest, "GET", "/v1/tags/very_keen")).json()["history"]
    assert [(one["what"], one["who"], one["en"]) for one in history] == [
        ("propose", "rep-7", "Very keen"),
        ("approve", "marketer", "Very keen"),
        ("rename", "marketer", "Eager"),
        ("merge", "marketer", "Eager"),
    ]
    assert (await call(ingest, "GET", "/v1/tags/no_such")).status_code == 404
    listed = (await call(ingest, "GET", "/v1/tags", by="x")).json()["tags"]
    assert {"very_keen", "high_intent", "live_event"} <= {one["tag"] for one in listed}


async def test_many_leads_are_tagged_portion_by_portion_and_none_twice(ingest: RunningIngest) -> None:
    for place in range(0, 130, 10):
        batch = [
            {"type": "identify", "userId": f"u{one}", "traits": {"email": f"u{one}@example.com"}}
            for one in range(place, place + 10)
        ]
        await ingest.client.post("/v1/batch", json={"batch": batch}, auth=("WK_test123", ""))
    await ingest.settle(130)
    asked = await call(
        ingest, "POST", "/v1/leads/tags", {"put": ["partner"], "where": {"not": having("partner")}}
    )
    work = asked.json()
    assert (work["leads"], work["done"], work["finished"]) == (130, 0, None)
    (job,) = [one for one in ingest.blueprint.activities if one.name == "ingest-tagging"]
    running = asyncio.create_task(job.run())
    async with asyncio.timeout(60):
        while work["finished"] is None:
            await asyncio.sleep(0.05)
            work = (await call(ingest, "GET", f"/v1/leads/tags/{work['id']}")).json()
    job.stop()
    await running
    assert (work["done"], work["changed"], work["who"], work["refused"]) == (130, 130, "marketer", None)
    assert len(await changes(ingest)) == 130
    assert await ingest.value("SELECT count(*) FROM tag_work_lead") == 0
    assert await ingest.value("SELECT count(*) FROM lead_card WHERE tags @> '{partner}'") == 130


async def test_tags_join_with_a_merge_part_with_an_un_merge_and_go_with_an_erasure(
    ingest: RunningIngest,
) -> None:
    await ingest.post("/v1/leads", {"email": "ada@example.com", "industry": "internet", "external_id": "1"})
    await ingest.post("/v1/leads", {"phone": "13800138000", "title": "CIO", "external_id": "2"})
    await ingest.settle(2)
    ada, call_ = [
        (await ingest.find(**one))[0]["id"]
        for one in ({"email": "ada@example.com"}, {"phone": "13800138000"})
    ]
    await call(ingest, "POST", "/v1/leads/tags", {"put": ["partner"], "leads": [ada]})
    await call(ingest, "POST", "/v1/leads/tags", {"put": ["referral"], "leads": [call_]})
    before = {one: await tags_of(ingest, one) for one in (ada, call_)}
    await ingest.post("/v1/leads", {"email": "ada@example.com", "phone": "13800138000"})
    await ingest.settle(3)
    stays, gone = sorted((ada, call_))
    assert await tags_of(ingest, stays) == sorted({*before[ada], *before[call_]})
    assert set(await found(ingest, having("partner", "referral"))) == {stays}
    answer = await call(ingest, "POST", f"/v1/leads/{gone}/unmerge", {"reason": "two people"})
    assert answer.status_code == 200
    assert {"partner"} <= set(await tags_of(ingest, ada))
    assert {"referral"} <= set(await tags_of(ingest, call_))
    assert "referral" not in await tags_of(ingest, ada)
    versions = [change.version for change in await changes(ingest) if change.lead == gone]
    assert versions == sorted(set(versions))
    await ingest.erase(email="ada@example.com")
    assert await ingest.value(f"SELECT count(*) FROM lead_card WHERE lead = '{ada}'") == 0
    assert await ingest.value(f"SELECT count(*) FROM trail WHERE profile = '{ada}'") == 0


async def test_the_command_lines_desk_does_the_same_to_the_end(ingest: RunningIngest) -> None:
    await submit(ingest, "ada@example.com")
    await ingest.settle(1)
    desk = build_tag_desk(ingest.resources, database=ingest.blueprint.database)
    names = {"group": "state", "zh": "积极", "en": "Keen"}
    await desk.change("keen", "propose", by="bo", received=1, **names)
    assert (await desk.change("keen", "approve", by="bo", received=2))["state"] == "active"
    heard: list[tuple[int, int]] = []
    done = await desk.tag(
        put=["keen"],
        where='{"field": "tags", "operator": "includes_any", "value": ["high_intent"]}',
        by="bo",
        received=3,
        progress=lambda done, of: heard.append((done, of)),
    )
    assert (done["leads"], done["changed"], done["who"]) == (1, 1, "bo")
    assert "keen" in {one["tag"] for one in await desk.list_tags()}
    assert "keen" in await tags_of(ingest, await lead_of(ingest, "ada@example.com"))
    with pytest.raises(Rejected, match="A filter is JSON"):
        await desk.tag(put=["keen"], where="{", by="bo", received=4, progress=lambda *_: None)
