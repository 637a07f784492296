"""A whole platform for a journey: real HTTP, real PostgreSQL, either log, simulated time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from leadmill.demo.mail_sink import MailSink
from shared.testing.kafka_broker import find_kafka
from tests.journeys.inside.mailbox import mail_settings
from tests.journeys.site import SCHEMAS, Site, open_site


@pytest.fixture(scope="session")
def schemas() -> Mapping[str, Path]:
    """The tables of all services."""
    return SCHEMAS


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def log_settings(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Settings of each log in turn; Kafka is a fresh one, because sequences start anew with the database."""
    if request.param == "embedded":
        yield {"LEADMILL_LOG": "embedded"}
        return
    with find_kafka() as broker:
        yield {"LEADMILL_LOG": "kafka", "LEADMILL_KAFKA": broker.address, "LEADMILL_KAFKA_SESSION": "6s"}


@pytest.fixture
async def site(database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    """A site on a platform on the embedded log."""
    async with open_site(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture
async def site_on_each_log(
    database_url: str, tmp_path: Path, log_settings: dict[str, str]
) -> AsyncIterator[Site]:
    """A site on a platform on each log in turn."""
    async with open_site(database_url, tmp_path, log_settings) as opened:
        yield opened


@pytest.fixture
async def sink() -> AsyncIterator[MailSink]:
    """A mail server that keeps what it gets."""
    async with MailSink() as opened:
        yield opened


@pytest.fixture
async def mailing_site(database_url: str, tmp_path: Path, sink: MailSink) -> AsyncIterator[Site]:
    """A site whose mails are sent, on a platform on the embedded log."""
    async with open_site(database_url, tmp_path, mail_settings(sink)) as opened:
        yield opened


@pytest.fixture
async def mailing_site_on_each_log(
    database_url: str, tmp_path: Path, log_settings: dict[str, str], sink: MailSink
) -> AsyncIterator[Site]:
    """A site whose mails are sent, on a platform on each log in turn."""
    async with open_site(database_url, tmp_path, {**log_settings, **mail_settings(sink)}) as opened:
        yield opened
