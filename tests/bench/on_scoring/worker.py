"""Scoring's worker as a process of its own: what it needs before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.bench.surroundings import Servers
from tests.operations.processes import leadmill


def environment_of(servers: Servers, folder: Path) -> dict[str, str]:
    """Return the settings of a worker on these servers."""
    return {
        "LEADMILL_POSTGRES": servers.postgres,
        "LEADMILL_LOG": "kafka",
        "LEADMILL_KAFKA": servers.kafka,
        "LEADMILL_DATA_DIR": str(folder),
        "LEADMILL_LOG_LEVEL": "warning",
    }


def prepare(environment: Mapping[str, str]) -> None:
    """Make its tables and topics. :raises AssertionError: if a command fails."""
    for command in (["migrate"], ["topics", "apply"]):
        done = leadmill(*command, environment=environment)
        assert done.code == 0, done.err
