"""Tables that people upload: of leads and of visitors of a fair, with rows that say something again.

Every row has a mark, by which it is found wherever it went.
"""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass, field
from typing import Any, Final, Literal

_SOURCES: Final = ("crm", "fair")
_FIRST_STRANGER: Final = 500_000
"""People of whom nobody but a table tells have numbers from here on."""
_INDUSTRIES: Final = ("制造业", "互联网", "Retail", "beekeeping")
_HEADINGS: Final = {
    "leads": ("Lead ID", "Name", "E-mail", "Phone", "Industry", "Owner", "Status", "Row mark"),
    "events": ("Event name", "Name", "E-mail", "Phone", "Row mark"),
}
_REPS: Final = tuple(f"rep-{number}" for number in range(1, 7))

Kind = Literal["leads", "events"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One row: its cells, its mark, and the code under which it is refused, if it is.

    ``key`` is how its source names whom it is about; empty if it does not, then the row is known by what it
    says. ``is_empty`` has neither.
    """

    cells: tuple[str, ...]
    mark: str = ""
    key: str = ""
    refusal: str = ""
    is_empty: bool = False


@dataclass(slots=True, kw_only=True)
class Table:
    """A table, and what was asked about it: whether it starts by itself, or was started, and releases."""

    name: str
    kind: Kind
    source: str
    mode: str
    starts: bool
    rows: list[TableRow]
    started: set[str] = field(default_factory=set)
    portions: list[Portion] = field(default_factory=list)

    def content(self) -> bytes:
        """Return the file."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(_HEADINGS[self.kind])
        writer.writerows(row.cells for row in self.rows)
        return text.getvalue().encode()


@dataclass(slots=True, kw_only=True)
class Portion:
    """A release that was asked for: of which import, of how many at most, and all that was answered."""

    import_id: str
    count: int | None
    answers: list[Any] = field(default_factory=list)


class TableMaker:
    """Composes tables; every choice follows from ``pick``."""

    def __init__(self, pick: random.Random) -> None:
        self._pick = pick
        self._tables = 0
        self._strangers = 0
        self._said: list[tuple[str, TableRow]] = []

    def compose(self, *, newest: int) -> Table:
        """Return the next table; ``newest`` is the number of the person who came last."""
        pick = self._pick
        self._tables += 1
        kind: Kind = "leads" if pick.random() < 0.8 else "events"
        source = pick.choice(_SOURCES)
        mode = pick.choice(("new", "history", "history"))
        rows = [
            self._row(kind, source, mode, f"mark-{self._tables}-{number}.", newest)
            for number in range(1, pick.randrange(4, 60))
        ]
        if kind == "leads":
            self._said += [(source, row) for row in rows if row.key]
            rows += [row for row in pick.sample(rows, 2) if row.mark]
        return Table(
            name=f"table-{self._tables}.csv",
            kind=kind,
            source=source,
            mode=mode,
            starts=pick.random() < 0.7,
            rows=rows,
        )

    def _row(self, kind: Kind, source: str, mode: str, mark: str, newest: int) -> TableRow:
        pick = self._pick
        dice = pick.random()
        width = len(_HEADINGS[kind])
        if dice < 0.03:
            return TableRow(cells=("",) * width, is_empty=True)
        person, name = self._person(newest)
        phone = f"138{person:08d}"
        if kind == "events":
            if dice < 0.06:
                spoiled = ("Spring Fair", name, email_of(person), "1.38E+10", mark)
                return TableRow(cells=spoiled, refusal="number.rounded")
            return TableRow(cells=("Spring Fair", name, email_of(person), phone, mark), mark=mark)
        if dice < 0.05:
            return TableRow(cells=("", name, "", "", "", "", "", mark), refusal="row.no_identity")
        if dice < 0.07:
            return TableRow(
                cells=("", name, email_of(person), "1.38E+10", "", "", "", mark), refusal="number.rounded"
            )
        earlier = [row for at, row in self._said[-120:] if at == source]
        key = "" if dice < 0.2 else f"LD-{person}"
        if dice > 0.85 and earlier:
            one = pick.choice(earlier)
            if dice > 0.93:
                return one  # says the same again
            key, name = one.key, one.cells[1]
            person_cells = one.cells[2:4]
        else:
            person_cells = (email_of(person), phone if pick.random() < 0.6 else "")
        owner, status = "", ""
        if mode == "history" and pick.random() < 0.3:
            owner, status = pick.choice(_REPS), pick.choice(("", "contacted"))
        cells = (key, name, *person_cells, pick.choice(_INDUSTRIES), owner, status, mark)
        return TableRow(cells=cells, mark=mark, key=key)

    def _person(self, newest: int) -> tuple[int, str]:
        """Return somebody: mostly a stranger, else one of those who have come lately."""
        if self._pick.random() < 0.7:
            self._strangers += 1
            number = _FIRST_STRANGER + self._strangers
        else:
            number = max(0, newest - self._pick.randrange(40))
        return number, f"Miller No {number}"


def email_of(person: int) -> str:
    """Return the address by which somebody is known everywhere."""
    return f"p{person}@mill-{person % 7}.com" if person % 2 else f"first.last{person}@grain-{person % 5}.org"
