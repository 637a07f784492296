"""How a command runs: settings first, then its work on an event loop, then an exit code.

What can be expected to go wrong (a verdict) is one clear line on standard error; anything else is a
bug and shows where it happened. 0 done, 1 a check failed, 2 wrong usage or settings, 3 a dependency
is unavailable.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TypeVar

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from leadmill.platform.deployed import Deployment
    from leadmill.platform.ground import Ground
    from leadmill.platform.settings import PlatformSettings
    from shared.kernel.instants import Instant
    from shared.runtime.process import Lifeline

T = TypeVar("T")

_INTERRUPTED: Final = 130
"""As shells have it: stopped by Ctrl-C before there was a result."""


class CheckFailed(Exception):
    """A check found something; the command ends with exit code 1 and has said what."""


def read_settings(**given: object) -> PlatformSettings:
    """Read the settings; what is wrong with them is told at once, and the command ends with code 2."""
    from leadmill.platform.settings import load_platform_settings
    from shared.kernel.errors import Rejected

    try:
        return load_platform_settings(given=given)
    except Rejected as error:
        tell_error(error.message)
        raise typer.Exit(2) from None


def run_on_ground(settings: PlatformSettings, work: Callable[[Ground], Awaitable[T]]) -> T:
    """Open database and log, beside what runs, do the work, let go, and return its result.

    :raises typer.Exit: with the code that tells what went wrong.
    """

    async def main() -> T:
        from leadmill.platform.ground import open_ground

        async with open_ground(settings) as ground:
            return await work(ground)

    with progress("opening database and log"):
        return run_quietly(main)


def run_on_deployment(settings: PlatformSettings, work: Callable[[Deployment], Awaitable[T]]) -> T:
    """Open database, log and services, beside what runs, do the work, let go, and return its result.

    :raises typer.Exit: with the code that tells what went wrong.
    """

    async def main() -> T:
        from leadmill.platform.deployed import open_deployment

        async with open_deployment(settings) as deployment:
            return await work(deployment)

    with progress("opening database and log"):
        return run_quietly(main)


def run_quietly(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a command that is over soon: nothing is logged but bugs.

    :raises typer.Exit: with the code that tells what went wrong, or 1 after :class:`CheckFailed`.
    """
    results: list[T] = []

    async def keep_result(_lifeline: Lifeline) -> None:
        results.append(await main())

    code = run_as_process(keep_result, level="critical")
    if not results:
        raise typer.Exit(code or _INTERRUPTED)
    if code:
        raise typer.Exit(code)
    return results[0]


def run_as_process(
    main: Callable[[Lifeline], Coroutine[Any, Any, None]],
    *,
    level: str,
    stream: Any = None,
    at_once: Callable[[], None] | None = None,
) -> int:
    """Run with signals, logging at ``level`` to ``stream`` (standard error), and return the exit code."""
    from shared.kernel.release import VERSION
    from shared.runtime.process import run_process
    from shared.telemetry.logging import configure_logging

    failed: list[CheckFailed] = []

    async def note_failed_check(lifeline: Lifeline) -> None:
        try:
            await main(lifeline)
        except CheckFailed as error:
            failed.append(error)

    configure_logging(service="leadmill", version=VERSION, level=level, stream=stream)
    code = run_process(note_failed_check, at_once=at_once)
    return 1 if failed else int(code)


def tell_error(message: str) -> None:
    """Say on standard error what went wrong."""
    sys.stderr.write(f"leadmill: {message}\n")


def print_json(document: object) -> None:
    """Print a result for scripts."""
    print(json.dumps(document, ensure_ascii=False, indent=2, default=str))


def console() -> Console:
    """Return where tables are printed; as wide as the terminal, and where there is none, 120 columns."""
    from rich.console import Console

    screen = Console()
    return screen if screen.is_terminal else Console(width=120)


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a plain table for people; a long cell goes on below itself."""
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(str, row))
    console().print(table)


def now() -> Instant:
    """Return the machine's time, for commands that say when somebody asked."""
    from shared.runtime.clock import SystemClock

    return SystemClock().now()


_telling: ContextVar[Callable[[str], None] | None] = ContextVar("telling", default=None)


@contextmanager
def progress(what: str) -> Iterator[Callable[[str], None]]:
    """Show on standard error that something takes its time, once it has taken two seconds.

    Gives a function that says what is being done now. Inside another one it only says so there. Nothing
    is shown where nobody looks.
    """
    outer = _telling.get()
    if outer is not None:
        outer(what)
        yield outer
        return
    with _status(what) as tell:
        token = _telling.set(tell)
        try:
            yield tell
        finally:
            _telling.reset(token)


@contextmanager
def _status(what: str) -> Iterator[Callable[[str], None]]:
    import threading

    from rich.console import Console

    screen = Console(stderr=True)
    status = screen.status(what)
    timer = threading.Timer(2.0, status.start)
    timer.daemon = True
    if screen.is_terminal:
        timer.start()
    try:
        yield status.update
    finally:
        timer.cancel()
        if screen.is_terminal:
            timer.join(1.0)
            status.stop()
