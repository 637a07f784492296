"""Who is measured, a process on a core of its own; who sends, Kafka and PostgreSQL share the others."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from shared.log.port import TopicLayout
from tests.bench.on_door.peer import TOPIC, PeerPlan
from tests.bench.on_mill.deployment import SOURCE
from tests.bench.surroundings import PARTITIONS, Servers, create_topics
from tests.operations.processes import CHECKOUT, COMMAND, Running, clean_environment, free_port, leadmill

LogKind = Literal["kafka", "embedded"]

_START_SECONDS: Final = 30.0
_COMPILERS: Final = ("C1 Compiler", "C2 Compiler")
_LOWEST_PRIORITY: Final = 19
_SCRIPT: Final = f'shift {len(COMMAND)}; exec {sys.executable} -m tests.bench.on_door.sampled "$@"'
_SAMPLED: Final = ("sh", "-c", _SCRIPT, "sh")


@dataclass(frozen=True, kw_only=True)
class Places:
    """Which cores are whose. On a machine with one core all share it, and no figure means much."""

    server: frozenset[int]
    others: frozenset[int]

    def __str__(self) -> str:
        others = ",".join(map(str, sorted(self.others)))
        return f"server on core {min(self.server)}; sender, Kafka and PostgreSQL on core {others}"


def find_places() -> Places:
    """Return the first core for the server and all others for everybody else."""
    cores = sorted(os.sched_getaffinity(0))
    return Places(server=frozenset(cores[:1]), others=frozenset(cores[1:] or cores))


def pin(pid: int, cores: Collection[int]) -> None:
    """Keep a process with its threads and children on these cores, and what they start later."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(task.name), cores)
        with contextlib.suppress(OSError):
            for child in (task / "children").read_text().split():
                pin(int(child), cores)


def hush_compilers(pid: int) -> None:
    """Let Java compile only when nothing else wants the core: a broker that has run long is done with it."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            if (task / "comm").read_text().startswith(_COMPILERS):
                os.setpriority(os.PRIO_PROCESS, int(task.name), _LOWEST_PRIORITY)


@contextlib.contextmanager
def placed(servers: Servers, places: Places) -> Iterator[None]:
    """Put Kafka, PostgreSQL and this process where they belong while the body runs."""
    before = os.sched_getaffinity(0)
    for pid in (servers.kafka_pid, servers.postgres_pid, os.getpid()):
        if pid is not None:
            pin(pid, places.others)
    if servers.kafka_pid is not None:
        hush_compilers(servers.kafka_pid)
    try:
        yield
    finally:
        pin(os.getpid(), before)


@dataclass(frozen=True, kw_only=True)
class Door:
    """Something that listens, and the process that it is."""

    port: int
    pid: int
    key: str


@contextlib.asynccontextmanager
async def open_edge(
    servers: Servers, folder: Path, *, log: LogKind, places: Places, is_sampled: bool = False
) -> AsyncIterator[Door]:
    """Run ingest's edge alone, as in production: ``leadmill run ingest --role api``.

    One that is sampled prints its profile at the end, of what came after SIGUSR2.
    """
    environment = {
        "LEADMILL_POSTGRES": servers.postgres,
        "LEADMILL_LOG": log,
        "LEADMILL_KAFKA": servers.kafka,
        "LEADMILL_DATA_DIR": str(folder),
        "LEADMILL_LOG_LEVEL": "warning",
        "LEADMILL_INGEST_REQUESTS_PER_SECOND": "1000000",  # one key sends everything
        "LEADMILL_INGEST_BURST": "1000000",
    }
    key = await asyncio.to_thread(_prepare, environment)
    arguments = ["run", "ingest", "--role", "api"]
    through = _SAMPLED if is_sampled else ()
    with Running(arguments, environment, folder / f"edge-{log}.log", through=through) as edge:
        await asyncio.to_thread(edge.until, "/readyz", status=200)
        assert edge.process is not None
        pin(edge.process.pid, places.server)
        yield Door(port=edge.port, pid=edge.process.pid, key=key)
        assert await asyncio.to_thread(edge.terminate) == 0, edge.said()
        if is_sampled:
            print(edge.said()[edge.said().index("by package") :])


def _prepare(environment: Mapping[str, str]) -> str:
    for command in (["migrate"], ["topics", "apply"]):
        done = leadmill(*command, environment=environment)
        assert done.code == 0, done.err
    key: str = leadmill("key", "add", SOURCE, "--json", environment=environment).document["key"]
    return key


@contextlib.asynccontextmanager
async def open_peer(
    servers: Servers, folder: Path, *, log: LogKind, key: str, places: Places
) -> AsyncIterator[Door]:
    """Run the usual way on the same log, or on a plain table where the log is the embedded one."""
    port = free_port()
    if log == "kafka":
        await create_topics(servers, [TopicLayout(name=TOPIC, partitions=PARTITIONS)])
    postgres = "" if log == "kafka" else servers.postgres
    plan = PeerPlan(port=port, key=key, kafka=servers.kafka if log == "kafka" else "", postgres=postgres)
    said = msgspec.json.encode(plan).decode()
    async with _running(["tests.bench.on_door.peer", said], port, folder / "peer.log", places) as pid:
        yield Door(port=port, pid=pid, key=key)


@contextlib.asynccontextmanager
async def open_nothing(folder: Path, *, places: Places) -> AsyncIterator[Door]:
    """Run the server that does nothing."""
    port = free_port()
    module = ["tests.bench.on_door.nothing", str(port)]
    async with _running(module, port, folder / "nothing.log", places) as pid:
        yield Door(port=port, pid=pid, key="")


@contextlib.asynccontextmanager
async def _running(module: Sequence[str], port: int, log: Path, places: Places) -> AsyncIterator[int]:
    with log.open("w") as said:
        process = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
            [sys.executable, "-m", *module], stdout=said, stderr=said, env=clean_environment(), cwd=CHECKOUT
        )
    try:
        async with asyncio.timeout(_START_SECONDS):
            while not _listens(port):
                assert process.poll() is None, log.read_text()
                await asyncio.sleep(0.1)
        pin(process.pid, places.server)
        yield process.pid
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 30)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
