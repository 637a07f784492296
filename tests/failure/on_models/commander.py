"""Steps in the life of models over HTTP: ``python -m tests.failure.on_models.commander '<plan>'``.

Scoring's own routes, on what its bootstrap builds, with a tripwire at two points: a step written down and not
committed, and committed and not answered.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from services.scoring.api.model_desk import MODEL_STATUSES, ModelDesk
from services.scoring.api.model_stepping import build_stepping_router
from services.scoring.bootstrap import build_model_desk
from services.scoring.domain.life.steps import Command
from services.scoring.store.scoring_models import commands as model_commands
from shared.http.commands import CommandRunner
from shared.kernel.instants import Instant
from shared.kernel.redacted import Redacted
from shared.postgres.database import Database
from shared.processor.loop import LoopSettings
from shared.runtime.blueprint import Resources
from shared.security.secrets import DeploymentSecrets
from shared.telemetry.logging import configure_logging
from tests.engine.tally import PARTITIONS
from tests.failure.commander import Offered, take_commands
from tests.failure.on_models.plants import plant
from tests.failure.on_services.commander import Believing, ServiceCommanderPlan
from tests.failure.on_services.surroundings.clock import FastClock
from tests.failure.on_services.worker import CONFIG, IDENTITY_KEY, stage_of
from tests.failure.worker import Wire, die_with, log_on


class _TrippedDesk:
    """A desk with a tripwire between a step and its answer."""

    def __init__(self, desk: ModelDesk, wire: Wire) -> None:
        self._desk = desk
        self._wire = wire
        self.book = desk.book
        self.previews = desk.previews
        self.find_preview = desk.find_preview

    async def run(
        self, command: Command, *, received: Instant, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        reply = await self._desk.run(command, received=received, idempotency_key=idempotency_key)
        self._wire("after_command")
        return reply


def _resources(plan: ServiceCommanderPlan) -> Resources:
    key = Redacted(IDENTITY_KEY)
    return Resources(
        log=log_on(plan.kafka),
        clock=FastClock(Path(plan.clock)),
        database_url=plan.database,
        registry=CollectorRegistry(),
        secrets=DeploymentSecrets(identity_key=key, pepper=key),
        config=CONFIG,
        data=Path(),
        member=plan.name,
        loop=LoopSettings(partitions=PARTITIONS),
    )


def _trip_before_commit(wire: Wire) -> None:
    keep = vars(model_commands)["keep_reply"]

    async def keep_and_trip(*arguments: Any, **named: Any) -> None:
        await keep(*arguments, **named)
        wire("in_command")

    vars(model_commands)["keep_reply"] = keep_and_trip


def main() -> None:
    """Read the plan and take commands."""
    plan = msgspec.json.decode(sys.argv[1], type=ServiceCommanderPlan)
    die_with(plan.parent)
    configure_logging(service=plan.service, version="test")
    plant(plan.plant)

    def build(_: CommandRunner, database: Database, wire: Wire) -> Offered:
        _trip_before_commit(wire)
        desk: Any = _TrippedDesk(build_model_desk(_resources(plan), database=database), wire)
        return Offered([build_stepping_router(desk)])

    with suppress(KeyboardInterrupt):
        asyncio.run(
            take_commands(
                stage_of(plan.service, CollectorRegistry()),
                build,
                name=plan.name,
                url=plan.database,
                clock=FastClock(Path(plan.clock)),
                trip=plan.trip,
                authority=Believing("manager"),
                statuses=MODEL_STATUSES,
            )
        )


if __name__ == "__main__":
    main()
