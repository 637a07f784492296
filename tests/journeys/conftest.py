"""A whole platform for a journey: real HTTP, real PostgreSQL, either log, simulated time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from leadmill.platform.access import open_access
from leadmill.platform.ground import open_ground
from leadmill.platform.settings import load_platform_settings
from leadmill.platform.simulation import Platform
from shared.kernel.clock import SimulatedClock
from shared.testing.kafka_broker import find_kafka
from tests.journeys.site import BEGIN, Site


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def log_settings(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Settings of each log in turn; Kafka is a fresh one, because sequences start anew with the database."""
    if request.param == "embedded":
        yield {"LEADMILL_LOG": "embedded"}
        return
    with find_kafka() as broker:
        yield {"LEADMILL_LOG": "kafka", "LEADMILL_KAFKA": broker.address, "LEADMILL_KAFKA_SESSION": "6"}


async def open_site(database_url: str, folder: Path, environment: dict[str, str]) -> AsyncIterator[Site]:
    """Open a platform on a fresh database, and a site with write keys and a token."""
    settings = load_platform_settings(
        environment={
            "LEADMILL_POSTGRES": database_url,
            "LEADMILL_DATA_DIR": str(folder),
            "LEADMILL_PARTITIONS": "4",
            **environment,
        }
    )
    async with (
        open_ground(settings) as ground,
        Platform(ground, clock=SimulatedClock(BEGIN)) as platform,
    ):
        access = await open_access(platform.blueprints, platform.resources)
        try:
            keys = {source: await access.add_key(source) for source in ("website", "fair")}
            token = await access.add_token("journey", role="read")
        finally:
            await access.close()
        async with Site(platform, keys=keys, token=token) as site:
            yield site


@pytest.fixture
async def site(database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    """A site on a platform on the embedded log."""
    async for opened in open_site(database_url, tmp_path, {"LEADMILL_LOG": "embedded"}):
        yield opened


@pytest.fixture
async def site_on_each_log(
    database_url: str, tmp_path: Path, log_settings: dict[str, str]
) -> AsyncIterator[Site]:
    """A site on a platform on each log in turn."""
    async for opened in open_site(database_url, tmp_path, log_settings):
        yield opened
