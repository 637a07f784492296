"""What a run costs: time on the wall, and processor time of everybody who takes part.

On a machine that others use, too, the wall says little; the processor time of the contender's own
process says nearly as much as on a quiet one.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from tests.bench.surroundings import Servers

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds on the wall, and processor seconds of the contender, PostgreSQL and Kafka."""

    events: int
    wall: float
    own: float
    postgres: float
    kafka: float

    @property
    def per_second(self) -> float:
        """Events per second on the wall."""
        return self.events / self.wall

    @property
    def own_micros(self) -> float:
        """Processor time of the contender's process, in microseconds per event."""
        return self.own / self.events * 1e6

    @property
    def postgres_micros(self) -> float:
        """Processor time of PostgreSQL, in microseconds per event."""
        return self.postgres / self.events * 1e6

    @property
    def kafka_micros(self) -> float:
        """Processor time of Kafka, in microseconds per event; 0 if it does not run on this machine."""
        return self.kafka / self.events * 1e6


class Meter:
    """Measures one run from :meth:`start` to :meth:`stop`; filling and verifying lie outside.

    ``registry`` is where the run's own metrics go; ``around`` is entered for what is measured.
    """

    def __init__(self, servers: Servers, *, around: AbstractContextManager[None] | None = None) -> None:
        self.registry = CollectorRegistry()
        self._servers = servers
        self._around = around
        self._stack = ExitStack()
        self._begun = (0.0, 0.0, 0.0, 0.0)
        self._pids: Sequence[int] = ()

    def start(self, *, pids: Sequence[int] = ()) -> None:
        """Begin to count; the contender's own are this process and ``pids``."""
        self._pids = pids
        if self._around is not None:
            self._stack.enter_context(self._around)
        self._begun = self._read()

    def stop(self, *, events: int) -> Cost:
        """Return what was used since :meth:`start` for this many events."""
        wall, own, postgres, kafka = (
            end - begun for begun, end in zip(self._begun, self._read(), strict=True)
        )
        self._stack.close()
        return Cost(events=events, wall=wall, own=own, postgres=postgres, kafka=kafka)

    def _read(self) -> tuple[float, float, float, float]:
        postgres = family_seconds(self._servers.postgres_pid)
        kafka = self._servers.kafka_pid
        broker = 0.0 if kafka is None else _process_seconds(kafka)[0]
        own = time.process_time() + sum(family_seconds(pid) for pid in self._pids)
        return time.perf_counter(), own, postgres, broker


def family_seconds(pid: int) -> float:
    """Return the processor time of a process, of its children, and of those that have ended."""
    own, ended = _process_seconds(pid)
    children = Path(f"/proc/{pid}/task/{pid}/children")
    with contextlib.suppress(OSError):
        return own + ended + sum(_process_seconds(int(child))[0] for child in children.read_text().split())
    return own + ended


def _process_seconds(pid: int) -> tuple[float, float]:
    """Return the processor time of a process and that of its children that have ended; 0 without /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0, 0.0
    own, own_system, ended, ended_system = (int(field) for field in fields[11:15])
    return (own + own_system) / _TICKS, (ended + ended_system) / _TICKS
