"""Notices of a vendor while the platform is killed again and again: every lead once, none lost."""

from __future__ import annotations

import asyncio
import hmac
import random
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest

from shared.kernel.instants import MINUTE
from shared.runtime.clock import SystemClock
from tests.operations.processes import Running, leadmill
from tests.services.ingest.hooks.graph import PAGE, TOKEN, FakeGraph
from tests.services.ingest.hooks.vendor import Answer, Asked, run_vendor

pytestmark = [pytest.mark.postgres, pytest.mark.failure]

LEADS = 80
UNTOLD = 20
"""Leads of which no notice ever comes."""
KILLS = 3

RETRY = """
WITH lists AS (
    UPDATE ingest.hook SET next_look = clock_timestamp()
    WHERE next_look > clock_timestamp() + interval '1 minute'
)
UPDATE ingest.hook_errand SET next_attempt = clock_timestamp(), state = 'waiting'
"""
"""What a killed process had claimed is due when its lease ends; that is not waited for."""

SUBMISSIONS = """
SELECT count(*) || ' of ' || count(DISTINCT profile) FROM ingest.story WHERE kind = 'form_submitted'
"""


class MoodyGraph(FakeGraph):
    """Hangs up, is busy or breaks down for every third request, by lot."""

    def __init__(self) -> None:
        super().__init__()
        self.at_once = 25
        self._lot = random.Random(20261127)

    def __call__(self, asked: Asked) -> Answer:
        if self._lot.random() < 0.33:
            return self._lot.choice(
                [Answer(500, {}), Answer(429, {}, {"retry-after": "1"}), Answer(200, b"{")]
            )
        return super().__call__(asked)


async def tell(client: httpx.AsyncClient, path: str, lead: str) -> bool:
    """Deliver a notice; return whether it was acknowledged."""
    value = {"leadgen_id": lead, "page_id": PAGE}
    body = msgspec.json.encode({"entry": [{"changes": [{"field": "leadgen", "value": value}]}]})
    signature = f"sha256={hmac.digest(b's3cr3t', body, 'sha256').hex()}"
    try:
        answer = await client.post(path, content=body, headers={"x-hub-signature-256": signature})
    except httpx.TransportError:
        return False
    return answer.status_code == 200


async def count(url: str, sql: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_every_lead_is_there_once(database_url: str, tmp_path: Path) -> None:
    graph = MoodyGraph()
    now = SystemClock().now()
    for number in range(LEADS):
        graph.add(f"9{number:05}", at=now - 5 * MINUTE, email=f"p{number}@engines.example")
    environment = {
        "LEADMILL_POSTGRES": database_url,
        "LEADMILL_DATA_DIR": str(tmp_path),
        "LEADMILL_INGEST_HOOK_LOOK_EVERY": "1s",
    }

    async def command(*arguments: str) -> Any:
        answer = await asyncio.to_thread(leadmill, *arguments, environment=environment)
        assert answer.code == 0, answer.err + answer.out
        return answer

    async with run_vendor(graph) as vendor, httpx.AsyncClient(trust_env=False, timeout=10) as client:
        await command("migrate")
        await command("topics", "apply")
        values = {"app_secret": "s3cr3t", "verify_token": "v", "page_token": TOKEN, "page_ids": PAGE}
        values["api_address"] = vendor.address
        given = [part for name, value in values.items() for part in ("--secret", f"{name}={value}")]
        made = await command("hook", "add", "meta", "ads", *given, "--json")
        key = made.document["address"].rpartition("/")[2]
        waiting = [f"9{number:05}" for number in range(LEADS - UNTOLD)]
        for turn in range(KILLS + 1):
            with Running(["up"], environment, tmp_path / "log") as platform:
                await asyncio.to_thread(platform.until, "/readyz", status=200)
                path = f"{platform.address}/hooks/meta/{key}"
                share = waiting[: len(waiting) // (KILLS + 1 - turn)] if turn < KILLS else list(waiting)
                told = await asyncio.gather(*(tell(client, path, lead) for lead in share))
                waiting = [
                    lead for lead in waiting if lead not in {a for a, b in zip(share, told, strict=True) if b}
                ]
                if turn < KILLS:
                    await asyncio.sleep(0.3)
                    continue  # killed on leaving the block
                assert waiting == []
                async with asyncio.timeout(300):
                    while (
                        await count(database_url, "SELECT count(*) FROM ingest.lead") < LEADS
                        or await count(database_url, "SELECT count(*) FROM ingest.hook_errand")
                        or await count(database_url, "SELECT count(*) FROM ingest.outbox")
                    ):
                        await count(database_url, RETRY)
                        await asyncio.sleep(1)
                assert await count(database_url, SUBMISSIONS) == f"{LEADS} of {LEADS}"
                assert (await command("audit", "--json")).document
        assert any(asked.path.endswith("/leads") for asked in vendor.asked)
