"""How soon an event becomes a tier change: scoring's worker alone, events published at a steady rate."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from shared.contracts.events import behaviour
from shared.contracts.topics import BEHAVIOUR, LEADS
from shared.kernel.instants import SECOND
from shared.log.port import NewRecord, TopicPartition
from shared.runtime.clock import SystemClock
from tests.bench.cost import family_seconds
from tests.bench.latency.watching import KafkaWatcher
from tests.bench.on_scoring.worker import environment_of, prepare
from tests.bench.surroundings import Servers, ends_of
from tests.operations.processes import Running
from tests.services.scoring.deeds import Deed, Deeds
from tests.services.scoring.throughput import act_of

_WARM_UP_SECONDS: Final = 10.0
_SETTLE_SECONDS: Final = 20.0
_FEWEST_CHANGES: Final = 200


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """Seconds from when an event was due on its topic until its tier change could be read.

    ``late`` are the seconds by which appends came after they were due, ``cores`` what the worker used;
    ``postgres`` and ``kafka`` are the cores that these used.
    """

    changes: Sequence[float]
    late: Sequence[float]
    per_second: float
    cores: float
    postgres: float
    kafka: float


async def measure_arrivals(servers: Servers, *, rate: float, seconds: float, every: float) -> Arrivals:
    """Publish events as ingest says them, open-loop, and watch the tier changes; the first seconds warm up.

    What is due is appended ``every`` so many seconds; what waits for that counts as waiting.

    :raises AssertionError: if hardly any tier change comes, or one that names an event nobody has sent.
    """
    with tempfile.TemporaryDirectory(prefix="leadmill-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        environment = environment_of(servers, folder)
        await asyncio.to_thread(prepare, environment)
        with Running(["run", "scoring", "--role", "worker"], environment, folder / "worker.log") as worker:
            await asyncio.to_thread(worker.until, "/readyz", status=200)
            starts = await ends_of(servers, [LEADS.name, BEHAVIOUR.name])
            assert not any(starts.values()), "the topics are not new"
            found = await _publish_and_watch(servers, worker, rate=rate, seconds=seconds, every=every)
            code = await asyncio.to_thread(worker.terminate)
            assert code == 0, worker.said()
            return found


def _happenings(count: int, *, rate: float) -> list[Deed]:
    """Visitors of a busy site, a dozen acts each, a few of whom ask for a demo."""
    random, deeds, told = Random(1), Deeds("arrivals"), list[Deed]()
    begin = SystemClock().now()
    who = 0
    while len(told) < count:
        at = begin + int(len(told) / rate * SECOND)
        if random.random() < 1 / 12:
            who += 1
            told.append(deeds.is_known_as(str(who), at, industry="pharma", title_level="manager"))
            continue
        name = str(random.randint(max(0, who - 200), who))
        if random.random() < 0.03:
            told.append(deeds.did(name, behaviour.DemoRequested, at))
        else:
            told.append(act_of(random, deeds, name, at))
    return told


async def _publish_and_watch(
    servers: Servers, worker: Running, *, rate: float, seconds: float, every: float
) -> Arrivals:
    count = int(rate * (seconds + _WARM_UP_SECONDS))
    deeds = await asyncio.to_thread(_happenings, count, rate=rate)
    watcher = KafkaWatcher(servers.kafka)
    await watcher.start()
    watching = asyncio.create_task(watcher.run())
    try:
        used = _used(servers, worker)
        begun = asyncio.get_running_loop().time()
        due, appended = await _publish(servers, deeds, rate=rate, every=every)
        lasted = asyncio.get_running_loop().time() - begun
        own, postgres, kafka = (
            after - before for before, after in zip(used, _used(servers, worker), strict=True)
        )
        await _until_quiet(watcher, watching)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await watcher.stop()
    assert watcher.seen.keys() <= {deed.id for deed in deeds}, "a tier change names an event nobody has sent"
    first = int(rate * _WARM_UP_SECONDS)
    changes = [
        watcher.seen[deeds[place].id] - due[place]
        for place in range(first, count)
        if deeds[place].id in watcher.seen
    ]
    assert len(changes) >= _FEWEST_CHANGES, f"only {len(changes)} tier changes came"
    return Arrivals(
        changes=changes,
        late=[appended[place] - due[place] for place in range(first, count)],
        per_second=count / lasted,
        cores=own / lasted,
        postgres=postgres / lasted,
        kafka=kafka / lasted,
    )


def _used(servers: Servers, worker: Running) -> tuple[float, float, float]:
    assert worker.process is not None
    kafka = 0.0 if servers.kafka_pid is None else family_seconds(servers.kafka_pid)
    return family_seconds(worker.process.pid), family_seconds(servers.postgres_pid), kafka


async def _publish(
    servers: Servers, deeds: Sequence[Deed], *, rate: float, every: float
) -> tuple[list[float], list[float]]:
    """Append each record when it is due; return when it was, and when the log had it."""
    loop = asyncio.get_running_loop()
    producer = servers.log.producer(name="bench-told")
    await producer.start()
    try:
        begin = loop.time() + 0.1
        due = [begin + number / rate for number in range(len(deeds))]
        appended: list[float] = []
        while len(appended) < len(deeds):
            now = loop.time()
            batches: dict[TopicPartition, list[NewRecord]] = {}
            place = len(appended)
            while place < len(deeds) and due[place] <= now:
                batches.setdefault(deeds[place].target, []).append(deeds[place].record)
                place += 1
            if batches:
                await producer.append(list(batches.items()))
                appended += [loop.time()] * (place - len(appended))
            await asyncio.sleep(every)
        return due, appended
    finally:
        await producer.stop()


async def _until_quiet(watcher: KafkaWatcher, watching: asyncio.Task[None]) -> None:
    """Wait until nothing more comes for two seconds."""
    for _ in range(int(_SETTLE_SECONDS / 2)):
        before = len(watcher.seen)
        await asyncio.sleep(2)
        if watching.done():
            watching.result()
        if len(watcher.seen) == before:
            return
    raise AssertionError("tier changes still come long after the last event; the worker is too slow")
