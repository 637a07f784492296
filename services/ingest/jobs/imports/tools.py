"""What the work on imports has in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Protocol

from services.ingest.domain.directory import Directory
from services.ingest.domain.imports.definitions import ImportRules
from services.ingest.domain.imports.rows import Row, RowChannel
from services.ingest.domain.intake import Intake
from services.ingest.domain.traits import FieldNames
from shared.contracts.events.raw import RawReceived
from shared.kernel.changes import Emission
from shared.kernel.clock import Clock
from shared.kernel.instants import Instant
from shared.log.port import Log, NewRecord
from shared.postgres.database import Database


class StampRow(Protocol):
    """Makes a message of a row and a record of the message; ``services.ingest.api.imports`` does."""

    def raw_of(self, row: Row, *, channel: RowChannel, source: str, import_id: str) -> RawReceived:
        """Return the message that a row is."""
        ...

    def hash_of(self, kind: str, value: str) -> str:
        """Return the keyed hash of what may name somebody."""
        ...

    def stamp(self, row: Row, raw: RawReceived, *, message_id: str, received: Instant) -> NewRecord:
        """Return the record; the same message id gives the same record id."""
        ...

    def release(self, lead: str, *, import_id: str, source: str, received: Instant) -> NewRecord:
        """Return the record that releases a lead."""
        ...


class ReadRaw(Protocol):
    """Reads messages as the resolver will; ``services.ingest.handlers.reading`` does."""

    def __call__(self, raw: RawReceived, *, record_id: str, received: Instant) -> Any:
        """Return an intake, or why there is none."""
        ...


TakeIn = Callable[[Directory, Intake], Sequence[Emission]]
"""Tells what the resolver would say of a message, with a directory in memory."""

Forecast = Callable[[Sequence[Emission], Instant], Sequence[str]]
"""Tells what would start with a lead in the other services, by what the resolver would say of it."""


def forecast_nothing(_said: Sequence[Emission], _at: Instant) -> Sequence[str]:
    """Tell nothing, where nobody knows what the other services would do."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTools:
    """What imports work with. ``zone`` is where dates are that name none."""

    database: Database
    log: Log
    partitions: int
    clock: Clock
    rules: ImportRules
    names: FieldNames
    stamp: StampRow
    read_raw: ReadRaw
    zone: tzinfo
    take_in: TakeIn
    new_id: Callable[[], str]
    forecast: Forecast = forecast_nothing


def identifiers_of(intake: Intake) -> list[str]:
    """Return the hashes by which a row leads to somebody, strongest first."""
    return [one.hash for one in intake.anchors]
