"""What campaigns cost: the latest word for a source, campaign, channel, kind and day counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from services.analytics.domain.facts import Place
from shared.kernel.instants import Instant


class CostKey(NamedTuple):
    """What a cost is said of; said again for the same, it replaces."""

    source: str
    campaign: str
    channel: str
    kind: str
    day: str


class Cost(msgspec.Struct, frozen=True, gc=False):
    """What was said of one campaign, kind and day, in the currency's smallest unit."""

    event: str
    source: str
    campaign: str
    channel: str
    kind: str
    day: str
    occurred: Instant
    received: Instant
    minor: int
    currency: str

    @property
    def key(self) -> CostKey:
        """What it is said of."""
        return CostKey(self.source, self.campaign, self.channel, self.kind, self.day)

    @property
    def place(self) -> Place:
        """Where it stands among others."""
        return Place(self.occurred, self.received, self.event)


def standing_costs(costs: Iterable[Cost]) -> list[Cost]:
    """Return the words that stand, in order of their keys."""
    latest: dict[CostKey, Cost] = {}
    for cost in sorted(costs, key=lambda cost: cost.place):
        latest[cost.key] = cost
    return [latest[key] for key in sorted(latest)]
