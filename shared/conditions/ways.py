"""Takes conditions apart: into the ways in which one could hold, and into values that stand for all.

A way is a list of comparisons of which some must hold and the others fail. Of each attribute a few values
stand for all: every value that a comparison names, one between any two, one beyond either end, and one that
nobody names. Comparisons decide alike about all values in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import chain, combinations, pairwise
from typing import Any, NamedTuple, TypeAlias

from shared.conditions.catalogue import Catalogue, Choice, Day, Flag, Kind, Labels, Number, ValueLists
from shared.conditions.compiler import Test, compile_condition


class Comparison(NamedTuple):
    """One comparison of a way, and whether it is to hold or to fail; ``values`` are those it names."""

    field: str
    values: tuple[Any, ...]
    test: Test
    is_to_hold: bool


Way: TypeAlias = tuple[Comparison, ...]
"""Comparisons that settle a condition together."""


def fields_in(way: Way) -> Mapping[str, Sequence[Comparison]]:
    """Return for each attribute that a way asks about what it asks."""
    asked: dict[str, list[Comparison]] = {}
    for comparison in way:
        asked.setdefault(comparison.field, []).append(comparison)
    return asked


def ways_of(source: Any, catalogue: Catalogue, lists: ValueLists, *, is_to_hold: bool) -> Iterator[Way]:
    """Give the ways in which ``source``, a condition without faults, could hold, or fail."""
    if "not" in source:
        yield from ways_of(source["not"], catalogue, lists, is_to_hold=not is_to_hold)
        return
    joint = next((joint for joint in ("all", "any") if joint in source), None)
    if joint is None:
        yield (_comparison(source, catalogue, lists, is_to_hold=is_to_hold),)
    elif (joint == "all") == is_to_hold:
        yield from _together(source[joint], catalogue, lists, is_to_hold=is_to_hold)
    else:
        for part in source[joint]:
            yield from ways_of(part, catalogue, lists, is_to_hold=is_to_hold)


def _together(
    parts: Sequence[object], catalogue: Catalogue, lists: ValueLists, *, is_to_hold: bool
) -> Iterator[Way]:
    if not parts:
        yield ()
        return
    for first in ways_of(parts[0], catalogue, lists, is_to_hold=is_to_hold):
        for rest in _together(parts[1:], catalogue, lists, is_to_hold=is_to_hold):
            yield (*first, *rest)


def _comparison(
    source: Mapping[str, Any], catalogue: Catalogue, lists: ValueLists, *, is_to_hold: bool
) -> Comparison:
    value = source.get("value")
    if isinstance(value, Mapping):
        value = list(lists[value["list"]])
    values = tuple(value) if isinstance(value, list) else () if value is None else (value,)
    test = compile_condition(source, catalogue=catalogue, lists=lists).test
    return Comparison(source["field"], values, test, is_to_hold)


def standing_for_all(kind: Kind, named: set[Any]) -> Iterable[object]:
    """Return values of a kind that stand for all there are, where conditions name ``named``."""
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
