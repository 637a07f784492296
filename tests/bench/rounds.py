"""Interleaved rounds: each round runs every contender once, in turning order, and compares like with like."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.cost import Cost, Meter
from tests.bench.report import tell
from tests.bench.surroundings import Servers

_RUN_SECONDS = 600.0


@dataclass(frozen=True, kw_only=True)
class Contender:
    """Somebody who does the work once and proves that the result is right."""

    name: str
    run: Callable[[Meter], Awaitable[Cost]]


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """The costs of every contender, in order of the rounds."""

    costs: Mapping[str, Sequence[Cost]]

    def typical(self, name: str) -> Cost:
        """Return the run of median speed."""
        ordered = sorted(self.costs[name], key=lambda cost: cost.per_second)
        return ordered[len(ordered) // 2]

    def ratio(self, name: str, other: str) -> float:
        """Return the median over the rounds of one's speed divided by the other's."""
        return median(
            one.per_second / two.per_second
            for one, two in zip(self.costs[name], self.costs[other], strict=True)
        )

    def own_ratio(self, name: str, other: str) -> float:
        """Return the same by processor time of their own processes, which neighbours hardly change."""
        return median(
            two.own_micros / one.own_micros
            for one, two in zip(self.costs[name], self.costs[other], strict=True)
        )


async def interleave(servers: Servers, contenders: Sequence[Contender], *, rounds: int) -> Rounds:
    """Run all contenders in ``rounds`` rounds; a first round only warms up and is not counted.

    :raises AssertionError: if a contender's result is not right.
    :raises TimeoutError: if one takes longer than ten minutes.
    """
    costs: dict[str, list[Cost]] = {contender.name: [] for contender in contenders}
    for number in range(rounds + 1):
        order = contenders if number % 2 else list(reversed(contenders))
        for contender in order:
            gc.collect()
            async with asyncio.timeout(_RUN_SECONDS):
                cost = await contender.run(Meter(servers))
            title = f"round {number}/{rounds}" if number else "warm-up"
            tell(f"  {title}  {contender.name:<34} {describe(cost)}")
            if number:
                costs[contender.name].append(cost)
    return Rounds(costs=costs)


def describe(cost: Cost) -> str:
    """Return one run in words."""
    return (
        f"{cost.per_second:>9,.0f} events/s   per event: own {cost.own_micros:5.1f} us,"
        f" PostgreSQL {cost.postgres_micros:5.1f} us, Kafka {cost.kafka_micros:5.1f} us"
    )
