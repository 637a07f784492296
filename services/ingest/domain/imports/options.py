"""How one table is to be read, as a person said or as the table itself shows."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from services.ingest.domain.imports.amounts import DecimalMark
from services.ingest.domain.imports.dates import DayOrder

Mode: TypeAlias = Literal["by_age", "new", "history"]
"""Whether whoever is new is held: by the age of the row, never, or always (I11)."""


PIECE: Final = 1024 * 1024
"""Bytes of a piece of an uploaded table; the last may be smaller."""


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody said about a table; empty where the table is to tell.

    ``columns`` maps headings to fields, ``-`` for a column that is to be left out. ``event`` is what a row
    of events without one was. ``currency`` counts where an amount names none. One that ``starts`` is brought
    in as soon as it was looked through.
    """

    mode: Mode = "by_age"
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    columns: dict[str, str] = {}
    dates: DayOrder | None = None
    decimal: DecimalMark | None = None
    currency: str = ""
    event: str = ""
    starts: bool = False
