"""Kinds of tables: their columns, and what a row needs, as the document ``imports.yaml`` says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from shared.kernel.faults import Fault, allowed

TableKind: TypeAlias = Literal["leads", "events", "outcomes", "costs", "suppressions"]
KINDS: Final[tuple[TableKind, ...]] = get_args(TableKind)

ValueType: TypeAlias = Literal[
    "text", "id", "email", "phone", "number", "amount", "currency", "day", "moment", "owner", "status"
]
"""How the cells of a column are read: a number may be a range, an amount is exact."""

STATUSES: Final = ("new", "contacted", "interested", "activated", "invalid")


class ColumnDefinition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A column that we know: the field that it fills, its headings, and other headings that mean it."""

    field: str
    en: str
    zh: str
    type: ValueType = "text"
    also: tuple[str, ...] = ()
    example: str = ""


class KindDefinition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of table. Of each group in ``needs`` one column has to be there."""

    needs: tuple[tuple[str, ...], ...]
    fields: tuple[ColumnDefinition, ...]

    def find(self, field: str) -> ColumnDefinition | None:
        """Return the column that fills a field, None if this kind has none."""
        return next((one for one in self.fields if one.field == field), None)


class ImportRules(msgspec.Struct, frozen=True, kw_only=True):
    """How tables are read; rows older than ``history_after_days`` are history unless somebody says else."""

    history_after_days: int
    currencies: Mapping[str, tuple[str, ...]]
    statuses: Mapping[str, tuple[str, ...]]
    kinds: Mapping[str, KindDefinition]


def find_faults(rules: ImportRules) -> Iterator[Fault]:
    """Return what does not fit together."""
    for kind in KINDS:
        if kind not in rules.kinds:
            yield Fault(f"kinds.{kind}", "is missing")
    for name, definition in rules.kinds.items():
        if name not in KINDS:
            yield Fault(f"kinds.{name}", f"is no kind of table; {allowed(KINDS)}")
        yield from _faults_of(name, definition)
    for status in rules.statuses:
        if status not in STATUSES:
            yield Fault(f"statuses.{status}", f"is no status; {allowed(STATUSES)}")
    for code in rules.currencies:
        if len(code) != 3 or not (code.isalpha() and code.isupper()):
            yield Fault(f"currencies.{code}", "is three capital letters, for example CNY")


def _faults_of(name: str, definition: KindDefinition) -> Iterator[Fault]:
    fields = [one.field for one in definition.fields]
    for place, field in enumerate(fields):
        if field in fields[:place]:
            yield Fault(f"kinds.{name}.fields[{place}].field", f"{field} is there already")
    for field in (field for group in definition.needs for field in group):
        if field not in fields:
            yield Fault(f"kinds.{name}.needs", f"{field} is none of its fields")
