"""Imports as the matrix has them: small portions, short leases, and points at which a process strikes itself.

A portion of twenty rows gives a table borders, and nobody waits five minutes for a process that was killed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from prometheus_client import CollectorRegistry

from services.ingest.bootstrap import build_import_desk
from services.ingest.domain.imports.survey import Counts, Preview
from services.ingest.jobs.imports import working
from services.ingest.jobs.imports.checking import Progress, tell_nobody
from services.ingest.jobs.imports.desk import ImportDesk
from services.ingest.jobs.imports.reading import OpenTable
from services.ingest.jobs.imports.tools import ImportTools
from services.ingest.store.imports import imports
from services.ingest.store.imports.imports import TableImport
from shared.kernel.clock import Clock
from shared.kernel.redacted import Redacted
from shared.log.port import Log, NewRecord, Producer, TopicPartition
from shared.postgres.database import Database
from shared.processor.loop import LoopSettings
from shared.runtime.blueprint import Resources
from shared.security.secrets import DeploymentSecrets
from tests.engine.tally import PARTITIONS
from tests.failure.worker import Wire

POINTS: Final = ("import_checked", "import_before_append", "import_after_append", "import_noted")
"""Looked through and not begun; a portion read and not appended; appended and not noted; noted."""
RELEASE_POINTS: Final = ("import_before_append", "import_after_append")
"""A portion kept and not told; told and not answered."""
PORTION: Final = 20
LEASE_SECONDS: Final = 3
_PAUSE_SECONDS: Final = 0.2


def hurry() -> None:
    """Work in small portions, let go of a dead process's import soon, and find no upload too old.

    A second is a day here, so two days for an upload to be started would be over at once.
    """
    OpenTable.take.__defaults__ = (PORTION,)
    for name in ("_CLAIM", "_CLAIM_NEXT", "_ADVANCE"):
        vars(imports)[name] = vars(imports)[name].replace("5 minutes", f"{LEASE_SECONDS} seconds")
    vars(working)["_PAUSE"] = _PAUSE_SECONDS
    vars(working)["KEPT"] = timedelta(days=100_000)


def desk_of(
    *, log: Log, database: Database, clock: Clock, config: Path, identity_key: bytes, wire: Wire
) -> ImportDesk:
    """Return the desk as the service's bootstrap builds it, with a tripwire at its points."""
    key = Redacted(identity_key)
    resources = Resources(
        log=cast(Log, _TrippedLog(log, wire)),
        clock=clock,
        database_url="",
        registry=CollectorRegistry(),
        secrets=DeploymentSecrets(identity_key=key, pepper=key),
        config=config,
        data=Path(),
        member="imports",
        loop=LoopSettings(partitions=PARTITIONS),
    )
    return _TrippedDesk(build_import_desk(resources, database=database).tools, wire)


class _TrippedDesk(ImportDesk):
    def __init__(self, tools: ImportTools, wire: Wire) -> None:
        super().__init__(tools)
        self._wire = wire

    async def check(self, one: TableImport, file: BinaryIO, *, progress: Progress = tell_nobody) -> Preview:
        preview = await super().check(one, file, progress=progress)
        self._wire("import_checked")
        return preview

    async def carry_out(
        self, one: TableImport, file: BinaryIO, *, claim: str, progress: Progress = tell_nobody
    ) -> Counts:
        def tell(rows: int) -> None:
            self._wire("import_noted")
            progress(rows)

        return await super().carry_out(one, file, claim=claim, progress=tell)


class _TrippedLog:
    """A log into which nothing is appended without a look at the wire; imports only append."""

    def __init__(self, log: Log, wire: Wire) -> None:
        self._log = log
        self._wire = wire

    def producer(self, *, name: str) -> Any:
        return _TrippedProducer(self._log.producer(name=name), self._wire)


class _TrippedProducer:
    def __init__(self, producer: Producer, wire: Wire) -> None:
        self._producer = producer
        self._wire = wire
        self.start = producer.start
        self.stop = producer.stop

    async def append(self, batches: Sequence[tuple[TopicPartition, Sequence[NewRecord]]]) -> list[int]:
        self._wire("import_before_append")
        firsts = await self._producer.append(batches)
        self._wire("import_after_append")
        return firsts
