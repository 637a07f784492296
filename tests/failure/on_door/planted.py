"""The product's command with a bug planted: ``python -m tests.failure.on_door.planted PLANT …``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from leadmill.cli import main
from services.ingest.store.raw_log import RawLog
from shared.log.port import NewRecord
from shared.log.spill import Spill
from tests.failure.on_services.plants import plant

_unheeded: Final[set[asyncio.Task[None]]] = set()


def answer_before_the_append() -> None:
    """Say "kept" as soon as somebody has begun to keep it."""
    append = RawLog.append

    async def begin(self: RawLog, records: Sequence[NewRecord], *, is_last_chance: bool = False) -> None:
        task = asyncio.create_task(append(self, records, is_last_chance=is_last_chance))
        _unheeded.add(task)
        task.add_done_callback(_forget)

    RawLog.append = begin  # type: ignore[method-assign]


def _forget(task: asyncio.Task[None]) -> None:
    _unheeded.discard(task)
    if not task.cancelled():
        task.exception()


def pass_over_the_spill() -> None:
    """Begin anew and leave what a process before has spilled where it lies."""
    opened = Spill.open

    def open_anew(self: Spill) -> None:
        opened(self)
        self._segments.clear()
        self._next += 1_000

    Spill.open = open_anew  # type: ignore[method-assign]


PLANTS: Final[Mapping[str, Callable[[], None]]] = {
    "answer_before_the_append": answer_before_the_append,
    "pass_over_the_spill": pass_over_the_spill,
}

if __name__ == "__main__":
    name = sys.argv.pop(1)
    PLANTS.get(name, lambda: plant(name))()
    sys.exit(main())
