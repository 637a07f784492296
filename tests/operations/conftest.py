"""What tests of operations ask for by name."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from tests.journeys.site import SCHEMAS, Site, open_site


@pytest.fixture(scope="session")
def schemas() -> Mapping[str, Path]:
    """The tables of all services."""
    return SCHEMAS


@pytest.fixture
def data() -> Iterator[Path]:
    """An empty data directory that every account can reach: as root the database runs under another."""
    folder = Path(tempfile.mkdtemp(prefix="leadmill-data-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def site(database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    """A platform in this process, beside which commands run."""
    async with open_site(database_url, tmp_path) as opened:
        yield opened
