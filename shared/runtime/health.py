"""How a process is: does it live, can it work, what is it.

Living means that the loops turn; no dependency is asked, because a restart brings none back. Ready
means that everything needed is there and the process is not on its way out.
"""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from shared.http.admin import CheckResult
from shared.kernel.errors import Verdict, code_of
from shared.runtime.service import Activity, Check, Service
from shared.runtime.tasks import describe_tasks
from shared.telemetry.logging import get_logger

logger = get_logger(__name__)

_CHECK_TIMEOUT: Final = timedelta(seconds=2)


@dataclass(slots=True)
class _Watched:
    name: str
    beat: Callable[[], float]
    patience: timedelta
    is_reported: bool = False


class Health:
    """What the admin port shows. It is asked on the event loop, and answers there."""

    def __init__(
        self, *, version: str, revision: str = "", settings: Mapping[str, str] | None = None
    ) -> None:
        self._version = version
        self._revision = revision
        self._settings = dict(settings or {})
        self._services: list[str] = []
        self._watched: list[_Watched] = []
        self._checks: dict[str, Check] = {}
        self._state = "process.starting"

    def add_service(self, service: Service) -> None:
        """Watch a service's activities and ask its checks."""
        self._services.append(service.name)
        for name, check in service.checks.items():
            self._checks[f"{service.name}.{name}"] = check
        for activity in service.activities:
            self.watch(activity)

    def watch(self, activity: Activity) -> None:
        """Count the process as dead when this activity has not turned for its patience."""
        if activity.beat is not None:
            self._watched.append(_Watched(activity.name, activity.beat, activity.patience))

    def add_check(self, name: str, check: Check) -> None:
        """Be ready only while ``check`` does not raise."""
        self._checks[name] = check

    def start(self) -> None:
        """From now on the process may be ready."""
        self._state = ""

    def stop(self) -> None:
        """From now on the process is not ready any more."""
        self._state = "process.stopping"

    def live(self) -> Sequence[CheckResult]:
        """Return a result for each watched activity; the stacks of a stuck one's process are logged once."""
        now = asyncio.get_running_loop().time()
        results: list[CheckResult] = []
        for watched in self._watched:
            beat = watched.beat()
            silent = now - beat if beat > 0 else 0.0
            is_stuck = silent > watched.patience.total_seconds()
            if is_stuck and not watched.is_reported:
                logger.error(
                    "activity_stuck", activity=watched.name, seconds=round(silent, 1), tasks=describe_tasks()
                )
            watched.is_reported = is_stuck
            detail = f"has not turned for {silent:.0f} s" if is_stuck else ""
            code = "process.stuck" if is_stuck else ""
            results.append(CheckResult(name=watched.name, ok=not is_stuck, code=code, detail=detail))
        return results

    async def ready(self) -> Sequence[CheckResult]:
        """Return a result for each check, all asked at the same time, each for at most two seconds."""
        state = CheckResult(name="process", ok=not self._state, code=self._state)
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(_ask(name, check)) for name, check in self._checks.items()]
        return [state, *(task.result() for task in asked)]

    def info(self) -> Mapping[str, Any]:
        """Return what is running."""
        return {
            "services": self._services,
            "version": self._version,
            "revision": self._revision,
            "python": platform.python_version(),
            "settings": self._settings,
        }


async def _ask(name: str, check: Check) -> CheckResult:
    try:
        async with asyncio.timeout(_CHECK_TIMEOUT.total_seconds()):
            await check()
    except Verdict as error:
        return CheckResult(name=name, ok=False, code=error.reason, detail=error.message)
    except TimeoutError:
        return CheckResult(name=name, ok=False, code="process.check_timeout", detail="did not answer in time")
    except Exception as error:  # a check that has a bug must not hide the others
        logger.exception("check_failed", check=name)
        return CheckResult(name=name, ok=False, code=code_of(error), detail=type(error).__name__)
    return CheckResult(name=name, ok=True)
