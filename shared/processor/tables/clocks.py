"""The timers of one batch's leads, where rows are shared: loaded under locks, changed in memory, saved."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Self

from shared.kernel.changes import Fact, TimerKey
from shared.kernel.instants import Instant
from shared.postgres.database import Transaction
from shared.processor.tables.timers import load_timers, ring, rings_before, save_timers


class Clocks:
    """What is set for each lead; :meth:`save` writes what changed.

    ``next_due`` is the earliest due time that was set.
    """

    def __init__(self, group: str, timers: dict[str, dict[str, Instant]]) -> None:
        self._group = group
        self._timers = timers
        self._changed: dict[TimerKey, Instant | None] = {}
        self.next_due: Instant | None = None

    @classmethod
    async def load(cls, transaction: Transaction, *, group: str, leads: Collection[str]) -> Self:
        """Return the timers of these leads, which must be locked already."""
        return cls(group, await load_timers(transaction, keys=leads) if leads else {})

    def ring_before(self, lead: str, instant: Instant) -> Iterator[Fact]:
        """Yield the fact of each timer of a lead due before an instant, earliest first, and silence it.

        What the handler of one sets counts for the next.
        """
        while (timers := self._timers.get(lead)) and (due := rings_before(timers, instant)):
            at, name = due[0]
            del timers[name]
            timer = TimerKey(lead, name)
            self._changed[timer] = None
            yield ring(self._group, timer, at)

    def change(self, timers: Mapping[TimerKey, Instant | None]) -> None:
        """Set, move or silence timers."""
        for timer, due in timers.items():
            self._changed[timer] = due
            of_lead = self._timers.setdefault(timer.key, {})
            if due is None:
                of_lead.pop(timer.name, None)
            else:
                of_lead[timer.name] = due
                if self.next_due is None or due < self.next_due:
                    self.next_due = due

    async def save(self, transaction: Transaction, *, home_of: Callable[[str], int]) -> None:
        """Write what changed."""
        if self._changed:
            homes = {timer.key: home_of(timer.key) for timer in self._changed}
            await save_timers(transaction, self._changed, partitions=homes)
