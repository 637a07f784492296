"""What a service's bootstrap returns: everything that can be run, asked, migrated or checked.

The platform turns blueprints into processes: all five in one, or one service and role each.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from fastapi import APIRouter
from prometheus_client import CollectorRegistry

from shared.http.hot_routes import HotRoute
from shared.kernel.clock import Clock
from shared.kernel.instants import Instant
from shared.log.port import Log, Record
from shared.postgres.database import Database
from shared.processor.checks import Finding
from shared.processor.loop import LoopSettings, Worker
from shared.processor.transaction import Journal, no_journal
from shared.runtime.service import Activity, Check
from shared.security.secrets import DeploymentSecrets


class StoryLine(NamedTuple):
    """One line of a lead's story: when, which service, what, in words, and the id of its cause.

    ``event`` is the id of the event that the line tells of, so that a later line can name it as its
    cause; ``message_id`` is the client's own, where a message of a client is what the line tells of.
    """

    at: Instant
    service: str
    kind: str
    text: str
    cause: str
    event: str = ""
    message_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What every service is built from.

    ``config`` is the folder of business documents, ``data`` a folder that outlives the process, and
    ``member`` names this process in the log's groups. ``front_door`` is where ingest answers, if this
    process knows; ``environment`` is what settings are read from, None for that of the process.
    ``may_send`` is asked before anything leaves for the outside world. Real time never says no;
    simulated time lets mails go only when all else is at rest, so that nobody's mail depends on a race.
    ``journal_of`` gives each service's journal, for whoever replays what it did.
    """

    log: Log
    clock: Clock
    database_url: str
    registry: CollectorRegistry
    secrets: DeploymentSecrets
    config: Path
    data: Path
    member: str
    loop: LoopSettings = field(default_factory=LoopSettings)
    front_door: str = ""
    environment: Mapping[str, str] | None = None
    may_send: Callable[[], bool] = lambda: True
    journal_of: Callable[[str], Journal] = lambda _service: no_journal

    @property
    def partitions(self) -> int:
        """How many partitions every topic has."""
        return self.loop.partitions


async def _nothing() -> None:
    """Do nothing."""


async def _no_findings(_full: bool, /) -> Sequence[Finding]:  # noqa: FBT001 - the shape of the hook
    """Check nothing."""
    return ()


async def _no_story(_lead: str, /) -> Sequence[StoryLine]:
    """Tell nothing."""
    return ()


async def _nothing_missing(_records: Sequence[Record], /) -> Sequence[str]:
    """Miss nothing."""
    return ()


async def _at_rest() -> bool:
    """Do nothing outside the log."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """One service, built and not yet started.

    ``start`` opens what it needs and raises Unavailable if something does not answer; ``stop`` lets go
    of it. ``group``, ``topics`` and ``outputs`` are its processor's. ``workers`` and ``activities`` run
    in worker processes; ``routers``, ``hot_routes`` and ``edge_activities`` in API processes, which are
    ready if ``edge_checks`` say so.
    ``check(full)`` answers the audit; ``find_missing(records)`` names the events in records of a kept
    topic that the service should hold and does not; ``tell(lead)`` gives its part of a lead's story.
    ``is_at_rest()`` tells whether its jobs have nothing to do; time that is simulated waits for that.
    ``has_heard_out()`` tells whether everything that came from outside has been told on, so that what
    goes out may go; see :class:`Resources`.
    """

    name: str
    schema: str
    migrations: Path
    database: Database
    group: str
    topics: Sequence[str]
    outputs: Sequence[str]
    workers: Sequence[Worker[Any]] = ()
    activities: Sequence[Activity] = ()
    edge_activities: Sequence[Activity] = ()
    edge_checks: Mapping[str, Check] = field(default_factory=dict)
    routers: Sequence[APIRouter] = ()
    hot_routes: Sequence[HotRoute] = ()
    statuses: Mapping[str, int] = field(default_factory=dict)
    start: Callable[[], Awaitable[None]] = _nothing
    stop: Callable[[], Awaitable[None]] = _nothing
    check: Callable[[bool], Awaitable[Sequence[Finding]]] = _no_findings
    find_missing: Callable[[Sequence[Record]], Awaitable[Sequence[str]]] = _nothing_missing
    tell: Callable[[str], Awaitable[Sequence[StoryLine]]] = _no_story
    is_at_rest: Callable[[], Awaitable[bool]] = _at_rest
    has_heard_out: Callable[[], Awaitable[bool]] = _at_rest
