"""What runs a service's stage: its worker, and whoever carries out its commands, counted in one place."""

from __future__ import annotations

from typing import Any

from shared.postgres.database import Database
from shared.processor.commands import Commands, commands_of
from shared.processor.loop import Worker
from shared.processor.stage import SharedStage, Stage
from shared.runtime.blueprint import Resources
from shared.telemetry.metrics import ProcessorMetrics


class Processing:
    """Makes both of what every service is built from; neither runs yet."""

    def __init__(self, resources: Resources, stage: Stage[Any] | SharedStage, database: Database) -> None:
        self._resources = resources
        self._stage = stage
        self._database = database
        self.metrics = ProcessorMetrics(resources.registry, service=stage.name, group=stage.group)

    def build_worker(self) -> Worker[Any]:
        """Return this process's member of the stage's group."""
        resources = self._resources
        return Worker(
            stage=self._stage,
            log=resources.log,
            database=self._database,
            clock=resources.clock,
            metrics=self.metrics,
            member=resources.member,
            settings=resources.loop,
            journal=resources.journal_of(self._stage.name),
        )

    def build_commands(self) -> Commands[Any]:
        """Return what carries out commands, in a process with or without the worker."""
        resources = self._resources
        return commands_of(
            self._stage,
            database=self._database,
            clock=resources.clock,
            metrics=self.metrics,
            partitions=resources.partitions,
            max_record_bytes=resources.loop.max_record_bytes,
            journal=resources.journal_of(self._stage.name),
        )
