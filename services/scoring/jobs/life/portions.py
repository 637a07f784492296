"""Work that is done in portions, with pauses in which live traffic has the machine."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import Enum, auto
from typing import Final

from shared.kernel.errors import Unavailable
from shared.telemetry.logging import get_logger

logger = get_logger(__name__)

LOOK_EVERY: Final = timedelta(seconds=1)
"""How often it is looked whether there is work."""

LONGEST_REST: Final = timedelta(milliseconds=200)
"""How long it rests between two portions at the most, and while it waits for others."""

RESTS: Final = 2
"""For how many times as long as a portion took it rests after it."""


class Came(Enum):
    """What came of a step: a portion was done, others are waited for, or there was nothing to do."""

    FURTHER = auto()
    NO_FURTHER = auto()
    TO_NOTHING = auto()


def rest_after(came: Came, seconds: float, *, rests: int = RESTS) -> timedelta:
    """Return how long to rest after a step that took so many seconds: after a portion, ``rests`` times that.

    Whatever the machine, others have it for two thirds of the time, or more, while portions are short.
    """
    if came is Came.TO_NOTHING:
        return LOOK_EVERY
    return min(LONGEST_REST, timedelta(seconds=seconds) * rests) if came is Came.FURTHER else LONGEST_REST


async def in_portions(
    step: Callable[[], Awaitable[Came]], stopping: asyncio.Event, *, job: str, rests: int = RESTS
) -> None:
    """Step until told to stop.

    What is unavailable is tried again later; where the work stands is the step's own affair.
    """
    time = asyncio.get_running_loop().time
    while not stopping.is_set():
        begun = time()
        try:
            pause = rest_after(await step(), time() - begun, rests=rests)
        except Unavailable as error:
            logger.warning("job_put_off", job=job, code=error.reason)
            pause = LOOK_EVERY
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause.total_seconds()):
                await stopping.wait()
