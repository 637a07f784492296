"""Forms with documents, in the running service: from the page to the lead, its consent and its tags."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from shared.contracts.topics import BEHAVIOUR, CONTACTS, LEADS
from tests.services.ingest.running import KEY, RunningIngest

pytestmark = pytest.mark.postgres

TRIAL = f"/f/{KEY}/trial_request"
BROWSER = {"sec-fetch-mode": "navigate", "accept": "text/html", "accept-language": "zh-CN"}
RIGHT = {
    "name": "Ada",
    "email": "ada@example.com",
    "company_name": "Analytical Ltd",
    "title": "CTO",
    "industry": "pharma",
    "consent_email": "yes",
    "utm_medium": "cpc",
    "utm_campaign": "spring",
    "landing_page_version": "b",
}


async def submit(ingest: RunningIngest, fields: dict[str, str], **headers: str) -> httpx.Response:
    return await ingest.client.post(TRIAL, data=fields, headers={**BROWSER, **headers})


async def said(ingest: RunningIngest, topic: str) -> list[tuple[str, Any]]:
    return [
        (envelope.type.split(".")[1], msgspec.json.decode(envelope.data or b"null"))
        for envelope in await ingest.said(topic)
    ]


async def test_a_form_becomes_a_lead_with_tags_consent_and_what_was_asked_for(
    ingest_on_each_log: RunningIngest,
) -> None:
    ingest = ingest_on_each_log
    assert (await submit(ingest, RIGHT)).status_code == 303
    await ingest.settle(1)
    about_the_lead = dict(await said(ingest, LEADS.name))
    assert about_the_lead["lead_captured"].get("missing", []) == []
    assert {"high_intent", "website"} <= set(about_the_lead["tags_changed"]["tags"])
    acts = dict(await said(ingest, BEHAVIOUR.name))
    assert acts["form_submitted"]["form"] == "trial_request"
    assert acts["form_submitted"]["tags"] == ["high_intent", "website"]
    assert acts["form_submitted"]["landing_page_version"] == "b"
    assert acts["trial_requested"]["acquisition"]["campaign"] == "spring"
    ((_, contact),) = await said(ingest, CONTACTS.name)
    assert contact["consents"] == {"email": True}
    assert contact["consent_terms"]["email"]["text"] == "trial_request@1"
    (lead,) = await ingest.find(email="ada@example.com")
    assert (lead["missing"], lead["attributes"]["industry"]) == ([], "pharma")
    assert lead["consents"]["email"]["given"] is True
    assert lead["consents"]["email"]["text"] == "trial_request@1"
    assert lead["consents"]["email"]["at"] == lead["consents"]["email"]["agreed"]
    told = [line.text for line in await ingest.blueprint.tell(lead["id"])]
    assert any("tags=high_intent+website" in text for text in told)
    assert await ingest.breaches() == {}


async def test_whoever_unsubscribes_later_is_remembered_with_the_text_they_had_agreed_to(
    ingest: RunningIngest,
) -> None:
    await submit(ingest, RIGHT)
    await ingest.post(
        "/v1/track", {"event": "Unsubscribed", "userId": "u", "properties": {"email": "ada@example.com"}}
    )
    await ingest.settle(2)
    (lead,) = await ingest.find(email="ada@example.com")
    assert lead["consents"]["email"]["given"] is False
    assert lead["consents"]["email"]["text"] == "trial_request@1"
    assert lead["consents"]["email"]["at"] > lead["consents"]["email"]["agreed"]


async def test_what_is_refused_lies_in_quarantine_and_makes_no_lead(ingest: RunningIngest) -> None:
    answer = await submit(ingest, {"name": "Ada", "phone": "12"})
    assert answer.status_code == 422
    assert "请填写“公司”" in answer.text
    await ingest.client.post(f"/f/{KEY}/nothing", json={"email": "ada@example.com"})
    await ingest.settle(2)
    codes = await ingest.value("SELECT array_agg(code ORDER BY code) FROM quarantine")
    assert codes == ["form.phone_malformed", "form.unknown"]
    assert await ingest.value("SELECT count(*) FROM lead") == 0
    assert await ingest.breaches() == {}


async def test_every_other_source_is_taken_and_marked_with_what_is_missing_i2(ingest: RunningIngest) -> None:
    await ingest.post("/v1/leads", {"email": "ada@example.com"})
    await ingest.client.post(f"/f/{KEY}", data={"phone": "13800138000", "name": "Bo"})
    await ingest.settle(2)
    (by_api,) = await ingest.find(email="ada@example.com")
    assert by_api["missing"] == ["name", "company", "title"]
    (by_form,) = await ingest.find(phone="13800138000")
    assert by_form["missing"] == ["company", "title"]


async def test_pages_are_there_in_both_languages(ingest: RunningIngest) -> None:
    for language, title in (("zh", "申请试用"), ("en", "Request a trial")):
        page = await ingest.client.get(f"{TRIAL}?lang={language}", headers=BROWSER)
        assert (page.status_code, f"<h1>{title}</h1>" in page.text) == (200, True)
    thanks = await ingest.client.get(f"{TRIAL}/thanks?lang=en", headers=BROWSER)
    assert "We have your request" in thanks.text
