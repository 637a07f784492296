"""Which column of a table fills which field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from services.ingest.domain.imports.definitions import ColumnDefinition, KindDefinition
from services.ingest.domain.traits import FieldNames, fold_name
from shared.kernel.errors import Rejected

LEFT_OUT: Final = "-"
"""Instead of a field: the column is not used."""

_LONGEST_HEADING: Final = 64
_PERSONS: Final = frozenset({"leads", "events"})
"""Kinds of tables whose rows describe people, so that every field of a person may be there."""

Origin: TypeAlias = Literal["said", "saved", "heading", "unknown", "doubled"]


class ColumnUnknown(Rejected):
    """The table has no column of this heading."""

    code = "import.column_unknown"


class FieldUnknown(Rejected):
    """There is no such field in this kind of table."""

    code = "import.field_unknown"


class ColumnsMissing(Rejected):
    """A column that the rows need is not there."""

    code = "import.columns_missing"


class Column(NamedTuple):
    """One column: where it stands, its heading, and what it fills.

    ``field`` is None for one that is kept as free text under its heading, and ``-`` for one that is left
    out; ``origin`` says how that was found.
    """

    place: int
    heading: str
    field: str | None
    origin: Origin
    definition: ColumnDefinition | None = None


class ColumnMatcher:
    """Finds what columns mean, in tables of one kind."""

    def __init__(self, kind: str, definition: KindDefinition, *, names: FieldNames) -> None:
        self._kind = kind
        self._definition = definition
        self._names = names
        self._headings = {
            fold_name(heading): one.field
            for one in reversed(definition.fields)
            for heading in (*one.also, one.field, one.zh, one.en)
        }

    def match(
        self, headings: Sequence[str], *, said: Mapping[str, str], saved: Mapping[str, str]
    ) -> list[Column]:
        """Return what each column fills: by what was said, what was saved, or its heading.

        :raises ColumnUnknown: if something was said of a column that is not there.
        :raises FieldUnknown: if a column is to fill a field that is none.
        :raises ColumnsMissing: if the rows would lack what they need.
        """
        shown = name_headings(headings)
        by_name = {fold_name(heading): heading for heading in reversed(shown)}
        explicit = {}
        for heading, wanted in said.items():
            found = by_name.get(fold_name(heading))
            if found is None:
                raise ColumnUnknown(f"no column is called {heading}; there are {', '.join(shown)}")
            explicit[found] = self._field(wanted)
        kept = {fold_name(heading): wanted for heading, wanted in saved.items()}
        taken = set(explicit.values()) - {LEFT_OUT}
        columns = []
        for place, heading in enumerate(shown):
            field, origin = self._judge(heading, explicit, kept)
            if field in taken and origin != "said":
                field, origin = None, "doubled"
            if field is not None and field != LEFT_OUT:
                taken.add(field)
            definition = None if field is None else self._definition.find(field)
            columns.append(Column(place, heading, field, origin, definition))
        self._require(columns)
        return columns

    def _judge(
        self, heading: str, explicit: Mapping[str, str], kept: Mapping[str, str]
    ) -> tuple[str | None, Origin]:
        """Return what a column fills, None if nobody knows it, and how that was found."""
        if heading in explicit:
            return explicit[heading], "said"
        remembered = kept.get(fold_name(heading))
        if remembered is not None:
            return remembered, "saved"
        found = self._find(heading)
        return found, "unknown" if found is None else "heading"

    def _find(self, heading: str) -> str | None:
        """Return what a heading means; a field of a person only where rows describe one."""
        field = self._headings.get(fold_name(heading))
        if field is not None:
            return field
        field = self._names.find(heading)
        is_ours = field != heading or self._names.find(fold_name(heading)) != fold_name(heading)
        return field if is_ours and self._takes(field) else None

    def _takes(self, field: str) -> bool:
        return self._definition.find(field) is not None or self._kind in _PERSONS

    def _field(self, field: str) -> str:
        if field == LEFT_OUT or self._definition.find(field) is not None:
            return field
        ours = self._headings.get(fold_name(field)) or self._names.find(field)
        if self._definition.find(ours) is None and not (self._kind in _PERSONS and ours != field):
            known = ", ".join(one.field for one in self._definition.fields)
            raise FieldUnknown(f"{field} is no field of {self._kind}; there are {known}, and - to leave out")
        return ours

    def _require(self, columns: Sequence[Column]) -> None:
        there = {column.field for column in columns}
        for group in self._definition.needs:
            if there.isdisjoint(group):
                wanted = " or ".join(
                    f"{one.en} ({one.zh})" for one in self._definition.fields if one.field in group
                )
                raise ColumnsMissing(
                    f"no column is {wanted}; there are {', '.join(column.heading for column in columns)};"
                    f' name one, for example with --map "<heading>={group[0]}"'
                )


def name_headings(headings: Sequence[str]) -> list[str]:
    """Return the headings as they are shown: each has a name, and no two the same."""
    shown: list[str] = []
    for place, heading in enumerate(headings):
        name = " ".join(heading.split())[:_LONGEST_HEADING] or f"Column {place + 1}"
        count = 1
        unique = name
        while unique in shown:
            count += 1
            unique = f"{name} ({count})"
        shown.append(unique)
    return shown
