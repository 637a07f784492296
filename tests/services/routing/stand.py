"""Routing as it runs, on either log and under a simulated clock, and ways to look at what it did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from services.routing.bootstrap import build, build_stage
from services.routing.store.documents import read_rulebook
from shared.contracts.declarations import Event
from shared.contracts.envelope import Envelope, decode_envelope, decode_event
from shared.contracts.topics import ASSIGNMENTS
from shared.kernel.clock import SimulatedClock
from shared.log.port import Log
from shared.processor.commands import Commands, commands_of
from tests.services.routing.words import lead_id
from tests.services.surroundings.logs import PARTITIONS
from tests.services.surroundings.stand import SETTINGS, ServiceStand, resources_of
from tests.unit.routing.floor import CONFIG


class Stand(ServiceStand):
    """Routing on one database and one log."""

    def __init__(self, log: Log, url: str, clock: SimulatedClock, *, config: Path = CONFIG) -> None:
        self.stage = build_stage(read_rulebook(config), partitions=PARTITIONS)
        blueprint = build(resources_of(log, url, clock, config=config))
        super().__init__(self.stage, blueprint, log=log, clock=clock)
        self.commands: Commands[Any] = commands_of(
            self.stage,
            database=self.database,
            clock=clock,
            metrics=self.metrics(),
            partitions=PARTITIONS,
            max_record_bytes=SETTINGS.max_record_bytes,
        )
        self._keys = 0

    async def ask(self, who: str, command: object, *, key: str = "") -> Any:
        """Carry out a command about a lead (or, if nobody bears the name, about a rep) now."""
        self._keys += 1
        return await self.commands.run(
            key=who if who.startswith("rep-") else lead_id(who),
            command=command,
            received=self.clock.now(),
            idempotency_key=key or f"key-{self._keys}",
        )

    async def said(self) -> list[tuple[Envelope, Event]]:
        """What routing has said, each event with its envelope, in order per partition."""
        found = []
        for record in await self.records(ASSIGNMENTS.name):
            envelope = decode_envelope(record.value or b"")
            found.append((envelope, decode_event(envelope)))
        return found

    async def events(self, who: str) -> list[str]:
        """The names of what was said of a lead, in order."""
        return [
            type(event).__name__ for envelope, event in await self.said() if envelope.subject == lead_id(who)
        ]

    async def owner(self, who: str) -> Any:
        """Who owns a lead now."""
        return await self.value("SELECT rep FROM lead WHERE id = $1", lead_id(who))
