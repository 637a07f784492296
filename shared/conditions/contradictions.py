"""Finds conditions that can never hold: what contradicts itself, or leaves no value over.

Of each way in which a condition could hold it is tried whether some value of each attribute, or none at all,
fits all that is asked of it. Where none of the values that stand for all fits, none does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice
from typing import Final

from shared.conditions.catalogue import Catalogue, Kind, Labels, ValueLists
from shared.conditions.ways import Comparison, Way, fields_in, standing_for_all, ways_of

_MOST_WAYS: Final = 500
"""After so many ways that contradict themselves nobody looks on."""

_MOST_LABELS: Final = 8
"""Of more labels not every set is tried."""


def find_contradiction(
    source: object, *, catalogue: Catalogue, lists: ValueLists | None = None
) -> frozenset[str]:
    """Return the attributes of which no value is all that is asked of it, if ``source`` can never hold.

    ``source`` is a condition without faults. Empty is one that may hold, or is too long-winded to tell.
    """
    ways = islice(ways_of(source, catalogue, lists or {}, is_to_hold=True), _MOST_WAYS + 1)
    blamed: frozenset[str] = frozenset()
    for number, way in enumerate(ways):
        impossible = _impossible(way, catalogue)
        if not impossible or number == _MOST_WAYS:
            return frozenset()
        blamed = blamed or impossible
    return blamed


def _impossible(way: Way, catalogue: Catalogue) -> frozenset[str]:
    """Return the attributes of which nothing fits this way."""
    return frozenset(
        field
        for field, comparisons in fields_in(way).items()
        if not _may_hold(field, catalogue[field], comparisons)
    )


def _may_hold(field: str, kind: Kind, comparisons: Sequence[Comparison]) -> bool:
    named = {value for comparison in comparisons for value in comparison.values}
    if isinstance(kind, Labels) and len(named) > _MOST_LABELS:
        return True
    known = ({field: value} for value in standing_for_all(kind, named))
    return any(
        all(comparison.test(values) is comparison.is_to_hold for comparison in comparisons)
        for values in chain(({},), known)
    )
