"""“I submitted the form at 10:02, where is my lead?”, answered over HTTP."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from services.ingest.domain.desk.wording import REASONS, reason_of
from tests.services.ingest.running import KEY, RunningIngest

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(15)]

ADA = {"email": "ada@example.com", "name": "Ada"}


async def ask(ingest: RunningIngest, **query: str) -> dict[str, Any]:
    at = datetime.fromtimestamp(time.time(), UTC).isoformat()
    answer = await ingest.client.get(
        "/v1/arrivals", params={"at": at, **query}, headers={"authorization": "Bearer reader"}
    )
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def submit(ingest: RunningIngest, form: str = "", *, key: str = KEY, **fields: str) -> int:
    path = f"/f/{key}/{form}" if form else f"/f/{key}"
    return (await ingest.client.post(path, data=fields)).status_code


async def test_a_form_that_was_taken_in_leads_to_its_lead(ingest_on_each_log: RunningIngest) -> None:
    ingest = ingest_on_each_log
    await submit(ingest, _form="spring", **ADA)
    await submit(ingest, _form="autumn", email="bob@example.com")
    await ingest.settle(2)
    (lead,) = [one["id"] for one in await ingest.find(email=ADA["email"])]
    for query in ({"form": "spring"}, {"email": "ADA@example.com"}, {"form": "spring", "source": "website"}):
        answer = await ask(ingest, **query)
        (one,) = answer["found"]
        assert (one["verdict"], one["lead"], one["source"]) == ("taken_in", lead, "website")
        assert one["what"] == ["lead_captured", "form_submitted"]
        assert one["en"] == f"It was taken in and opened lead {lead}."
        assert one["zh"] == f"已接收，新建了线索 {lead}。"
        assert lead in answer["zh"]
        assert "ada" not in str(answer).lower()
    assert len((await ask(ingest))["found"]) == 2
    nothing = await ask(ingest, form="winter")
    assert (nothing["found"], "time zone" in nothing["en"], "时区" in nothing["zh"]) == ([], True, True)


async def test_what_was_put_aside_or_refused_says_why_and_what_to_do(ingest: RunningIngest) -> None:
    assert await submit(ingest, "contact_us", email=ADA["email"]) == 422
    assert await submit(ingest, key="WK_wrong", **ADA) == 401
    await submit(ingest, website="http://spam.example", **ADA)
    await submit(ingest, message="call me")
    await ingest.settle(3)
    found: list[dict[str, Any]] = []
    for _ in range(200):
        found = (await ask(ingest, email=ADA["email"]))["found"]
        if len(found) == 3:
            break
        await ingest.value("SELECT pg_sleep(0.05)")
    told = {one["code"]: one for one in found}
    assert set(told) == {"form.field_missing", "write_key.invalid", "intake.honeypot"}
    assert told["write_key.invalid"]["verdict"] == "refused"
    assert "leadmill key add" in told["write_key.invalid"]["en"]
    assert told["intake.honeypot"]["verdict"] == "quarantined"
    assert "机器" in told["intake.honeypot"]["zh"]
    everything = (await ask(ingest))["found"]
    assert "intake.no_identity" in {one["code"] for one in everything}


async def test_who_was_forgotten_is_told_as_forgotten_and_nothing_else(ingest: RunningIngest) -> None:
    await submit(ingest, **ADA)
    await ingest.settle(1)
    await ingest.erase(email=ADA["email"])
    await submit(ingest, **ADA)
    await ingest.settle(2)
    answer = await ask(ingest, email=ADA["email"])
    (one,) = answer["found"]
    assert one["verdict"] == "forgotten"
    assert "asked to be forgotten" in one["en"]


def test_every_reason_is_told_in_both_languages() -> None:
    assert all(words.en and words.zh for words in REASONS.values())
    assert reason_of("form.phone_malformed") == REASONS["form"]
    assert reason_of("hook.signature_too_old") == REASONS["hook.signature"]
    assert reason_of("something.else").en
