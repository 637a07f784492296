"""The real servers that tests ask for by name; each is started when the first test needs it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from leadmill.embedded import EmbeddedPostgres
from shared.testing.kafka_broker import KafkaBroker, find_kafka
from tests.fresh_databases import FreshDatabases

_QUICK = {
    # no test pulls the plug of the machine: killing the server loses nothing without fsync either
    "fsync": "off",
    "full_page_writes": "off",
    # a new database goes through the write-ahead log page by page
    "wal_compression": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}

# how long one example takes tells what else the machine does, and nothing about us; two runs of one
# commit try the same examples, and whoever wants others explores (`make explore`)
settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("explore", settings.get_profile("house"), derandomize=False, print_blob=True)
settings.load_profile("explore" if os.environ.get("LEADMILL_EXPLORE") else "house")

# where a run was put into the background by a script, SIGINT is ignored, and processes started here would
# inherit that; tests that press Ctrl-C mean it
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


_SECOND_CHANCES = int(os.environ.get("LEADMILL_SECOND_CHANCES", "0"))
"""How often a test beside real servers is tried again (ADR 24); `make test` says once, never a pure one."""

_ON_KAFKA_BY_TURNS = tuple(Path(__file__).parent / room for room in ("services", "journeys", "operations"))
"""Where a test on Kafka is left to `make thorough` unless it says ``every_run``: the suite of the log, the
processor and the crash matrix have shown in every run that both logs are the same to them (ADR 35)."""

_PURE = tuple(Path(__file__).parent / room for room in ("unit", "architecture", "contracts"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that last longest first, so that processes that share the suite end together."""
    for item in items:
        is_by_turns = any(item.path.is_relative_to(room) for room in _ON_KAFKA_BY_TURNS)
        if is_by_turns and item.get_closest_marker("kafka") and not item.get_closest_marker("every_run"):
            item.add_marker(pytest.mark.thorough)
        if _SECOND_CHANCES and not any(item.path.is_relative_to(room) for room in _PURE):
            item.add_marker(pytest.mark.flaky(reruns=_SECOND_CHANCES, reruns_delay=2))
    lasts: dict[Path, float] = {}
    for item in items:
        mark = item.get_closest_marker("lasts")
        lasts[item.path] = max(lasts.get(item.path, 0.0), mark.args[0] if mark else _seconds_of(item))
    items.sort(key=lambda item: -lasts[item.path])


def _seconds_of(item: pytest.Item) -> float:
    """Return how long a file with such a test may take if it does not say."""
    fixtures = getattr(item, "fixturenames", ())
    return 10.0 if item.get_closest_marker("kafka") else 5.0 if "postgres_url" in fixtures else 0.0


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[KafkaBroker]:
    """A real Apache Kafka for the whole session; without a way to run one the test fails and says so."""
    with find_kafka() as broker:
        yield broker


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL for the whole session: ``LEADMILL_POSTGRES``, or one of our own."""
    given = os.environ.get("LEADMILL_POSTGRES", "")
    if given:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="leadmill-postgres-"))
    folder.chmod(0o755)  # as root the database runs under another account
    try:
        with EmbeddedPostgres(folder, settings=_QUICK) as postgres:
            yield postgres.url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def fresh_databases(postgres_url: str) -> Iterator[FreshDatabases]:
    """Databases of that server."""
    databases = FreshDatabases(postgres_url)
    yield databases
    asyncio.run(databases.drop_all())


@pytest.fixture(scope="session")
def schemas() -> Mapping[str, Path]:
    """What a fresh database has of tables: nothing, where a room does not say otherwise."""
    return {}


@pytest.fixture
async def database_url(fresh_databases: FreshDatabases, schemas: Mapping[str, Path]) -> AsyncIterator[str]:
    """A fresh, empty database for one test."""
    address = await fresh_databases.take(schemas)
    yield address
    await fresh_databases.give_back(address, schemas)
