"""A process is killed in the middle of a named request; whoever asks again gets one effect."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from shared.contracts.topics import OUTCOMES
from tests.services.ingest.native.dying_edge import BODY, HEADERS
from tests.services.ingest.running import RunningIngest
from tests.unit.ingest.requests import ROOT

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(20)]


@pytest.mark.parametrize(
    ("where", "left_behind", "is_answered"),
    [("claimed", 0, False), ("appended", 2, False), ("settled", 2, True)],
)
async def test_whoever_is_killed_leaves_one_effect(
    ingest: RunningIngest,
    database_url: str,
    tmp_path: Path,
    where: str,
    left_behind: int,
    *,
    is_answered: bool,
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.services.ingest.native.dying_edge"),
        *(database_url, str(tmp_path / "dying"), where),
        cwd=ROOT,
    )
    assert await process.wait() == -signal.SIGKILL
    await ingest.settle(left_behind)
    asked = await ingest.client.post("/v1/outcomes", json=BODY, headers=HEADERS)
    if not is_answered:
        assert (asked.status_code, asked.json()["code"]) == (409, "idempotency.in_flight")
        assert 1 <= int(asked.headers["retry-after"]) <= 30
        await ingest.execute(
            "UPDATE named_request SET claimed_until = clock_timestamp()"
        )  # the lease is over
        asked = await ingest.client.post("/v1/outcomes", json=BODY, headers=HEADERS)
    assert asked.status_code == 200, asked.text
    assert asked.headers.get("idempotency-replayed") == ("true" if is_answered else None)
    await ingest.settle(2 if is_answered else left_behind + 2)
    said = await ingest.said(OUTCOMES.name)
    assert [envelope.type for envelope in said] == ["leadmill.opportunity_won.v1"] * 2
    assert len({envelope.id for envelope in said}) == 2
    assert not await ingest.breaches()
