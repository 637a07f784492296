"""Facts that come in while something else goes on, and how long each took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from random import Random
from statistics import quantiles
from typing import Protocol

from shared.kernel.clock import Clock
from shared.log.port import TopicPartition
from tests.services.scoring.deeds import Deed, Deeds

_EVERY_SECONDS = 0.1
_VIEWS_FOR_EACH_NEW_PERSON = 8


class Times:
    """When facts were appended, when their batches came to commit, and when others were told."""

    def __init__(self) -> None:
        self.phase = ""
        self._at: dict[tuple[TopicPartition, int], float] = {}
        self._of: dict[str, float] = {}
        self._committing: dict[str, list[float]] = {}
        self._telling: dict[str, list[float]] = {}

    def appended(self, tp: TopicPartition, first: int, count: int, at: float) -> None:
        """Records were handed to the log at an instant of the performance counter."""
        self._at.update({(tp, offset): at for offset in range(first, first + count)})

    def did(self, event: str, at: float) -> None:
        """It was this event."""
        self._of[event] = at

    def committing(self, tp: TopicPartition, begin: int, end: int) -> None:
        """A batch with these records is about to commit."""
        now = time.perf_counter()
        known = [self._at.pop((tp, offset), None) for offset in range(begin, end)]
        self._committing.setdefault(self.phase, []).extend(now - at for at in known if at is not None)

    def told(self, cause: str | None) -> None:
        """A change of tier that this event caused is on its topic."""
        at = self._of.get(cause or "")
        if at is not None:
            self._telling.setdefault(self.phase, []).append(time.perf_counter() - at)

    def lines(self) -> Iterator[str]:
        """Return a line for each phase: the median and the slowest hundredth."""
        for phase, seconds in self._committing.items():
            if phase:
                yield f"{phase:<24} {_spread(seconds, 'facts to commit')}" + (
                    f"   {_spread(self._telling[phase], 'tier changes told')}"
                    if len(self._telling.get(phase, ())) > 1
                    else ""
                )


def _spread(seconds: Sequence[float], what: str) -> str:
    cuts = quantiles(seconds, n=100)
    return f"{len(seconds):>6} {what}: p50 {cuts[49] * 1e3:4.0f} ms, p99 {cuts[98] * 1e3:4.0f} ms"


class Taking(Protocol):
    """What live facts are appended to."""

    @property
    def clock(self) -> Clock:
        """Business time."""
        ...

    async def append(self, deeds: Sequence[Deed]) -> None:
        """Append records and note when."""
        ...


async def go_on(mill: Taking, deeds: Deeds, names: Sequence[str], *, rate: int) -> None:
    """Append live facts at a rate until cancelled: pages viewed, and new people who ask for a demo."""
    random = Random(7)
    each = max(1, round(rate * _EVERY_SECONDS))
    number, who = 0, ""
    begun = time.perf_counter()
    while True:
        some = []
        for _ in range(each):
            number += 1
            now = mill.clock.now()
            if number % (_VIEWS_FOR_EACH_NEW_PERSON + 2) == 1:
                who = f"new at {now}"
                some.append(
                    deeds.is_known_as(who, now, industry="pharma", title_level="cxo", size="500_plus")
                )
            elif number % (_VIEWS_FOR_EACH_NEW_PERSON + 2) == 2 and who:
                some.append(deeds.asked_for_demo(who, now))
            else:
                some.append(deeds.viewed(random.choice(names), now, path=f"/{random.random()}"))
        await mill.append(some)
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
