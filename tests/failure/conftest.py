"""Servers that these tests may kill: never those that other tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.failure.surroundings.ground import Ground


@pytest.fixture(scope="package")
def ground() -> Iterator[Ground]:
    """A Kafka and a PostgreSQL of our own."""
    with Ground() as opened:
        yield opened
