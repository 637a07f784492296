"""Commands to ingest over HTTP: ``python -m tests.failure.on_services.commander '<plan>'``.

Its own route, which takes merges back, on what its bootstrap builds, with a tripwire, a journal and
the clock of the run. Whoever asks may.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry

from services.ingest.api.edge import STATUSES
from services.ingest.api.merges import build_merge_router
from shared.kernel.instants import Instant
from shared.security.tokens import Principal
from shared.telemetry.logging import configure_logging
from tests.failure.commander import take_commands
from tests.failure.on_services.surroundings.clock import FastClock
from tests.failure.on_services.worker import stage_of
from tests.failure.worker import Trip, die_with


class ServiceCommanderPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is told; ``clock`` is the file of the run's clock."""

    service: str
    name: str
    database: str
    clock: str
    parent: int
    trip: Trip | None = None


class Everybody:
    """Lets everybody do everything."""

    async def principal_of(self, token: str, *, now: Instant) -> Principal | None:
        """Return an administrator."""
        return Principal(id=token, name=token, role="admin")


def main() -> None:
    """Read the plan and take commands."""
    plan = msgspec.json.decode(sys.argv[1], type=ServiceCommanderPlan)
    die_with(plan.parent)
    configure_logging(service=plan.service, version="test")
    with suppress(KeyboardInterrupt):
        asyncio.run(
            take_commands(
                stage_of(plan.service, CollectorRegistry()),
                build_merge_router,
                name=plan.name,
                url=plan.database,
                clock=FastClock(Path(plan.clock)),
                trip=plan.trip,
                authority=Everybody(),
                statuses=STATUSES,
            )
        )


if __name__ == "__main__":
    main()
