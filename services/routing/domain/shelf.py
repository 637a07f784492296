"""Rows in memory that remember what changed, and can go back to where the fact in hand began."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

V = TypeVar("V")


class Shelf(Mapping[str, V], Generic[V]):
    """Immutable values by id. ``changed`` are the ids that were put since it was filled."""

    __slots__ = ("_before", "_values", "changed")

    def __init__(self, values: Mapping[str, V] | None = None) -> None:
        self._values: dict[str, V] = dict(values or {})
        self._before: dict[str, tuple[V | None, bool]] = {}
        self.changed: set[str] = set()

    def __getitem__(self, key: str) -> V:
        """Return what lies under ``key``. :raises KeyError: if nothing does."""
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def put(self, key: str, value: V) -> None:
        """Put a value under ``key``, in place of what was there."""
        if key not in self._before:
            self._before[key] = self._values.get(key), key in self.changed
        self._values[key] = value
        self.changed.add(key)

    def begin(self) -> None:
        """From here on :meth:`undo` comes back to here."""
        self._before.clear()

    def undo(self) -> None:
        """Make everything as it was at :meth:`begin`."""
        for key, (value, was_changed) in self._before.items():
            if value is None:
                del self._values[key]
            else:
                self._values[key] = value
            if not was_changed:
                self.changed.discard(key)
        self._before.clear()
