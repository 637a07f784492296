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
from tests.bench.on_services.traffic import EVENTS_PER_VISITOR, LASTS, make_calls
from tests.operations.processes import Running, leadmill

EVENTS_PER_REQUEST: Final = 10
_SOURCE: Final = "website"
_WARM_UP_SECONDS: Final = 5.0
_SETTLE_SECONDS: Final = 20.0
_FEWEST_CHANGES: Final = 20

LogKind = Literal["embedded", "kafka"]


@dataclass(frozen=True, kw_only=True)
class Latencies:
    """Seconds from when a request was due: to its answer, and to the tier changes it brought about.

    ``cores`` is how much of a core the platform's process used on average.
    """

    answers: Sequence[float]
    changes: Sequence[float]
    per_second: float
    cores: float


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that ``share`` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def measure_latency(*, log: LogKind, kafka: str, rate: float, seconds: float) -> Latencies:
    """Run the platform on one of its logs under ``rate`` events per second for ``seconds`` seconds.

    Everything is in one process, on its own PostgreSQL with durable commits, started with
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
            found = await _send_and_watch(
                platform, folder / "data", key=key, log=log, kafka=kafka, rate=rate, seconds=seconds
            )
            code = await asyncio.to_thread(platform.terminate)
            assert code == 0, platform.said()
        return found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _add_key(data: Path, environment: dict[str, str]) -> str:
    answer = leadmill("key", "add", _SOURCE, "--data", str(data), "--json", environment=environment)
    assert answer.code == 0, answer.err
    key: str = answer.document["key"]
    return key


async def _send_and_watch(
    platform: Running, data: Path, *, key: str, log: LogKind, kafka: str, rate: float, seconds: float
) -> Latencies:
    count = int(rate * (seconds + _WARM_UP_SECONDS))
    calls = make_calls(
        visitors=-(-count // EVENTS_PER_VISITOR), begin=SystemClock().now() - LASTS, repeats=0.0
    )[:count]
    parcels = make_parcels(calls, address=platform.address, source=_SOURCE, key=key, size=EVENTS_PER_REQUEST)
    watcher: Watcher = KafkaWatcher(kafka) if log == "kafka" else EmbeddedWatcher(find_running(data) or "")
    await watcher.start()
    watching = asyncio.create_task(watcher.run())
    try:
        assert platform.process is not None
        used = family_seconds(platform.process.pid)
        begun = asyncio.get_running_loop().time()
        answered = await Sender(platform.address).send(parcels, per_second=rate / EVENTS_PER_REQUEST)
        lasted = asyncio.get_running_loop().time() - begun
        used = family_seconds(platform.process.pid) - used
        await _until_quiet(watcher, watching)
        return _compare(parcels, answered, watcher.seen, cores=used / lasted)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await watcher.stop()


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
