"""The audit finds planted damage wherever it was done, and names it by what an operator can look up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from leadmill.audit.comparing import audit_deployment
from shared.contracts.topics import BEHAVIOUR, RAW
from shared.kernel.instants import DAY, HOUR
from shared.log.port import NewRecord, TopicPartition
from shared.postgres.database import Database
from tests.journeys.site import Site, environment_of
from tests.operations.processes import leadmill

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(25)]

A_MOMENT = timedelta(seconds=1)


class Damage:
    """A platform with a few leads on it, and the means to damage what it has stored."""

    def __init__(self, site: Site, database: Database) -> None:
        self.site = site
        self.database = database

    async def value(self, sql: str, *arguments: object) -> object:
        async with self.database.connection() as connection:
            return await connection.fetch_value(sql, *arguments)

    async def do(self, sql: str, *arguments: object) -> None:
        """Change exactly one row behind everybody's back."""
        async with self.database.connection() as connection:
            assert await connection.execute(sql, *arguments) == 1

    async def breaches(self, *, full: bool = True) -> dict[str, list[str]]:
        """What the audit complains about, by check; waits only a moment for who is behind."""
        findings = await audit_deployment(
            self.site.platform.blueprints, self.site.platform.ground.log, full=full, patience=A_MOMENT
        )
        return {finding.check: list(finding.breaches) for finding in findings if not finding.holds}


@pytest.fixture
async def damage(site: Site, database_url: str) -> AsyncIterator[Damage]:
    for number in range(8):
        who = f"u-{number}"
        await site.call("identify", userId=who, traits={"email": f"{who}@example.com", "title": "Director"})
        for path in ("/pricing", "/blog/one", "/blog/two"):
            await site.page(path, userId=who)
        await site.track("Demo Requested", userId=who)
    await site.pass_time(days=1)
    database = Database(database_url, schema="public", application="saboteur")
    await database.start()
    yield Damage(site, database)
    await database.stop()


async def test_nothing_is_said_where_nothing_is_broken(damage: Damage) -> None:
    assert await damage.breaches() == {}


async def test_a_deleted_fact_is_named(damage: Damage) -> None:
    fact = await damage.value("SELECT id FROM scoring.fact WHERE name = 'demo_requested' LIMIT 1")
    lead = await damage.value("SELECT lead FROM scoring.fact WHERE id = $1", fact)
    await damage.do("DELETE FROM scoring.fact WHERE id = $1", fact)

    found = await damage.breaches()
    assert found["scoring: every fact is there"] == [f"lead {lead}: fact {fact} is missing"]
    (missed,) = found[f"scoring holds what lies in {BEHAVIOUR.name}"]
    assert f"lead {lead}: event {fact} of {BEHAVIOUR.name}/" in missed
    assert set(await damage.breaches(full=False)) == {"scoring: every fact is there"}


async def test_a_changed_line_is_named(damage: Damage) -> None:
    lead = await damage.value("SELECT key FROM scoring.lead ORDER BY key LIMIT 1")
    payload = await damage.value("SELECT payload FROM scoring.lead WHERE key = $1", lead)
    assert isinstance(payload, bytes)
    state = msgspec.msgpack.decode(payload)
    spoiled = msgspec.msgpack.encode(_shift_a_line(state))
    assert spoiled != payload
    await damage.do("UPDATE scoring.lead SET payload = $2 WHERE key = $1", lead, spoiled)

    found = await damage.breaches(full=False)
    assert set(found) & {"scoring: states refold from the facts", "scoring: Σ lines = score"}
    assert all(f"lead {lead}" in breach for breaches in found.values() for breach in breaches)


def _shift_a_line(state: object, *, is_inside: bool = False) -> object:
    """Let the first line of a model have been granted an hour earlier."""
    if isinstance(state, dict):
        parts = list(state.items())
        for place, (name, value) in enumerate(parts):
            after = _shift_a_line(value, is_inside=is_inside or name == "mql")
            if after != value:
                parts[place] = (name, after)
                break
        return dict(parts)
    if isinstance(state, list):
        values = list(state)
        for place, value in enumerate(values):
            after = _shift_a_line(value, is_inside=is_inside)
            if after != value:
                values[place] = after
                break
        return values
    return state - HOUR if is_inside and isinstance(state, int) and state > DAY else state


