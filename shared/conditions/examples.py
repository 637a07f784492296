"""Finds values that make a condition hold, or fail: what would have to be so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from shared.conditions.catalogue import Catalogue, Kind, Labels, Text, ValueLists
from shared.conditions.ways import Comparison, fields_in, standing_for_all, ways_of

_MOST_WAYS: Final = 20
"""After so many ways nobody looks for more."""

_MOST_VALUES: Final = 40
"""Of one attribute no more values are told."""


def find_examples(
    source: object,
    *,
    catalogue: Catalogue,
    lists: ValueLists | None = None,
    present: Mapping[str, object] | None = None,
    is_to_hold: bool = True,
) -> list[Mapping[str, tuple[object, ...]]]:
    """Return the ways in which ``source``, a condition without faults, would hold, or fail.

    Each way names the attributes whose values in ``present`` do not fit it, and of each the values that do:
    those that the condition names first, in its order. None stands for no value, and is told only where no
    value fits. A way that needs nothing is empty; one that nothing fits is not told.
    """
    known = present or {}
    found: list[Mapping[str, tuple[object, ...]]] = []
    for way in islice(ways_of(source, catalogue, lists or {}, is_to_hold=is_to_hold), _MOST_WAYS):
        asked = fields_in(way).items()
        wanting = {field: some for field, some in asked if not _fits(some, known)}
        values = {field: tuple(_fitting(field, catalogue[field], some)) for field, some in wanting.items()}
        if all(values.values()) and values not in found:
            found.append(values)
    return found


def _fits(comparisons: Sequence[Comparison], values: Mapping[str, object]) -> bool:
    return all(comparison.test(values) is comparison.is_to_hold for comparison in comparisons)


def _fitting(field: str, kind: Kind, comparisons: Sequence[Comparison]) -> Iterator[object]:
    found = [value for value in _likeliest_first(kind, comparisons) if _fits(comparisons, {field: value})]
    if found:
        yield from found[:_MOST_VALUES]
    elif _fits(comparisons, {}):
        yield None


def _likeliest_first(kind: Kind, comparisons: Sequence[Comparison]) -> Iterator[Any]:
    named = [value for comparison in comparisons for value in comparison.values]
    if not isinstance(kind, Labels):
        yield from dict.fromkeys(named)
    others = [value for value in standing_for_all(kind, set(named)) if value not in named]
    yield from reversed(others) if isinstance(kind, Text) else others
