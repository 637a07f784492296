"""A whole siege: start the platform on the embedded log, fire, watch its memory, and audit what is left."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx

from leadmill.embedded import find_running
from tests.operations.fuzz.shooting import Score, Supply, dawdle, shoot
from tests.operations.fuzz.shots import Shot, make_shot
from tests.operations.fuzz.targets import Target, find_targets
from tests.operations.processes import Running, leadmill

MOST_MEMORY: Final = 300_000_000
"""Bytes of resident memory that the server may have."""

CONNECTIONS: Final = 8
_SAMPLE_SECONDS: Final = 0.25
_REPORT_SECONDS: Final = 20.0
_SETTLE_SECONDS: Final = 240.0
_PAGE: Final = 4096
_COUNTED: Final = """
SELECT sum(processed + duplicate + quarantined + dead)::bigint AS read,
       sum(quarantined)::bigint AS quarantined, sum(dead)::bigint AS dead
FROM ingest.receipt WHERE topic = 'leadmill.raw'
"""


@dataclass
class Siege:
    """What a siege came to; ``faults`` is empty if everything held."""

    score: Score = field(default_factory=Score)
    largest: int = 0
    at_rest: int = 0
    seconds: float = 0.0
    accepted: int = 0
    read: int = 0
    quarantined: int = 0
    dead: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Fort:
    """A platform that runs, the key of its source and the routes it has."""

    running: Running
    data: Path
    key: str
    targets: Sequence[Target]

    def shot(self, number: int, *, seed: int) -> Shot:
        """Return the shot of this number."""
        return make_shot(number, seed=seed, targets=self.targets, key=self.key)


KEY: Final = "fuzz-fuzz-fuzz-fuzz"
"""The source's key: a fixed one, so that a shot is the same in every siege."""


@contextlib.asynccontextmanager
async def open_fort() -> AsyncIterator[Fort]:
    """Start all services in one process on the embedded log, and stop them in good order.

    :raises AssertionError: if they do not stop with 0.
    """
    folder = Path(tempfile.mkdtemp(prefix="leadmill-fuzz-"))
    folder.chmod(0o755)
    environment = {
        "LEADMILL_LOG_LEVEL": "error",
        "LEADMILL_INGEST_REQUESTS_PER_SECOND": "1000000",
        "LEADMILL_INGEST_BURST": "1000000",
    }
    data = folder / "data"
    try:
        with Running(["up", "--data", str(data)], environment, folder / "log") as running:
            await asyncio.to_thread(running.until, "/readyz", status=200, seconds=120)
            added = await asyncio.to_thread(
                leadmill, "key", "add", "website", "--key", KEY, "--data", str(data), environment=environment
            )
            assert added.code == 0, added.err
            fort = Fort(running, data, KEY, find_targets(await _document_at(running)))
            yield fort
            assert await asyncio.to_thread(running.terminate) == 0, running.said()[-2_000:]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def document_of(fort: Fort) -> Any:
    """Return the OpenAPI document of the front door."""
    return await _document_at(fort.running)


async def _document_at(running: Running) -> Any:
    address = f"{running.address}/openapi.json"
    return await asyncio.to_thread(lambda: httpx.get(address, timeout=30, trust_env=False).json())


async def besiege(fort: Fort, *, seed: int, begin: int, count: int, seconds: float) -> Siege:
    """Fire ``count`` shots from number ``begin`` on, for at most ``seconds``; then look at what is left."""
    siege = Siege()
    siege.at_rest = _memory_of(fort)
    watching = asyncio.create_task(_watch(fort, siege))
    dawdling = asyncio.create_task(dawdle(fort.running.port, siege.score, key=fort.key))
    begun = time.monotonic()
    end = begun + seconds

    def numbers() -> Any:
        for number in range(begin, begin + count):
            if time.monotonic() > end:
                return
            yield number

    supply = Supply(numbers(), lambda number: fort.shot(number, seed=seed))
    try:
        await asyncio.gather(
            *(shoot(supply, siege.score, port=fort.running.port) for _ in range(CONNECTIONS))
        )
    finally:
        siege.seconds = time.monotonic() - begun
        for task in (watching, dawdling):
            task.cancel()
        await asyncio.gather(watching, dawdling, return_exceptions=True)
    await _look_at_what_is_left(fort, siege)
    return siege


async def _watch(fort: Fort, siege: Siege) -> None:
    told = time.monotonic()
    while True:
        siege.largest = max(siege.largest, _memory_of(fort))
        if time.monotonic() - told > _REPORT_SECONDS:
            told = time.monotonic()
            print(f"  {siege.score.fired:>9,} fired, {siege.largest / 1e6:.0f} MB", flush=True)
        await asyncio.sleep(_SAMPLE_SECONDS)


def _memory_of(fort: Fort) -> int:
    assert fort.running.process is not None
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{fort.running.process.pid}/statm").read_text().split()[1]) * _PAGE
    return 0


async def _look_at_what_is_left(fort: Fort, siege: Siege) -> None:
    process = fort.running.process
    assert process is not None
    if process.poll() is not None:
        siege.faults.append(f"the server ended with {process.returncode}: {fort.running.said()[-1_000:]}")
        return
    siege.faults += siege.score.failures + siege.score.silent
    if siege.largest > MOST_MEMORY:
        siege.faults.append(f"the server took {siege.largest / 1e6:.0f} MB")
    await asyncio.to_thread(_send_somebody, fort, siege)
    await _count(fort, siege)
    audit = await asyncio.to_thread(
        lambda: leadmill("audit", "--full", "--data", str(fort.data), seconds=300)
    )
    if audit.code:
        siege.faults.append(f"the audit ended with {audit.code}: {audit.out[-2_000:]} {audit.err[-500:]}")


def _send_somebody(fort: Fort, siege: Siege) -> None:
    """The server must still take somebody in."""
    body = {"writeKey": fort.key, "userId": "last", "traits": {"email": "last@example.com"}}
    answer = httpx.post(f"{fort.running.address}/v1/identify", json=body, timeout=30, trust_env=False)
    if answer.status_code != 200:
        siege.faults.append(f"a right request was answered {answer.status_code}: {answer.text[:200]}")


async def _count(fort: Fort, siege: Siege) -> None:
    """What was acknowledged must be in the log, and the resolver must have dealt with all of it."""
    metrics = await asyncio.to_thread(
        lambda: httpx.get(f"{fort.running.admin}/metrics", timeout=60, trust_env=False).text
    )
    siege.accepted = sum(
        int(float(line.rpartition(" ")[2]))
        for line in metrics.splitlines()
        if line.startswith("leads_ingest_accepted_messages_total{")
    )
    connection = await asyncpg.connect(find_running(fort.data))
    try:
        deadline = time.monotonic() + _SETTLE_SECONDS
        while time.monotonic() < deadline:
            row = await connection.fetchrow(_COUNTED)
            siege.read, siege.quarantined, siege.dead = (int(value or 0) for value in row)
            if siege.read >= siege.accepted:
                break
            await asyncio.sleep(0.5)
    finally:
        await connection.close()
    if siege.read < siege.accepted:
        siege.faults.append(f"{siege.accepted} messages were accepted, and {siege.read} dealt with")
