"""Hooks in the hands of an operator: set up, tried, looked at, looked through, taken away."""

from __future__ import annotations

import asyncio
import hmac
from pathlib import Path

import msgspec
import pytest

from shared.kernel.instants import MINUTE, parse_instant
from tests.journeys.site import Site
from tests.operations.front.beside import Beside
from tests.operations.processes import CHECKOUT
from tests.services.ingest.hooks.graph import PAGE, TOKEN, FakeGraph
from tests.services.ingest.hooks.vendor import run_vendor

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(45)]

TEST_LEAD = CHECKOUT / "services/ingest/providers/google_ads/fixtures/test_lead.json"


@pytest.fixture
def beside(database_url: str, tmp_path: Path) -> Beside:
    return Beside(database_url, tmp_path, public_url="https://in.example.com/")


def path_of(address: str) -> str:
    assert address.startswith("https://in.example.com/hooks/")
    return address.removeprefix("https://in.example.com")


async def test_google_ads_is_set_up_in_two_steps(site: Site, beside: Beside, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a key of the advertiser\n")
    made = await beside.document(
        "hook", "add", "google-ads", "ads", "--secret-file", f"google_key={tmp_path}/key"
    )
    assert made["address"] in made["steps"][1]
    body = msgspec.json.decode(TEST_LEAD.read_bytes())["request"]["body"]
    answer = await site.clients.post(path_of(made["address"]), json=body)
    assert (answer.status_code, answer.content) == (200, b"{}")
    await site.platform.drained()
    (waiting,) = (await beside.document("quarantine", "list", "--code", "intake.test_lead"))["quarantine"]
    assert waiting["source"] == "ads"
    elsewhere = await site.clients.post(f"/v1/track?writeKey={made['address'].rpartition('/')[2]}", json={})
    assert elsewhere.status_code == 403

    shown = await beside("hook", "show", "google-ads", "ads")
    assert shown.out == "google_key: set\n"
    (listed,) = (await beside.document("hook", "list"))["hooks"]
    assert (listed["source"], listed["provider"], listed["stuck"]) == ("ads", "google-ads", 0)

    again = await beside.document("hook", "add", "google-ads", "ads", "--secret", "google_key=another")
    assert again["address"].endswith("/hooks/google-ads/<write key>")
    refused = await beside("hook", "backfill", "google-ads", "ads", "--since", "7d")
    assert refused.code == 2
    assert (await beside("hook", "remove", "google-ads", "ads")).code == 0
    assert (await beside("hook", "remove", "google-ads", "ads")).code == 2


@pytest.mark.thorough
async def test_what_is_missing_or_unknown_is_named(site: Site, beside: Beside) -> None:
    missing = await beside("hook", "add", "meta", "ads", "--secret", "app_secret=s")
    assert missing.code == 2
    assert "verify_token, page_token" in missing.err
    assert "hook.unknown" not in (await beside("hook", "providers")).out
    for wrong in (
        ("hook", "add", "nobody", "ads"),
        ("hook", "add", "meta", "ads", "--secret", "unknown=x"),
        ("hook", "add", "meta", "ads", "--secret", "app_secret"),
        ("hook", "add", "meta", "ads", "--secret-file", "app_secret=/nowhere"),
        ("hook", "backfill", "meta", "ads", "--since", "yesterday"),
        ("hook", "show", "meta", "ads"),
    ):
        assert (await beside(*wrong)).code == 2
    assert (await beside.document("key", "list"))["keys"] == [
        key for key in (await beside.document("key", "list"))["keys"] if key["source"] != "ads"
    ]


@pytest.mark.thorough
async def test_leads_of_long_ago_are_looked_for_on_request(site: Site, beside: Beside) -> None:
    graph = FakeGraph()
    async with run_vendor(graph) as vendor:
        secrets = {
            "app_secret": "s3cr3t",
            "verify_token": "made up",
            "page_token": TOKEN,
            "page_ids": PAGE,
            "api_address": vendor.address,
        }
        given = [part for name, value in secrets.items() for part in ("--secret", f"{name}={value}")]
        made = await beside.document("hook", "add", "meta", "ads", *given)
        path = path_of(made["address"])
        query = {"hub.mode": "subscribe", "hub.challenge": "42", "hub.verify_token": "made up"}
        assert (await site.clients.get(path, params=query)).text == "42"
        graph.add("71", at=parse_instant("2026-11-01T00:00:00Z"), email="old@engines.example")
        assert await beside.document("hook", "backfill", "meta", "ads", "--since", "2026-10-01") == {
            "found": 1
        }
        assert len(await site.find(email="old@engines.example")) == 1
        assert await beside.document("hook", "backfill", "meta", "ads", "--since", "9000d") == {"found": 0}

        value = {"leadgen_id": "72", "page_id": PAGE}
        entry = {"id": PAGE, "changes": [{"field": "leadgen", "value": value}]}
        body = msgspec.json.encode({"object": "page", "entry": [entry]})
        signature = f"sha256={hmac.digest(b's3cr3t', body, 'sha256').hex()}"
        await site.clients.post(path, content=body, headers={"x-hub-signature-256": signature})
        async with asyncio.timeout(30):
            while (await beside.document("hook", "list"))["hooks"][0]["stuck"] == 0:
                await asyncio.sleep(0.2)
        graph.add("72", at=site.now - MINUTE, email="back@engines.example")
        assert await beside.document("hook", "retry", "--provider", "meta") == {"retried": 1}
        async with asyncio.timeout(30):
            while not await site.find(email="back@engines.example"):
                await asyncio.sleep(0.2)
