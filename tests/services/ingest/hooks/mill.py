"""Ingest with a hook set up: deliveries in, errands and looks by hand, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from prometheus_client import CollectorRegistry

from services.ingest.bootstrap import build_hook_desk, build_hook_tools, build_resolver
from services.ingest.jobs.hooks.bringing import HookTools
from services.ingest.jobs.hooks.fetching import Fetching
from services.ingest.jobs.hooks.looking import Looking
from services.ingest.metrics import IngestMetrics
from shared.contracts.envelope import decode_event
from shared.contracts.events.behaviour import FormSubmitted
from shared.log.port import LogUnavailable, NewRecord, TopicPartition
from shared.runtime.processing import Processing
from tests.services.ingest.running import RunningIngest
from tests.unit.ingest.requests import IDENTITY_KEY


class BrokenProducer:
    """A producer whose log went away before anything was appended."""

    async def start(self) -> None:
        """Start."""

    async def append(self, _batches: Sequence[tuple[TopicPartition, Sequence[NewRecord]]]) -> None:
        raise LogUnavailable

    async def stop(self) -> None:
        """Stop."""


class BrokenLog:
    """A log to which nothing can be appended."""

    def producer(self, *, name: str) -> BrokenProducer:
        return BrokenProducer()


class HookMill:
    """A running ingest and its hooks; ``provider`` is the one under test, for the source website."""

    def __init__(self, ingest: RunningIngest, provider: str) -> None:
        self.ingest = ingest
        self.provider = provider
        self.database = ingest.blueprint.database
        self.desk = build_hook_desk(ingest.resources, database=self.database)
        self.metrics = IngestMetrics(CollectorRegistry())
        resources = replace(ingest.resources, registry=CollectorRegistry())
        resolver = build_resolver(
            resources.config, identity_key=IDENTITY_KEY, metrics=IngestMetrics(resources.registry)
        )
        self.commands = Processing(resources, resolver, self.database).build_commands()

    def tools(self, log: Any = None) -> HookTools:
        made = build_hook_tools(self.ingest.resources, database=self.database, metrics=self.metrics)
        return made if log is None else replace(made, log=log)

    async def run_errands(self, log: Any = None) -> None:
        """Run what is due, once; errands that were put off are made due first."""
        await self.desk.retry()
        await self.run_due(log)

    async def run_due(self, log: Any = None) -> None:
        """Run what is due by itself, once."""
        await Fetching(self.tools(log), commands=self.commands).turn()

    async def look(self, log: Any = None) -> None:
        """Look through the vendor's lists, whether it is their turn or not."""
        await self.ingest.execute("UPDATE hook SET next_look = clock_timestamp()")
        await Looking(self.tools(log)).look()

    async def errand(self) -> tuple[str, int, str | None] | None:
        """Return state, attempts and last fault of the one errand there is."""
        async with self.database.connection() as connection:
            row = await connection.fetch_row("SELECT state, attempts, last_fault FROM hook_errand")
        return None if row is None else (row["state"], row["attempts"], row["last_fault"])

    async def submissions(self) -> list[FormSubmitted]:
        """Return the forms that were submitted, as behaviour tells."""
        told = [decode_event(one) for one in await self.ingest.said("leadmill.behaviour")]
        return [one for one in told if isinstance(one, FormSubmitted)]

    async def settle(self, records: int) -> None:
        await self.ingest.settle(records)
