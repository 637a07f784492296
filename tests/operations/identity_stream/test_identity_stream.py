"""A share of the month: a few hundred people, through the real resolver and PostgreSQL.

Row of docs/requirements.md: I4.
"""

from __future__ import annotations

import random

import pytest

from services.ingest.bootstrap import MIGRATIONS
from shared.postgres.database import Database
from shared.postgres.migrations import migrate
from tests.operations.identity_stream.judging import compare
from tests.operations.identity_stream.population import make_crowd
from tests.operations.identity_stream.resolving import fold, judge, store
from tests.operations.identity_stream.traffic import SOURCES, Traffic
from tests.unit.ingest.requests import IDENTITY_KEY


def test_pairs_are_counted_as_pairs() -> None:
    pairs = compare([("ada", 1), ("ada", 1), ("ada", 2), ("bob", 2)])
    assert pairs == (1, 3, 2)
    assert (pairs.precision, pairs.recall) == (1 / 2, 1 / 3)


@pytest.mark.postgres
async def test_i4_who_is_who_is_told_right_and_every_merge_is_explained(database_url: str) -> None:
    pick = random.Random(4)
    crowd = make_crowd(250, pick)
    sent = list(Traffic(crowd, pick, identity_key=IDENTITY_KEY).send(2_500))
    assert {one.source for one in sent} == set(SOURCES)
    told = fold(sent, identity_key=IDENTITY_KEY)
    named = judge(sent, told.leads, only_who_says=True)
    assert named.precision >= 0.999
    assert named.recall >= 0.95, "of so few people a single one counts"
    await migrate(database_url, schema="ingest", scripts=MIGRATIONS)
    database = Database(database_url, schema="ingest", application="tests")
    await database.start()
    try:
        stored = await store(database, sent, identity_key=IDENTITY_KEY, batch=250)
    finally:
        await database.stop()
    assert stored.groups == told.groups
    assert stored.doubts == told.doubts
    assert stored.unexplained == []
    assert stored.moves > 0
