"""The jobs of hooks as activities of a process: they say that they are busy, and stop on the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final, Protocol

from services.ingest.jobs.hooks.bringing import HookTools
from services.ingest.jobs.hooks.fetching import Fetching, RunsCommands
from services.ingest.jobs.hooks.looking import Looking
from services.ingest.store.hooks.errands import Patience
from shared.runtime.service import Activity, repeatedly

_ERRANDS_EVERY: Final = timedelta(seconds=1)
_LISTS_EVERY: Final = timedelta(seconds=30)
_LONGEST_CALLS: Final = timedelta(minutes=5)
"""How long a job may ask vendors without a sign of life; each call ends sooner by itself."""


class _Lasting(Protocol):
    """A job whose acts may last: it tells when it was last busy, and can be stopped on the way."""

    beat: float

    def stop(self) -> None: ...


def hook_activities(
    tools: HookTools,
    *,
    commands: RunsCommands,
    look_every: timedelta,
    overlap: timedelta,
    gives_up: timedelta,
) -> tuple[Activity, ...]:
    """Return what runs errands and what looks through lists."""
    fetching = Fetching(tools, commands=commands, patience=Patience(gives_up=gives_up))
    looking = Looking(tools, every=look_every, overlap=overlap)
    return (
        _heeding(fetching, repeatedly("ingest-hook-errands", fetching.work_off, every=_ERRANDS_EVERY)),
        _heeding(looking, repeatedly("ingest-hook-lists", looking.look, every=_LISTS_EVERY)),
    )


def _heeding(job: _Lasting, activity: Activity) -> Activity:
    """Return the activity with the job's own beat and stop."""

    def beat() -> float:
        return max(job.beat, activity.beat() if activity.beat is not None else 0.0)

    def stop() -> None:
        activity.stop()
        job.stop()

    return replace(activity, beat=beat, stop=stop, patience=_LONGEST_CALLS)
