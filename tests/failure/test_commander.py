"""Commands over HTTP, against processes that die in them: the deterministic part of what the matrix does."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
import pytest

from shared.postgres.database import Database
from tests.engine.tally import DDL
from tests.failure.oracle import journal
from tests.failure.surroundings.crew import Crew, Hand
from tests.failure.worker import Trip

pytestmark = pytest.mark.postgres

HEADERS = {"Idempotency-Key": "the-only-one"}


async def _post(crew: Crew, hand: Hand, *, amount: int = 20) -> httpx.Response:
    await hand.ready(30)
    address = crew.addresses()[-1]
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        return await client.post(f"{address}/tally/v1/leads/a/add", json={"amount": amount}, headers=HEADERS)


@pytest.fixture
async def database(database_url: str) -> Database:
    database = Database(database_url, schema="tally", application="test")
    await database.start()
    async with database.connection() as connection:
        await connection.execute(DDL + journal.DDL)
    return database


@pytest.mark.parametrize(("point", "rows_before"), [("in_command", 0), ("after_command", 1)])
async def test_a_command_whose_process_was_killed_takes_effect_once_when_it_is_sent_again(
    point: str, rows_before: int, database: Database, database_url: str, tmp_path: Path
) -> None:
    crew = Crew(group="tally", database=database_url, kafka="", folder=tmp_path, seed=1)
    try:
        doomed = crew.start_commander(trip=Trip(point))
        with pytest.raises(httpx.TransportError):
            await _post(crew, doomed)
        assert await doomed.ended(10) == -signal.SIGKILL
        async with database.connection() as connection:
            assert await connection.fetch_value("SELECT count(*) FROM tally") == rows_before

        other = crew.start_commander()
        answers = [await _post(crew, other) for _ in range(2)]
        assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {"count": 1})] * 2
        reused = await _post(crew, other, amount=21)
        assert (reused.status_code, reused.json()["code"]) == (422, "command.key_reused")
        async with database.connection() as connection:
            assert await connection.fetch_value("SELECT count(*) FROM journal") == 1
        await crew.stop(other.name)
        assert crew.faults == []
    finally:
        crew.close()
        await database.stop()
