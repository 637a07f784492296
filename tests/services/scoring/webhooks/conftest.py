"""A database with webhooks, and servers that they are told to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.services.scoring.webhooks.ground import Ground, open_ground
from tests.unit.delivery.outbound.receivers import Receiver, receiving


@pytest.fixture
async def ground(database_url: str) -> AsyncIterator[Ground]:
    """Webhooks that may go to this machine."""
    async with open_ground(database_url) as opened:
        yield opened


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Another system."""
    async with receiving() as opened:
        yield opened


@pytest.fixture
async def other() -> AsyncIterator[Receiver]:
    """One more."""
    async with receiving() as opened:
        yield opened
