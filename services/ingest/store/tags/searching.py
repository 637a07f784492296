"""Filters as SQL: what is not known neither holds nor fails, as in every condition of ours.

SQL's own logic of three values is that of conditions, so each comparison only has to be NULL where the
value is not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from services.ingest.domain.tags.filters import FILTER_FIELDS, TOUCH_FIELDS
from services.ingest.domain.tags.work import Place
from shared.conditions.catalogue import Choice, Day, Flag, Kind, Labels, Number
from shared.kernel.instants import from_datetime
from shared.postgres.database import Transaction

_COMPARE: Final = {"at_least": ">=", "at_most": "<=", "more_than": ">", "less_than": "<"}
_SIGNS: Final = {**_COMPARE, "is": "=", "is_not": "<>"}
_LABELS: Final = {"tags": "k.tags", "sources": "k.sources"}
_DAYS: Final = {
    "created_on": "l.created",
    "first_touch_on": "(k.first_touch ->> 'at')::bigint",
    "last_touch_on": "(k.last_touch ->> 'at')::bigint",
}
_DAY: Final = timedelta(days=1)
_REACHABLE: Final = "coalesce(c.email IS NOT NULL OR c.phone IS NOT NULL, false)"
_FROM: Final = """
FROM lead l
JOIN profile own ON own.id = l.id AND own.lead = l.id
LEFT JOIN lead_card k ON k.lead = l.id
LEFT JOIN contact c ON c.lead = l.id
LEFT JOIN lead_owner o ON o.lead = l.id
WHERE l.is_captured AND l.erased IS NULL
"""


async def find_lead_page(
    transaction: Transaction,
    where: object,
    *,
    owner: str | None = None,
    after: Place | None = None,
    limit: int,
) -> list[Place]:
    """Return the leads that a filter finds, newest first; ``owner``: only those of this rep."""
    query = _Query()
    clause = _clause(query, where, owner)
    if after is not None:
        clause += f" AND (l.created, l.id) < ({query.bind(after.created)}::bigint, {query.bind(after.id)})"
    text = (
        f"SELECT l.id, l.created {_FROM}{clause} ORDER BY l.created DESC, l.id DESC LIMIT {query.bind(limit)}"
    )
    rows = await transaction.fetch(text, *query.values)
    return [Place(row["created"], row["id"]) for row in rows]


async def list_found(
    transaction: Transaction, where: object, *, owner: str | None, into: str, name: str
) -> int:
    """Write every lead that a filter finds into the list ``into`` under ``name``; returns how many."""
    query = _Query()
    listed = query.bind(name)
    clause = _clause(query, where, owner)
    return await transaction.execute(
        f"INSERT INTO {into} (work, place, lead) SELECT {listed}, row_number() OVER (ORDER BY l.id), l.id"
        f" {_FROM}{clause}",
        *query.values,
    )


def _clause(query: _Query, where: object, owner: str | None) -> str:
    clause = "" if where is None else f" AND ({query.condition(where)})"
    return clause if owner is None else f"{clause} AND o.rep = {query.bind(owner)}"


class _Query:
    """Builds one filter; values travel as parameters, never in the text."""

    def __init__(self) -> None:
        self.values: list[object] = []

    def bind(self, value: object) -> str:
        self.values.append(value)
        return f"${len(self.values)}"

    def condition(self, where: Any) -> str:
        assert isinstance(where, Mapping)
        if "not" in where:
            return f"NOT ({self.condition(where['not'])})"
        for joint, word in (("all", " AND "), ("any", " OR ")):
            if joint in where:
                return word.join(f"({self.condition(part)})" for part in where[joint])
        return self._comparison(where["field"], where["operator"], where.get("value"))

    def _comparison(self, field: str, operator: str, value: Any) -> str:
        kind = FILTER_FIELDS[field]
        if isinstance(kind, Labels):
            return self._labels(_LABELS[field], operator, value)
        if isinstance(kind, Day) and field in _DAYS:
            return self._day(_DAYS[field], operator, value)
        text, cast = _column(self, field, kind)
        if operator in {"known", "unknown"}:
            return f"{text} IS {'NOT ' if operator == 'known' else ''}NULL"
        if operator in _COMPARE and isinstance(kind, Choice):
            return f"{text} = ANY({self.bind(_reached(kind, operator, value))}::text[])"
        if operator == "within":
            return self._within(text, value)
        if operator in {"in", "not_in"}:
            listed = f"{text} = ANY({self.bind(list(value))}::{cast}[])"
            return listed if operator == "in" else f"NOT ({listed})"
        return f"{text} {_SIGNS[operator]} {self.bind(value)}::{cast}"

    def _labels(self, column: str, operator: str, value: Any) -> str:
        labels = f"coalesce({column}, '{{}}')"
        if operator in {"known", "unknown"}:
            return f"{labels} {'<>' if operator == 'known' else '='} '{{}}'"
        wanted = f"{self.bind(list(value))}::text[]"
        if operator == "includes_all":
            return f"{labels} @> {wanted}"
        return f"{'NOT ' if operator == 'includes_none' else ''}{labels} && {wanted}"

    def _day(self, column: str, operator: str, value: Any) -> str:
        if operator in {"known", "unknown"}:
            return f"{column} IS {'NOT ' if operator == 'known' else ''}NULL"
        day = date.fromisoformat(value)
        if operator in {"is", "is_not"}:
            bounds = f"{column} >= {self._begin(day)} AND {column} < {self._begin(_next(day))}"
            return f"{'NOT ' if operator == 'is_not' else ''}({bounds})"
        begin = self._begin(day if operator in {"at_least", "less_than"} else _next(day))
        return f"{column} {'>=' if operator in {'at_least', 'more_than'} else '<'} {begin}"

    def _begin(self, day: date) -> str:
        return f"{self.bind(from_datetime(datetime(day.year, day.month, day.day, tzinfo=UTC)))}::bigint"

    def _within(self, text: str, values: Sequence[str]) -> str:
        whole, parts = self.bind(list(values)), self.bind([f"{value}-" for value in values])
        return (
            f"({text} = ANY({whole}::text[]) OR EXISTS"
            f" (SELECT FROM unnest({parts}::text[]) AS part WHERE starts_with({text}, part)))"
        )


def _column(query: _Query, field: str, kind: Kind) -> tuple[str, str]:
    """Return what stands for a field, NULL where it is not known, and its type."""
    if field == "owner":
        return "o.rep", "text"
    if field == "reachable":
        return _REACHABLE, "bool"
    which, _, rest = field.partition("_")
    if which in {"first", "last"} and rest in TOUCH_FIELDS:
        if field == "first_channel":
            return "k.first_channel", "text"
        return f"(k.{which}_touch ->> '{rest}')", "text"
    told = f"(l.attributes -> {query.bind(field)} -> 0)"
    if isinstance(kind, Number):
        return f"(CASE WHEN jsonb_typeof({told}) = 'number' THEN {told}::numeric END)", "numeric"
    if isinstance(kind, Flag):
        return f"(CASE WHEN jsonb_typeof({told}) = 'boolean' THEN {told}::boolean END)", "bool"
    text = f"(CASE WHEN jsonb_typeof({told}) = 'string' THEN {told} #>> '{{}}' END)"
    return (f"{text}::date", "date") if isinstance(kind, Day) else (text, "text")


def _reached(kind: Choice, operator: str, value: str) -> list[str]:
    rank = kind.values.index(value)
    return {
        "at_least": list(kind.values[rank:]),
        "at_most": list(kind.values[: rank + 1]),
        "more_than": list(kind.values[rank + 1 :]),
        "less_than": list(kind.values[:rank]),
    }[operator]


def _next(day: date) -> date:
    return day if day == date.max else day + _DAY
