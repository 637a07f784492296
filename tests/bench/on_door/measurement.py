"""Measures the edge and its peer in turns, and proves that the log holds what was acknowledged."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import asyncpg

from shared.contracts.topics import RAW
from tests.bench.cost import family_seconds
from tests.bench.latency.measurement import percentile
from tests.bench.on_door.deployment import (
    Door,
    LogKind,
    find_places,
    open_edge,
    open_nothing,
    open_peer,
    placed,
)
from tests.bench.on_door.generator import Sent, send_at_once, send_at_rate
from tests.bench.on_door.peer import TOPIC
from tests.bench.on_door.requests import BATCH_SIZE, make_batches, make_singles
from tests.bench.report import tell
from tests.bench.surroundings import Servers, ends_of

CONNECTIONS: Final = 64
_BATCH_CONNECTIONS: Final = 16
_WARM_UP_SECONDS: Final = 10.0
"""Java compiles what Kafka does most, and takes a core for it."""
_DIFFERENT_SINGLES: Final = 20_000
_DIFFERENT_BATCHES: Final = 500


@dataclass(frozen=True, kw_only=True)
class Reached:
    """What one run came to, and the cores that the server, the sender and the log used for it."""

    per_second: float
    cores: float
    sender: float
    broker: float

    @property
    def micros(self) -> float:
        """Processor time of the server, in microseconds per event."""
        return self.cores / self.per_second * 1e6

    def __str__(self) -> str:
        return (
            f"{self.per_second:>9,.0f}/s   server {self.cores:.2f}, sender {self.sender:.2f},"
            f" log {self.broker:.2f} cores"
        )


@dataclass(frozen=True, kw_only=True)
class DoorFigures:
    """Requests or events a second, in order of the rounds; ``at_half`` seconds from due to answer."""

    ours: Sequence[Reached]
    peer: Sequence[Reached]
    batches: Sequence[Reached]
    at_half: Sequence[float]
    half_rate: float
    nothing: Reached

    @property
    def ratio(self) -> float:
        """The median over the rounds of ours divided by the peer's."""
        return median(one.per_second / two.per_second for one, two in zip(self.ours, self.peer, strict=True))

    @property
    def own_ratio(self) -> float:
        """The same by the processor time of the servers' own processes."""
        return median(two.micros / one.micros for one, two in zip(self.ours, self.peer, strict=True))


