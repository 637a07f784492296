"""One person, fifty times at once: eight partitions, several workers, one lead.

Row of docs/requirements.md: I4.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from shared.contracts.topics import LEADS
from shared.testing.kafka_broker import find_kafka
from tests.services.ingest.running import RunningIngest, run_ingest

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(20)]

PERSON = {"email": "ada@example.com", "phone": "13800138000", "name": "Ada"}


async def come_fifty_times(ingest: RunningIngest, ways: list[dict[str, str]]) -> None:
    """One person submits fifty times at once, from fifty browsers; it is one lead, captured once."""
    await asyncio.gather(
        *(
            ingest.post("/v1/leads", {**ways[n % len(ways)], "anonymous_id": f"browser-{n}"})
            for n in range(50)
        )
    )
    await ingest.settle(50, patience=90)
    partitions = await ingest.value(
        "SELECT count(*) FROM receipt WHERE topic = 'leadmill.raw' AND next_offset > first_offset"
    )
    assert partitions > 1, "they came by several partitions"
    (found,) = await ingest.find(email=PERSON["email"])
    said = [one for one in await ingest.said(LEADS.name) if one.type == "leadmill.lead_captured.v1"]
    assert len({one.subject for one in said}) == len(said)
    assert await ingest.value("SELECT count(DISTINCT lead) FROM profile") == 1
    if len(ways) == 1:
        assert [one.subject for one in said] == [found["id"]]
    assert await ingest.breaches() == {}


@pytest.mark.parametrize(
    "ways",
    [
        [PERSON],
        [{"email": PERSON["email"], "phone": PERSON["phone"]}, {"phone": PERSON["phone"], "name": "Ada"}],
    ],
    ids=["all told each time", "told in parts"],
)
async def test_i4_fifty_submissions_at_once_are_one_lead_captured_once(
    database_url: str, tmp_path: Path, ways: list[dict[str, str]]
) -> None:
    async with run_ingest(database_url, tmp_path, partitions=8, workers=3) as ingest:
        await come_fifty_times(ingest, ways)


@pytest.mark.kafka
@pytest.mark.every_run
async def test_i4_so_are_fifty_on_eight_partitions_of_kafka(database_url: str, tmp_path: Path) -> None:
    with find_kafka(disposable=True) as broker:  # the one of other tests has four partitions of each topic
        kafka = broker.address
        async with run_ingest(database_url, tmp_path, kafka=kafka, partitions=8, workers=3) as ingest:
            await come_fifty_times(ingest, [PERSON])
