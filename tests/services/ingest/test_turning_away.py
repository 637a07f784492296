"""The sample of requests without a write key that works."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from services.ingest.domain.admission.samples import MOST_BYTES, TurnedAway, decode_sample
from services.ingest.jobs.turning_away import TurningAway
from services.ingest.metrics import TURNED_AWAY, IngestMetrics
from shared.kernel.errors import Unavailable
from shared.kernel.instants import MINUTE
from shared.postgres.database import Database
from tests.unit.ingest.requests import RECEIVED

pytestmark = pytest.mark.postgres

CODE = "write_key.invalid"


class Sample:
    """A sample over a database, with its counter."""

    def __init__(self, database: Database, *, per_minute: int = 3, most: int = 5) -> None:
        self.database = database
        self.registry = CollectorRegistry()
        self.taking = TurningAway(
            database, meter=IngestMetrics(self.registry), per_minute=per_minute, most=most
        )

    def note(self, *bodies: bytes, minute: int = 0, source: str = "", code: str = CODE) -> None:
        received = RECEIVED + minute * MINUTE
        for body in bodies:
            self.taking.note(TurnedAway(source, code, received, "POST", "/v1/track", b"", (), body))

    def counted(self, sample: str) -> float:
        return self.registry.get_sample_value(TURNED_AWAY.name, {"sample": sample}) or 0

    async def kept(self) -> list[tuple[bytes, int]]:
        async with self.database.connection() as connection:
            rows = await connection.fetch("SELECT record, tries FROM quarantine ORDER BY received, record")
        samples = [(decode_sample(row["record"]), row["tries"]) for row in rows]
        return [(sample.content, tries) for sample, tries in samples if sample is not None]


async def test_takes_so_many_a_minute_and_so_much_of_each(ingest_database: Database) -> None:
    sample = Sample(ingest_database)
    sample.note(b"a" * 50_000, b"b", b"c", b"d", b"e")
    await sample.taking.keep()
    assert await sample.kept() == [(b"a" * MOST_BYTES, 1), (b"b", 1), (b"c", 1)]
    assert (sample.counted("kept"), sample.counted("dropped")) == (3, 2)


async def test_lets_no_source_and_no_reason_push_another_out(ingest_database: Database) -> None:
    sample = Sample(ingest_database, most=100)
    sample.note(*(b"%d" % n for n in range(50)))
    sample.note(b"x", code="body.not_json")
    sample.note(b"y", source="website")
    await sample.taking.keep()
    assert [body for body, _ in await sample.kept()] == [b"0", b"1", b"2", b"x", b"y"]


async def test_keeps_the_newest_of_them_all(ingest_database: Database) -> None:
    sample = Sample(ingest_database)
    for minute in range(4):
        sample.note(*(b"%d %d" % (minute, n) for n in range(3)), minute=minute)
        await sample.taking.keep()
    kept = [body for body, _ in await sample.kept()]
    assert kept[-3:] == [b"3 0", b"3 1", b"3 2"]
    assert len(kept) == 5
    assert {body[:1] for body in kept} == {b"2", b"3"}


async def test_counts_what_comes_again_instead_of_keeping_it_again(ingest_database: Database) -> None:
    sample = Sample(ingest_database)
    for minute in range(2):
        sample.note(b"same", minute=minute)
        await sample.taking.keep()
    assert await sample.kept() == [(b"same", 2)]


async def test_waits_while_the_database_is_away_and_stays_small() -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/none", schema="ingest", application="tests")
    sample = Sample(away, per_minute=1_000)
    sample.note(*(b"%d" % n for n in range(500)))
    with pytest.raises(Unavailable):
        await sample.taking.keep()
    assert (sample.counted("kept"), sample.counted("dropped")) == (100, 400)
