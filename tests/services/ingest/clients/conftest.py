"""The front door on real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services.ingest.clients.door import Door, open_door


@pytest.fixture
async def door(database_url: str, tmp_path: Path) -> AsyncIterator[Door]:
    """Ingest behind a real server, on the embedded log."""
    async with open_door(database_url, tmp_path) as opened:
        yield opened
