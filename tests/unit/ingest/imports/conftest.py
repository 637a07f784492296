"""Closes what tests open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.ingest.imports.tables import OPENED


@pytest.fixture(autouse=True)
def closed_tables() -> Iterator[None]:
    """Every table is closed when the test is over."""
    yield
    while OPENED:
        OPENED.pop().close()
