"""PostgreSQL without room on its disk: work pauses and says why, and goes on by itself once there is room.

The server raises what it raises when a file cannot grow (SQLSTATE 53100), in the middle of the worker's
transaction. tests/operations/test_disk_full.py does the same to a whole platform on a disk that is full.
"""

from __future__ import annotations

import asyncio

import pytest

from shared.postgres.database import Database
from shared.postgres.faults import DatabaseFull, DatabaseUnavailable
from tests.engine.processor.conftest import Bench

NO_ROOM = """
CREATE FUNCTION tally.no_room() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER no_room BEFORE INSERT ON tally.outbox FOR EACH STATEMENT EXECUTE FUNCTION tally.no_room();
"""
ROOM = "DROP TRIGGER no_room ON tally.outbox"


async def test_pauses_says_so_buries_nothing_and_goes_on_when_there_is_room(bench: Bench) -> None:
    worker = await bench.start_worker()
    await bench.feed([("a", 1), ("b", 1)])
    await bench.until_counted(2)

    await bench.execute(NO_ROOM)
    await bench.feed([(f"k{number}", 1) for number in range(50)])

    async def pauses() -> bool:
        return worker.standing.waits_for == "database.disk_full"

    for _ in range(3):  # it tries again, and pauses again
        await bench.until(pauses)
        await asyncio.sleep(0.3)
    assert not bench.tasks[0].done()
    assert await bench.value("SELECT count(*) FROM dead_letter") == 0

    await bench.execute(ROOM)
    await bench.until_counted(52)
    assert worker.standing.waits_for is None
    assert len(await bench.records()) == 52
    assert await bench.value("SELECT count(*) FROM dead_letter") == 0


async def test_is_told_apart_from_a_database_that_does_not_answer(bench: Bench) -> None:
    await bench.execute(NO_ROOM)
    with pytest.raises(DatabaseFull, match="make room") as caught:
        async with bench.database.transaction() as transaction:
            await transaction.execute("INSERT INTO outbox DEFAULT VALUES")
    assert caught.value.reason == "database.disk_full"
    assert isinstance(caught.value, DatabaseUnavailable)


async def test_of_the_embedded_log_is_an_unavailable_log_that_says_why(database_url: str) -> None:
    from shared.log.embedded.availability import availability
    from shared.log.port import LogUnavailable

    database = Database(database_url, schema="public", application="test")
    await database.start()
    try:
        with pytest.raises(LogUnavailable, match="make room") as caught, availability():
            async with database.transaction() as transaction:
                await transaction.execute("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100'; END $$")
    finally:
        await database.stop()
    assert caught.value.reason == "database.disk_full"
