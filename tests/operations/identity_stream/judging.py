"""How well who is who was told: pairs of requests, against the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from typing import NamedTuple


class Pairs(NamedTuple):
    """Pairs of requests: said to be one person's and are, are one person's, said to be."""

    right: int
    true: int
    said: int

    @property
    def precision(self) -> float:
        """The share of pairs said to be one person's that are."""
        return self.right / self.said if self.said else 1.0

    @property
    def recall(self) -> float:
        """The share of one person's pairs that were said to be."""
        return self.right / self.true if self.true else 1.0


def compare(told: Iterable[tuple[Hashable, Hashable]]) -> Pairs:
    """Compare requests, each given as (who it was, which lead it went to)."""
    both = Counter(told)
    truth: Counter[Hashable] = Counter()
    leads: Counter[Hashable] = Counter()
    for (who, lead), count in both.items():
        truth[who] += count
        leads[lead] += count
    return Pairs(*(sum(n * (n - 1) // 2 for n in one.values()) for one in (both, truth, leads)))
