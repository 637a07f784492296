"""What a service hands to the process that runs it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from starlette.types import ASGIApp

from shared.kernel.errors import Unavailable
from shared.telemetry.logging import get_logger

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Something that runs until it is told to stop, and then returns by itself.

    ``stop`` is called once and must not block. ``run`` ending unasked, or raising, ends the process.
    ``beat`` returns the event loop's time of its last turn (0 before the first); with it the
    activity is watched, and the process counts as dead when it has not turned for ``patience``.
    """

    name: str
    run: Callable[[], Coroutine[Any, Any, None]]
    stop: Callable[[], None]
    beat: Callable[[], float] | None = None
    patience: timedelta = timedelta(seconds=30)


def until_stopped(name: str, run: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> Activity:
    """Return an activity from a function that watches an event to know when to stop."""
    stopping = asyncio.Event()
    return Activity(name=name, run=lambda: run(stopping), stop=stopping.set)


def repeatedly(
    name: str, act: Callable[[], Awaitable[None]], *, every: timedelta, at_the_end: bool = False
) -> Activity:
    """Return an activity that acts now and again, with ``every`` between two acts.

    What is unavailable is tried again next time; anything else ends the process. With ``at_the_end`` it
    acts once more when it is told to stop, for what is collected in memory until it is written.
    """
    turned = 0.0

    async def act_if_it_can() -> None:
        try:
            await act()
        except Unavailable as error:
            logger.warning("job_put_off", job=name, code=error.reason)

    async def run(stopping: asyncio.Event) -> None:
        nonlocal turned
        while not stopping.is_set():
            turned = asyncio.get_running_loop().time()
            await act_if_it_can()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(every.total_seconds()):
                    await stopping.wait()
        if at_the_end:
            await act_if_it_can()

    made = until_stopped(name, run)
    return Activity(
        name=name, run=made.run, stop=made.stop, beat=lambda: turned, patience=every + timedelta(seconds=60)
    )


Check = Callable[[], Awaitable[None]]
"""Returns if something that is needed is well, raises a verdict that says why not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service as one process runs it: what a blueprint becomes for a role.

    ``prefix`` is the first segment of its paths (``/scoring``), empty for the one at the root; ``also``
    are further ones.
    ``activities`` run in worker processes, ``app`` answers in API processes. ``release`` lets go of
    connections; it is called once, after everything has stopped, and has a deadline.
    """

    name: str
    prefix: str = ""
    also: Sequence[str] = ()
    app: ASGIApp | None = None
    activities: Sequence[Activity] = ()
    checks: Mapping[str, Check] = field(default_factory=dict)
    release: Callable[[], Awaitable[None]] | None = None
