"""One process: its tasks, its signals, its end.

SIGTERM or SIGINT takes readiness away, lets load balancers notice, tells every activity to stop,
and waits for them within the grace period; what still runs then is cancelled, which is safe because
nothing half done is ever visible. (A ``TaskGroup`` would cancel the healthy ones at once, in the middle
of what could have been finished.) A second signal ends the process at once. An activity that ends
unasked or fails takes the process down with it, in the same order.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import uvloop

from shared.kernel.errors import Unavailable, Verdict
from shared.runtime.exit_codes import ExitCode, exit_code_of, is_full_disk, members_of
from shared.runtime.health import Health
from shared.runtime.loop_watch import LoopWatch
from shared.runtime.service import Activity, Service
from shared.telemetry.logging import get_logger, log_context

logger = get_logger(__name__)

_RELEASE_TIMEOUT: Final = timedelta(seconds=5)
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class ActivityEnded(Unavailable):
    """Something that must run on has ended by itself; the process ends and is to be started again."""

    code = "process.activity_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPlan:
    """How long a stop may take: ``linger`` after readiness is off, then at most ``grace``."""

    grace: timedelta = timedelta(seconds=20)
    linger: timedelta = timedelta(0)


class Lifeline:
    """Tells whether the process is to stop; a signal or a failure pulls it."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.is_supervised = False

    def pull(self) -> None:
        """Ask the process to stop."""
        self.stopping.set()


async def supervise(
    services: Sequence[Service],
    *,
    health: Health,
    lifeline: Lifeline,
    around: Sequence[Activity] = (),
    admin: Sequence[Activity] = (),
    plan: StopPlan | None = None,
) -> None:
    """Run the services' activities and those ``around`` them until the lifeline is pulled.

    ``around`` are HTTP servers and the like; ``admin`` goes on until everything else has ended, so
    that a stop can be watched. At the end each service lets go of what it holds.

    :raises ExceptionGroup: with what made activities fail, :class:`ActivityEnded` among them.
    """
    plan = plan or StopPlan()
    for service in services:
        health.add_service(service)
    crew = _Crew(lifeline)
    late = _Crew(lifeline)
    lifeline.is_supervised = True
    with LoopWatch():
        for activity in admin:
            late.start(activity, service="")
        for activity in around:
            crew.start(activity, service="")
        for service in services:
            for activity in service.activities:
                crew.start(activity, service=service.name)
        health.start()
        logger.info("process_started", services=[service.name for service in services])
        try:
            await lifeline.stopping.wait()
            logger.info("process_stopping")
            health.stop()
            if plan.linger:
                await asyncio.sleep(plan.linger.total_seconds())
        finally:
            await crew.stop(grace=plan.grace)
            await _release(services)
            await late.stop(grace=timedelta(seconds=2))
    logger.info("process_stopped")
    if failures := [*crew.failures, *late.failures]:
        raise ExceptionGroup("activities failed", failures)


class _Crew:
    """Tasks that are stopped together."""

    def __init__(self, lifeline: Lifeline) -> None:
        self._lifeline = lifeline
        self._activities: list[Activity] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._is_stopping = False
        self.failures: list[Exception] = []

    def start(self, activity: Activity, *, service: str) -> None:
        self._activities.append(activity)
        self._tasks.append(asyncio.create_task(self._run(activity, service), name=activity.name))

    async def _run(self, activity: Activity, service: str) -> None:
        with log_context(**({"service": service} if service else {})):
            try:
                await activity.run()
                if not self._is_stopping:
                    raise ActivityEnded(f"{activity.name} has ended by itself")
            except Exception as error:  # whatever it is, the process ends and says so
                self.failures.append(error)
                logger.exception("activity_failed", activity=activity.name)
                self._lifeline.pull()

    async def stop(self, *, grace: timedelta) -> None:
        self._is_stopping = True
        for activity in self._activities:
            activity.stop()
        if not self._tasks:
            return
        _, slow = await asyncio.wait(self._tasks, timeout=grace.total_seconds())
        if slow:
            logger.warning("activities_cancelled", activities=sorted(task.get_name() for task in slow))
            for task in slow:
                task.cancel()
            await asyncio.wait(slow, timeout=2)


async def _release(services: Sequence[Service]) -> None:
    for service in reversed(services):
        if service.release is None:
            continue
        try:
            async with asyncio.timeout(_RELEASE_TIMEOUT.total_seconds()):
                await service.release()
        except (Verdict, TimeoutError, OSError) as error:
            logger.warning("release_failed", service=service.name, exc_info=error)


def run_process(
    main: Callable[[Lifeline], Coroutine[Any, Any, None]], *, at_once: Callable[[], None] | None = None
) -> ExitCode:
    """Run ``main`` on an event loop of its own, with signals, and return how the process is to end.

    A signal during start-up cancels ``main``; once it supervises, the lifeline is pulled. A second
    signal calls ``at_once`` (to take along what would be left behind) and ends the process without
    waiting. What goes wrong is told in one line on standard error.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run_until_told(main, at_once))


async def _run_until_told(
    main: Callable[[Lifeline], Awaitable[None]], at_once: Callable[[], None] | None
) -> ExitCode:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_note_unhandled)
    lifeline = Lifeline()
    task = asyncio.ensure_future(main(lifeline))
    with _signals(lifeline, task, at_once) as told:
        try:
            await task
        except asyncio.CancelledError:
            if not told:
                raise
        except Exception as error:  # noqa: BLE001  # the last place where it can be told
            for member in members_of(error):
                _tell_about(member)
            return exit_code_of(error)
    return ExitCode.DONE


@contextlib.contextmanager
def _signals(
    lifeline: Lifeline, task: asyncio.Future[None], at_once: Callable[[], None] | None
) -> Iterator[list[signal.Signals]]:
    loop = asyncio.get_running_loop()
    told: list[signal.Signals] = []

    def on_signal(which: signal.Signals) -> None:
        told.append(which)
        if len(told) > 1:
            if at_once is not None:
                at_once()
            os._exit(128 + which)
        logger.info("signal_received", signal=which.name)
        lifeline.pull()
        if not lifeline.is_supervised:
            task.cancel()

    for which in _SIGNALS:
        loop.add_signal_handler(which, on_signal, which)
    try:
        yield told
    finally:
        for which in _SIGNALS:
            loop.remove_signal_handler(which)


def _note_unhandled(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what nobody waited for; the context holds reprs that may show anything, so they stay here."""
    logger.error("unhandled_in_loop", what=str(context.get("message", "")), exc_info=context.get("exception"))


def _tell_about(error: BaseException) -> None:
    if isinstance(error, Verdict):
        logger.error("process_failed", code=error.reason)
        _tell(error.message)
    elif is_full_disk(error):
        logger.error("process_failed", code="process.disk_full", exc_info=error)
        _tell("a disk of this machine is full; make room and start again, nothing is lost")
    else:
        logger.critical("process_failed", exc_info=error)
        _tell(f"something went wrong ({type(error).__name__}); the log line process_failed tells where")


def _tell(message: str) -> None:
    sys.stderr.write(f"leadmill: {message}\n")
    sys.stderr.flush()
