"""The operators: which kinds of attribute each one suits, which value it takes, how it decides.

Each builder returns a closure over one known value of the right type; what to do when the attribute
is unknown, or of another type than the catalogue says, is decided once, in the compiler.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias

from shared.conditions.catalogue import Choice, Day, Flag, Kind, Labels, Number, Text
from shared.kernel.faults import allowed, show

Decide: TypeAlias = Callable[[Any], bool]
"""Decides about one known value."""

Takes: TypeAlias = Literal["one", "many", "nothing"]
"""Whether an operator takes one value, a list of values, or none."""


@dataclass(frozen=True, slots=True)
class Operator:
    """``suits`` names the kinds it can ask about; ``build`` turns checked values into a decision."""

    takes: Takes
    suits: tuple[type, ...]
    build: Callable[[Kind, Sequence[Any]], Decide]
    needs_order: bool = False


def read_value(kind: Kind, value: object) -> str | None:
    """Return what is wrong with ``value`` as a value of ``kind``, or None if nothing is."""
    match kind:
        case Choice(values=values):
            if not isinstance(value, str) or value not in values:
                return f"{show(value)} is none of the choices; {allowed(values, instead_of=value)}"
        case Number():
            if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
                return f"{show(value)} is no number"
        case Flag():
            if not isinstance(value, bool):
                return f"{show(value)} is neither true nor false"
        case Day():
            try:
                date.fromisoformat(value if isinstance(value, str) else "")
            except ValueError:
                return f"{show(value)} is no day; write it as 2026-05-01"
        case Text() | Labels():
            if not isinstance(value, str) or not value:
                return f"{show(value)} is no text"
    return None


def _is(_kind: Kind, values: Sequence[Any]) -> Decide:
    wanted = values[0]
    return lambda value: bool(value == wanted)


def _is_not(_kind: Kind, values: Sequence[Any]) -> Decide:
    wanted = values[0]
    return lambda value: bool(value != wanted)


def _in(_kind: Kind, values: Sequence[Any]) -> Decide:
    return frozenset(values).__contains__


def _not_in(_kind: Kind, values: Sequence[Any]) -> Decide:
    unwanted = frozenset(values)
    return lambda value: value not in unwanted


def _within(_kind: Kind, values: Sequence[Any]) -> Decide:
    whole = frozenset(values)
    parts = tuple(f"{value}-" for value in values)
    return lambda value: value in whole or value.startswith(parts)


def _compare(holds: Callable[[Any, Any], bool]) -> Callable[[Kind, Sequence[Any]], Decide]:
    def build(kind: Kind, values: Sequence[Any]) -> Decide:
        if isinstance(kind, Choice):
            reached = frozenset(
                choice for rank, choice in enumerate(kind.values) if holds(rank, kind.values.index(values[0]))
            )
            return reached.__contains__
        bound = values[0]
        return lambda value: holds(value, bound)

    return build


def _includes_any(_kind: Kind, values: Sequence[Any]) -> Decide:
    wanted = frozenset(values)
    return lambda value: not wanted.isdisjoint(value)


def _includes_all(_kind: Kind, values: Sequence[Any]) -> Decide:
    return frozenset(values).issubset


def _includes_none(_kind: Kind, values: Sequence[Any]) -> Decide:
    return frozenset(values).isdisjoint


def _always(_kind: Kind, _values: Sequence[Any]) -> Decide:
    return lambda _value: True


_SINGLE = (Text, Choice, Number, Flag, Day)
_COMPARABLE = (Number, Choice, Day)

OPERATORS: Mapping[str, Operator] = {
    "is": Operator("one", _SINGLE, _is),
    "is_not": Operator("one", _SINGLE, _is_not),
    "in": Operator("many", (Text, Choice, Number), _in),
    "not_in": Operator("many", (Text, Choice, Number), _not_in),
    "within": Operator("many", (Text,), _within),
    "at_least": Operator("one", _COMPARABLE, _compare(operator.ge), needs_order=True),
    "at_most": Operator("one", _COMPARABLE, _compare(operator.le), needs_order=True),
    "more_than": Operator("one", _COMPARABLE, _compare(operator.gt), needs_order=True),
    "less_than": Operator("one", _COMPARABLE, _compare(operator.lt), needs_order=True),
    "includes_any": Operator("many", (Labels,), _includes_any),
    "includes_all": Operator("many", (Labels,), _includes_all),
    "includes_none": Operator("many", (Labels,), _includes_none),
    "known": Operator("nothing", (*_SINGLE, Labels), _always),
    "unknown": Operator("nothing", (*_SINGLE, Labels), _always),
}
"""Every operator by the name it has in documents. ``within`` takes codes and matches their parts."""


def suitable_operators(kind: Kind) -> list[str]:
    """Return the names of the operators that can ask about an attribute of this kind."""
    unordered = isinstance(kind, Choice) and not kind.ordered
    return [
        name
        for name, candidate in OPERATORS.items()
        if isinstance(kind, candidate.suits) and not (unordered and candidate.needs_order)
    ]