async def measure_door(servers: Servers, *, log: LogKind, rounds: int, seconds: float) -> DoorFigures:
    """Measure both, one after the other within each round.

    :raises AssertionError: if a request is refused, or the log holds another number than was acknowledged.
    """
    folder = Path(tempfile.mkdtemp(prefix="leadmill-bench-"))
    folder.chmod(0o755)
    places = find_places()
    tell(f"  {places}")
    try:
        async with (
            open_edge(servers, folder, log=log, places=places) as edge,
            open_peer(servers, folder, log=log, key=edge.key, places=places) as peer,
        ):
            with placed(servers, places):
                bench = _Bench(servers, log, edge, peer)
                async with open_nothing(folder, places=places) as nothing:
                    limit, _ = await bench.run(nothing, bench.singles, seconds=min(seconds, 3.0))
                tell(f"  a server that does nothing           {limit}")
                return await bench.measure(limit, rounds=rounds, seconds=seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def profile_door(servers: Servers, *, seconds: float) -> None:
    """Print where the edge's processor time goes: with single events, and with batches."""
    for is_batched in (False, True):
        folder = Path(tempfile.mkdtemp(prefix="leadmill-bench-"))
        folder.chmod(0o755)
        places = find_places()
        try:
            async with open_edge(servers, folder, log="kafka", places=places, is_sampled=True) as edge:
                with placed(servers, places):
                    bench = _Bench(servers, "kafka", edge, edge)
                    await bench.run_one(edge, is_batched=is_batched, seconds=_WARM_UP_SECONDS)
                    os.kill(edge.pid, signal.SIGUSR2)
                    reached, _ = await bench.run_one(edge, is_batched=is_batched, seconds=seconds)
                    print(f"\nthe edge, {'batches of 100' if is_batched else 'single events'}: {reached},")
                    print(f"  {reached.micros:.1f} us of its own process an event, sampling included")
        finally:
            shutil.rmtree(folder, ignore_errors=True)


class _Bench:
    """Both doors, what is sent to them, and who counts what they have kept."""

    def __init__(self, servers: Servers, log: LogKind, edge: Door, peer: Door) -> None:
        self._servers, self._log = servers, log
        self._edge, self._peer = edge, peer
        self._counter = _Counter(servers, log)
        self.singles = make_singles(_DIFFERENT_SINGLES, key=edge.key)
        self._parcels = make_batches(_DIFFERENT_BATCHES, key=edge.key)

    async def measure(self, limit: Reached, *, rounds: int, seconds: float) -> DoorFigures:
        """Run all rounds, the first of which only warms up, and the half load at the end."""
        ours: list[Reached] = []
        peers: list[Reached] = []
        many: list[Reached] = []
        for number in range(rounds + 1):
            title = f"round {number}/{rounds}" if number else "warm-up"
            for name, door, into in (
                ("the edge, single events", self._edge, ours),
                ("FastAPI, single events", self._peer, peers),
                ("the edge, batches of 100", self._edge, many),
            ):
                span = seconds if number else _WARM_UP_SECONDS
                reached = await self._run_and_count(door, is_batched=into is many, seconds=span)
                tell(f"  {title:<10} {name:<25} {reached}")
                if number:
                    into.append(reached)
        rate = median(one.per_second for one in ours) / 2
        half = await send_at_rate(
            self._edge.port, self.singles, connections=CONNECTIONS, per_second=rate, seconds=2 * seconds
        )
        assert not half.refusals, half.refusals[0]
        tell(f"  at half load, {rate:,.0f}/s: p99 {percentile(half.latencies, 0.99) * 1000:.1f} ms")
        return DoorFigures(
            ours=ours, peer=peers, batches=many, at_half=half.latencies, half_rate=rate, nothing=limit
        )

    async def _run_and_count(self, door: Door, *, is_batched: bool, seconds: float) -> Reached:
        before = await self._counter.count(is_peer=door is self._peer)
        reached, sent = await self.run_one(door, is_batched=is_batched, seconds=seconds)
        kept = await self._counter.count(is_peer=door is self._peer) - before
        wanted = len(sent.latencies) * (BATCH_SIZE if is_batched else 1)
        assert kept == wanted, f"{kept} are kept of {wanted}"
        return reached

    async def run_one(self, door: Door, *, is_batched: bool, seconds: float) -> tuple[Reached, Sent]:
        """Send one of the two kinds."""
        if not is_batched:
            return await self.run(door, self.singles, seconds=seconds)
        return await self.run(
            door, self._parcels, seconds=seconds, connections=_BATCH_CONNECTIONS, size=BATCH_SIZE
        )

    async def run(
        self,
        door: Door,
        requests: Sequence[bytes],
        *,
        seconds: float,
        connections: int = CONNECTIONS,
        size: int = 1,
    ) -> tuple[Reached, Sent]:
        """Send for so many seconds at full speed. :raises AssertionError: if a request is refused."""
        keeper = self._servers.kafka_pid if self._log == "kafka" else self._servers.postgres_pid
        used, kept = family_seconds(door.pid), _seconds_of(keeper)
        sent = await send_at_once(door.port, requests, connections=connections, seconds=seconds)
        used, kept = family_seconds(door.pid) - used, _seconds_of(keeper) - kept
        assert not sent.refusals, f"{len(sent.refusals)} requests were refused: {sent.refusals[0]!r}"
        reached = Reached(
            per_second=sent.per_second * size,
            cores=used / sent.wall,
            sender=sent.cores,
            broker=kept / sent.wall,
        )
        return reached, sent


def _seconds_of(pid: int | None) -> float:
    return 0.0 if pid is None else family_seconds(pid)


class _Counter:
    """Counts what the log, or the peer's table, holds."""

    def __init__(self, servers: Servers, log: LogKind) -> None:
        self._servers = servers
        self._log = log

    async def count(self, *, is_peer: bool) -> int:
        """Return how many records are kept."""
        if self._log == "kafka":
            ends = await ends_of(self._servers, [TOPIC if is_peer else RAW.name])
            return sum(ends.values())
        connection = await asyncpg.connect(self._servers.postgres)
        try:
            query = (
                "SELECT count(*) FROM peer_raw"
                if is_peer
                else f"SELECT sum(next_offset) FROM log.partition WHERE topic = '{RAW.name}'"
            )
            return int(await connection.fetchval(query))
        finally:
            await connection.close()
