"""Bursts: several acts of one profile within moments, which no person does (mail gateways do)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from shared.kernel.instants import SECOND, Instant

BURST = "burst"


class BurstRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many of these acts of one profile within so many seconds are a machine's."""

    acts: frozenset[str] = frozenset()
    count: int = 4
    seconds: float = 2


class RecentAct(NamedTuple):
    """An act that was told lately, and the number of the verdict about it; 0 if there was none."""

    profile: str
    event: str
    at: Instant
    verdict: int = 0


def find_burst(rules: BurstRules, acts: Sequence[RecentAct]) -> list[RecentAct]:
    """Return those of a profile's recent acts that belong to a burst, oldest first."""
    span = round(rules.seconds * SECOND)
    ordered = sorted(acts, key=lambda act: (act.at, act.event))
    found: set[int] = set()
    start = 0
    for end, act in enumerate(ordered):
        while act.at - ordered[start].at > span:
            start += 1
        if end - start + 1 >= rules.count:
            found.update(range(start, end + 1))
    return [ordered[place] for place in sorted(found)]
