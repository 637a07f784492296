"""What a table shows of itself before anything is taken from it: how its columns are to be read, and what
looks wrong with them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

from services.ingest.domain.imports.amounts import DecimalMark, find_mark
from services.ingest.domain.imports.cells import Cell, text_of
from services.ingest.domain.imports.columns import LEFT_OUT, Column
from services.ingest.domain.imports.dates import DayOrder, find_order
from services.ingest.domain.imports.faults import RowFault
from services.ingest.domain.imports.options import ImportOptions
from shared.kernel.errors import Rejected

_DATES: Final = frozenset({"day", "moment"})
_AMOUNTS: Final = frozenset({"amount", "number"})
_MOST_NAMED: Final = 20
_NUMBERLIKE: Final = re.compile(r"[+()\d\s.\-]{7,20}")
_MOSTLY: Final = 0.5


class OrderUnclear(Rejected):
    """The dates of a column may be told in two ways; say --dates dmy or --dates mdy."""

    code = "import.dates_ambiguous"


class Manner(NamedTuple):
    """How the columns of a table are read, by their place: which comes first in dates, and the decimals."""

    orders: Mapping[int, DayOrder]
    marks: Mapping[int, DecimalMark]
    unclear: Sequence[str]


def find_manner(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], options: ImportOptions) -> Manner:
    """Return how columns are read, by what was said, else by what these rows show.

    ``unclear`` names the columns whose dates can be told in two ways.
    """
    orders: dict[int, DayOrder] = {}
    marks: dict[int, DecimalMark] = {}
    unclear = []
    for column in columns:
        kind = "" if column.definition is None else column.definition.type
        cells = [row[column.place] for row in rows if column.place < len(row)]
        if kind in _DATES:
            found = find_order(cells)
            if options.dates is not None:
                orders[column.place] = options.dates
            elif found == "dmy" or found == "mdy":  # noqa: PLR1714 - so that the type is told
                orders[column.place] = found
            elif found != "none":
                unclear.append(column.heading)
        elif kind in _AMOUNTS:
            mark = options.decimal or find_mark(cells)
            if mark is not None:
                marks[column.place] = mark
    return Manner(orders, marks, unclear)


@dataclass(slots=True)
class _Seen:
    filled: int = 0
    addresses: int = 0
    numbers: int = 0


class ColumnWatch:
    """Counts what stands in the columns of addresses and numbers, to see whether two were swapped."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = [column for column in columns if column.field in {"email", "phone"}]
        self._seen = {column.place: _Seen() for column in self._columns}

    def look(self, cells: Sequence[Cell]) -> None:
        """Take one row into account."""
        for column in self._columns:
            text = text_of(cells[column.place]) if column.place < len(cells) else ""
            if text:
                seen = self._seen[column.place]
                seen.filled += 1
                seen.addresses += "@" in text
                seen.numbers += _NUMBERLIKE.fullmatch(text) is not None

    def warnings(self) -> list[Warned]:
        """Return what looks swapped."""
        warned = []
        for column in self._columns:
            seen = self._seen[column.place]
            if column.field == "phone" and seen.addresses > seen.filled * _MOSTLY:
                warned.append(Warned(column.heading, "holds_addresses", seen.addresses))
            if column.field == "email" and seen.numbers > seen.filled * _MOSTLY:
                warned.append(Warned(column.heading, "holds_numbers", seen.numbers))
        return warned


class Warned(msgspec.Struct, frozen=True):
    """Something about a column that a person should look at, and how many rows it concerns.

    ``free_text``: nobody knows the column. ``doubled``: another fills the same field. ``dates_unclear``,
    ``holds_addresses`` and ``holds_numbers`` speak for themselves; ``not_told``: owner and status count for
    history only.
    """

    column: str
    code: str
    rows: int = 0


class NamedFault(msgspec.Struct, frozen=True):
    """One of the first rows that would be refused."""

    row: int
    column: str
    code: str


class Preview(msgspec.Struct, kw_only=True):
    """What an import would do.

    ``rows`` are those below the heading, ``empty`` among them; ``refused`` by code. ``repeated`` said the
    same before. ``new`` leads would begin, ``held`` of them as history; ``unreachable`` have neither address
    nor number. ``known`` rows are about people who are known. ``starts`` counts what would begin with the
    new ones that are not held, as far as the rules tell from each row alone; ``rehearsed`` of them were tried
    out, and of more the share is taken.
    """

    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    columns: list[tuple[str, str]] = []
    warnings: list[Warned] = []
    rows: int = 0
    empty: int = 0
    repeated: int = 0
    taken: int = 0
    refused: dict[str, int] = {}
    faults: list[NamedFault] = []
    new: int = 0
    held: int = 0
    known: int = 0
    unreachable: int = 0
    starts: dict[str, int] = {}
    rehearsed: int = 0

    def refuse(self, row: int, fault: RowFault) -> None:
        """Count a row that would be refused."""
        self.refused[fault.code] = self.refused.get(fault.code, 0) + 1
        if len(self.faults) < _MOST_NAMED:
            self.faults.append(NamedFault(row, fault.column, fault.code))


@dataclass(slots=True)
class Counts:
    """What became of the rows that were read; they sum to all rows."""

    taken: int = 0
    repeated: int = 0
    refused: int = 0
    empty: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        """All rows that were read."""
        return self.taken + self.repeated + self.refused + self.empty

    def as_json(self) -> dict[str, Any]:
        """Return the counts as they are kept and shown."""
        return {
            "taken": self.taken,
            "repeated": self.repeated,
            "refused": self.refused,
            "empty": self.empty,
            "reasons": dict(sorted(self.reasons.items())),
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Counts:
        """Return the counts that were kept."""
        return cls(
            taken=kept.get("taken", 0),
            repeated=kept.get("repeated", 0),
            refused=kept.get("refused", 0),
            empty=kept.get("empty", 0),
            reasons=Counter(kept.get("reasons", {})),
        )


def warn_of_columns(columns: Sequence[Column], manner: Manner) -> list[Warned]:
    """Return what is to be said of columns before a row has been read."""
    warned = [
        Warned(column.heading, "free_text" if column.origin == "unknown" else "doubled")
        for column in columns
        if column.field is None
    ]
    return warned + [Warned(heading, "dates_unclear") for heading in manner.unclear]


def shown_columns(columns: Sequence[Column]) -> list[tuple[str, str]]:
    """Return each heading with what it fills, empty for free text."""
    return [
        (column.heading, "" if column.field is None else column.field)
        for column in columns
        if column.field != LEFT_OUT
    ]
