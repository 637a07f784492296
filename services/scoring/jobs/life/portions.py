"""Work that is done in portions, with pauses in which live traffic has the machine."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from shared.kernel.errors import Unavailable
from shared.telemetry.logging import get_logger

logger = get_logger(__name__)

LOOK_EVERY: Final = timedelta(seconds=1)
"""How often it is looked whether there is work."""

BETWEEN: Final = timedelta(milliseconds=100)
"""The pause between two portions."""


async def in_portions(step: Callable[[], Awaitable[bool]], stopping: asyncio.Event, *, job: str) -> None:
    """Step until told to stop; ``step`` returns whether work is under way.

    What is unavailable is tried again later; where the work stands is the step's own affair.
    """
    while not stopping.is_set():
        try:
            pause = BETWEEN if await step() else LOOK_EVERY
        except Unavailable as error:
            logger.warning("job_put_off", job=job, code=error.reason)
            pause = LOOK_EVERY
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause.total_seconds()):
                await stopping.wait()
