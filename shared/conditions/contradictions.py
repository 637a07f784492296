"""Finds conditions that can never hold: what contradicts itself, or leaves no value over.

A condition is taken apart into the ways in which it could hold, each a list of comparisons of which
some must hold and the others fail. Of each attribute a few values stand for all: every value that a
comparison names, one between any two, one beyond either end, one that nobody names, and none at all.
Comparisons decide alike about all values in between, so where none of these fits, none does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import chain, combinations, islice, pairwise
from typing import Any, Final, NamedTuple, TypeAlias

from shared.conditions.catalogue import Catalogue, Choice, Day, Flag, Kind, Labels, Number, ValueLists
from shared.conditions.compiler import Test, compile_condition

_MOST_WAYS: Final = 500
"""After so many ways that contradict themselves nobody looks on."""

_MOST_LABELS: Final = 8
"""Of more labels not every set is tried."""


class _Comparison(NamedTuple):
    field: str
    values: tuple[Any, ...]
    test: Test
    is_to_hold: bool


_Way: TypeAlias = tuple[_Comparison, ...]


def find_contradiction(
    source: object, *, catalogue: Catalogue, lists: ValueLists | None = None
) -> frozenset[str]:
    """Return the attributes of which no value is all that is asked of it, if ``source`` can never hold.

    ``source`` is a condition without faults. Empty is one that may hold, or is too long-winded to tell.
    """
    ways = islice(_ways(source, catalogue, lists or {}, is_to_hold=True), _MOST_WAYS + 1)
    blamed: frozenset[str] = frozenset()
    for number, way in enumerate(ways):
        impossible = _impossible(way, catalogue)
        if not impossible or number == _MOST_WAYS:
            return frozenset()
        blamed = blamed or impossible
    return blamed


def _ways(source: Any, catalogue: Catalogue, lists: ValueLists, *, is_to_hold: bool) -> Iterator[_Way]:
    if "not" in source:
        yield from _ways(source["not"], catalogue, lists, is_to_hold=not is_to_hold)
        return
    joint = next((joint for joint in ("all", "any") if joint in source), None)
    if joint is None:
        yield (_comparison(source, catalogue, lists, is_to_hold=is_to_hold),)
    elif (joint == "all") == is_to_hold:
        yield from _together(source[joint], catalogue, lists, is_to_hold=is_to_hold)
    else:
        for part in source[joint]:
            yield from _ways(part, catalogue, lists, is_to_hold=is_to_hold)


def _together(
    parts: Sequence[object], catalogue: Catalogue, lists: ValueLists, *, is_to_hold: bool
) -> Iterator[_Way]:
    if not parts:
        yield ()
        return
    for first in _ways(parts[0], catalogue, lists, is_to_hold=is_to_hold):
        for rest in _together(parts[1:], catalogue, lists, is_to_hold=is_to_hold):
            yield (*first, *rest)


def _comparison(
    source: Mapping[str, Any], catalogue: Catalogue, lists: ValueLists, *, is_to_hold: bool
) -> _Comparison:
    value = source.get("value")
    if isinstance(value, Mapping):
        value = list(lists[value["list"]])
    values = tuple(value) if isinstance(value, list) else () if value is None else (value,)
    test = compile_condition(source, catalogue=catalogue, lists=lists).test
    return _Comparison(source["field"], values, test, is_to_hold)


def _impossible(way: _Way, catalogue: Catalogue) -> frozenset[str]:
    """Return the attributes of which nothing fits this way."""
    asked: dict[str, list[_Comparison]] = {}
    for comparison in way:
        asked.setdefault(comparison.field, []).append(comparison)
    return frozenset(
        field for field, comparisons in asked.items() if not _may_hold(field, catalogue[field], comparisons)
    )


def _may_hold(field: str, kind: Kind, comparisons: Sequence[_Comparison]) -> bool:
    named = {value for comparison in comparisons for value in comparison.values}
    if isinstance(kind, Labels) and len(named) > _MOST_LABELS:
        return True
    known = ({field: value} for value in _standing_for_all(kind, named))
    return any(
        all(comparison.test(values) is comparison.is_to_hold for comparison in comparisons)
        for values in chain(({},), known)
    )


def _standing_for_all(kind: Kind, named: set[Any]) -> Iterable[object]:
    match kind:
        case Choice(values=values):
            return values
        case Flag():
            return (True, False)
        case Number():
            numbers = sorted(named) or [0]
            between = [(low + high) / 2 for low, high in pairwise(numbers)]
            return [*numbers, *between, numbers[0] - 1, numbers[-1] + 1]
        case Day():
            return _days(sorted(date.fromisoformat(text) for text in named))
        case Labels():
            sizes = range(len(named) + 1)
            sets = chain.from_iterable(combinations(sorted(named), size) for size in sizes)
            return ([*labels, _unnamed(named)] for labels in sets)
        case _:
            other = _unnamed(named)
            return [*named, *(f"{text}-{other}" for text in named), other]


def _days(named: Sequence[date]) -> list[str]:
    days = set(named) or {date(2000, 1, 1)}
    for day in named:
        if day > date.min:
            days.add(day - timedelta(days=1))
        if day < date.max:
            days.add(day + timedelta(days=1))
    return [day.isoformat() for day in sorted(days)]


def _unnamed(named: set[str]) -> str:
    """Return a text that is neither among these nor a part of one."""
    other = "?"
    while any(text.startswith(other) for text in named):
        other += "?"
    return other
