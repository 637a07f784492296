"""Starts the platform as an operator does, sends at a rate, and measures until the tier change is there."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from leadmill.embedded import find_running
from shared.runtime.clock import SystemClock
from tests.bench.cost import family_seconds
from tests.bench.latency.requests import Answered, Parcel, Sender, make_parcels
from tests.bench.latency.watching import EmbeddedWatcher, KafkaWatcher, Watcher
from tests.bench.on_mill.deployment import SOURCE, open_mill
from tests.bench.on_services.traffic import EVENTS_PER_VISITOR, LASTS, make_calls
from tests.bench.surroundings import Servers
from tests.operations.processes import Running, leadmill

EVENTS_PER_REQUEST: Final = 10
_WARM_UP_SECONDS: Final = 20.0
_SETTLE_SECONDS: Final = 20.0
_FEWEST_CHANGES: Final = 20

LogKind = Literal["embedded", "kafka"]


@dataclass(frozen=True, kw_only=True)
class Latencies:
    """Seconds from when a request was due: to its answer, and to the tier changes it brought about.

    ``cores`` is how much of a core the platform's processes used on average.
    """

    answers: Sequence[float]
    changes: Sequence[float]
    per_second: float
    cores: float


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that ``share`` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def measure_platform(*, log: LogKind, kafka: str, rate: float, seconds: float) -> Latencies:
    """Run the platform on one of its logs under ``rate`` events per second for ``seconds`` seconds.

    All services are in one process, on its own PostgreSQL with durable commits, started with
    ``leadmill up``. The first seconds warm it up and are not counted.

    :raises AssertionError: if an answer is no success, or a message's tier change does not come.
    """
    folder = Path(tempfile.mkdtemp(prefix="leadmill-bench-"))
    folder.chmod(0o755)
    environment = {"LEADMILL_LOG": log, "LEADMILL_LOG_LEVEL": "warning"}
    if log == "kafka":
        environment["LEADMILL_KAFKA"] = kafka
    try:
        arguments = ["up", "--data", str(folder / "data")]
        with Running(arguments, environment, folder / "platform.log") as platform:
            await asyncio.to_thread(platform.until, "/readyz", status=200)
            key = await asyncio.to_thread(_add_key, folder / "data", environment)
            watcher: Watcher = (
                KafkaWatcher(kafka)
                if log == "kafka"
                else EmbeddedWatcher(find_running(folder / "data") or "")
            )
            found = await _send_and_watch(watcher, [platform], key=key, rate=rate, seconds=seconds)
            code = await asyncio.to_thread(platform.terminate)
            assert code == 0, platform.said()
        return found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def measure_engine(servers: Servers, *, rate: float, seconds: float) -> Latencies:
    """Run ingest and scoring as processes of their own, on Kafka, and measure likewise.

    :raises AssertionError: if an answer is no success, or a message's tier change does not come.
    """
    with tempfile.TemporaryDirectory(prefix="leadmill-bench-", ignore_cleanup_errors=True) as name:
        async with open_mill(servers, Path(name), services=("ingest", "scoring")) as mill:
            processes = [mill.processes["ingest"], mill.processes["scoring"]]
            return await _send_and_watch(
                KafkaWatcher(servers.kafka), processes, key=mill.key, rate=rate, seconds=seconds
            )


def _add_key(data: Path, environment: dict[str, str]) -> str:
    answer = leadmill("key", "add", SOURCE, "--data", str(data), "--json", environment=environment)
    assert answer.code == 0, answer.err
    key: str = answer.document["key"]
    return key


async def _send_and_watch(
    watcher: Watcher, processes: Sequence[Running], *, key: str, rate: float, seconds: float
) -> Latencies:
    """Send to the first of these processes; count what all of them use."""
    address = processes[0].address
    count = int(rate * (seconds + _WARM_UP_SECONDS))
    calls = make_calls(
        visitors=-(-count // EVENTS_PER_VISITOR), begin=SystemClock().now() - LASTS, repeats=0.0
    )[:count]
    parcels = make_parcels(calls, address=address, source=SOURCE, key=key, size=EVENTS_PER_REQUEST)
    await watcher.start()
    watching = asyncio.create_task(watcher.run())
    try:
        used = _used_by(processes)
        begun = asyncio.get_running_loop().time()
        answered = await Sender(address).send(parcels, per_second=rate / EVENTS_PER_REQUEST)
        lasted = asyncio.get_running_loop().time() - begun
        used = _used_by(processes) - used
        await _until_quiet(watcher, watching)
        return _compare(parcels, answered, watcher.seen, cores=used / lasted)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await watcher.stop()


def _used_by(processes: Sequence[Running]) -> float:
    """Return the processor seconds that these have used so far."""
    return sum(family_seconds(one.process.pid) for one in processes if one.process is not None)


async def _until_quiet(watcher: Watcher, watching: asyncio.Task[None]) -> None:
    """Wait until nothing more comes for two seconds."""
    for _ in range(int(_SETTLE_SECONDS / 2)):
        before = len(watcher.seen)
        await asyncio.sleep(2)
        if watching.done():
            watching.result()
        if len(watcher.seen) == before:
            return
    raise AssertionError("tier changes still come long after the last request; the platform is too slow")


def _compare(
    parcels: Sequence[Parcel], answered: Sequence[Answered], seen: dict[str, float], *, cores: float
) -> Latencies:
    first = answered[0].due + _WARM_UP_SECONDS
    counted = [
        (parcel, answer) for parcel, answer in zip(parcels, answered, strict=True) if answer.due >= first
    ]
    sent = {identity for parcel in parcels for identity in parcel.ids}
    assert seen.keys() <= sent, "a tier change names a message that nobody has sent"
    changes = [
        seen[identity] - answer.due
        for parcel, answer in counted
        for identity in parcel.ids
        if identity in seen
    ]
    assert len(changes) >= _FEWEST_CHANGES, f"only {len(changes)} tier changes came"
    lasted = max(answer.answered for _, answer in counted) - first
    return Latencies(
        answers=[answer.answered - answer.due for _, answer in counted],
        changes=changes,
        per_second=sum(len(parcel.ids) for parcel, _ in counted) / lasted,
        cores=cores,
    )