async def test_a_lost_record_batch_is_named_by_its_sequences(damage: Damage) -> None:
    async with damage.database.connection() as connection:
        row = await connection.fetch_row(
            "SELECT partition, first_offset, last_offset FROM log.record_batch b WHERE topic = $1 AND EXISTS"
            " (SELECT FROM log.record_batch l WHERE l.topic = b.topic AND l.partition = b.partition"
            "  AND l.first_offset > b.last_offset) LIMIT 1",
            BEHAVIOUR.name,
        )
    assert row is not None
    await damage.do(
        "DELETE FROM log.record_batch WHERE topic = $1 AND partition = $2 AND first_offset = $3",
        BEHAVIOUR.name,
        *(row["partition"], row["first_offset"]),
    )

    place = f"{BEHAVIOUR.name}/{row['partition']}"
    first, last = row["first_offset"] + 1, row["last_offset"] + 1
    assert await damage.breaches() == {
        f"{BEHAVIOUR.name}: every number is there": [
            f"{place}: sequences {first} to {last} of ingest are not in the log"
        ]
    }


async def test_a_skipped_raw_record_is_named(damage: Damage) -> None:
    async with damage.database.connection() as connection:
        receipt = await connection.fetch_row(
            "SELECT partition, first_offset, next_offset FROM ingest.receipt WHERE topic = $1"
            " AND processed > 1 LIMIT 1",
            RAW.name,
        )
    assert receipt is not None
    await damage.do(
        "UPDATE ingest.receipt SET processed = processed - 1 WHERE topic = $1 AND partition = $2"
        " AND first_offset = $3",
        RAW.name,
        *(receipt["partition"], receipt["first_offset"]),
    )
    length = receipt["next_offset"] - receipt["first_offset"]

    (breach,) = (await damage.breaches(full=False))["ingest: every record has a receipt"]
    assert breach.startswith(f"{RAW.name}/{receipt['partition']} offsets {receipt['first_offset']} to")
    assert breach.endswith(f"{length} records lie there and {length - 1} are accounted for")


async def test_what_a_consumer_has_not_heard_is_named(damage: Damage) -> None:
    # ids depend on a secret of this deployment, so which partition took most differs from run to run
    async with damage.database.connection() as connection:
        mark = await connection.fetch_row(
            "SELECT partition, sequence FROM scoring.mark WHERE topic = $1 ORDER BY sequence DESC LIMIT 1",
            BEHAVIOUR.name,
        )
    assert mark is not None
    partition, sequence = mark["partition"], mark["sequence"]
    await damage.do(
        "UPDATE scoring.mark SET sequence = sequence - 2 WHERE topic = $1 AND partition = $2",
        *(BEHAVIOUR.name, partition),
    )

    place = f"{BEHAVIOUR.name}/{partition}"
    assert await damage.breaches(full=False) == {
        "what ingest said has reached scoring": [
            f"{place}: sequences {sequence - 1} to {sequence} of ingest have not reached scoring"
        ]
    }


async def test_what_is_merely_under_way_is_no_breach(damage: Damage) -> None:
    producer = damage.site.platform.ground.log.producer(name="late")
    await producer.start()
    try:
        late = [NewRecord(b"x", b"garbage", [], damage.site.now // 1000)] * 50
        await producer.append([(TopicPartition(BEHAVIOUR.name, 1), late)])
        assert await damage.breaches(full=False) == {}
    finally:
        await producer.stop()


async def test_the_command_says_so_with_exit_code_1(
    damage: Damage, database_url: str, tmp_path: Path
) -> None:
    fact = await damage.value("SELECT id FROM scoring.fact WHERE name = 'demo_requested' LIMIT 1")
    await damage.do("DELETE FROM scoring.fact WHERE id = $1", fact)

    environment = environment_of(database_url, tmp_path)
    answer = await asyncio.to_thread(leadmill, "audit", environment=environment)
    assert answer.code == 1
    assert f"fact {fact} is missing" in answer.out
    document = (await asyncio.to_thread(leadmill, "audit", "--json", environment=environment)).document
    assert document["clean"] is False
    assert [check["check"] for check in document["checks"] if not check["ok"]] == [
        "scoring: every fact is there"
    ]
