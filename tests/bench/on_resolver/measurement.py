"""Measures how soon what lies in the raw topic is told as events of leads, by a worker of its own process."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.contracts.envelope import decode_envelope
from shared.contracts.topics import BEHAVIOUR, LEADS, RAW, partition_of
from shared.log.port import NewRecord, TopicPartition
from shared.runtime.clock import SystemClock
from tests.bench.cost import family_seconds
from tests.bench.latency.watching import KafkaWatcher
from tests.bench.on_services.traffic import EVENTS_PER_VISITOR, LASTS, make_calls, stamp_calls
from tests.bench.surroundings import PARTITIONS, Servers, ends_of
from tests.operations.processes import Running, leadmill

_WARM_UP_SECONDS: Final = 10.0
_SETTLE_SECONDS: Final = 20.0
_TICK: Final = 0.002


@dataclass(frozen=True, kw_only=True)
class Told:
    """Seconds from when each record was due in the raw topic until its first event could be read.

    ``late`` are the seconds by which appends came after they were due, ``cores`` what the worker used.
    """

    latencies: Sequence[float]
    late: Sequence[float]
    per_second: float
    cores: float


async def measure_telling(servers: Servers, *, rate: float, seconds: float) -> Told:
    """Append at a steady rate and watch the topics; the first seconds warm up and are not counted.

    The raw topic must be new. A worker reads it from its beginning, and of calls that lie there already
    (two sets of calls have their first visitors in common) it says nothing a second time.

    :raises AssertionError: if there is something in the raw topic, or a record's event does not come.
    """
    with tempfile.TemporaryDirectory(prefix="leadmill-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        environment = {
            "LEADMILL_POSTGRES": servers.postgres,
            "LEADMILL_LOG": "kafka",
            "LEADMILL_KAFKA": servers.kafka,
            "LEADMILL_DATA_DIR": str(folder),
            "LEADMILL_LOG_LEVEL": "warning",
        }
        await asyncio.to_thread(_prepare, environment)
        arguments = ["run", "ingest", "--role", "worker"]
        with Running(arguments, environment, folder / "worker.log") as worker:
            await asyncio.to_thread(worker.until, "/readyz", status=200)
            assert not any((await ends_of(servers, [RAW.name])).values()), "the raw topic is not new"
            told = await _append_and_watch(servers, worker, rate=rate, seconds=seconds)
            code = await asyncio.to_thread(worker.terminate)
            assert code == 0, worker.said()
            return told


def _prepare(environment: Mapping[str, str]) -> None:
    for command in (["migrate"], ["topics", "apply"]):
        done = leadmill(*command, environment=environment)
        assert done.code == 0, done.err


async def _append_and_watch(servers: Servers, worker: Running, *, rate: float, seconds: float) -> Told:
    count = int(rate * (seconds + _WARM_UP_SECONDS))
    calls = make_calls(
        visitors=-(-count // EVENTS_PER_VISITOR), begin=SystemClock().now() - LASTS, repeats=0.0
    )
    records = stamp_calls(calls[:count])
    watcher = KafkaWatcher(servers.kafka, topics=(LEADS.name, BEHAVIOUR.name))
    await watcher.start()
    watching = asyncio.create_task(watcher.run())
    try:
        assert worker.process is not None
        used = family_seconds(worker.process.pid)
        begun = asyncio.get_running_loop().time()
        due, appended = await _append(servers, records, rate=rate)
        used = family_seconds(worker.process.pid) - used
        lasted = asyncio.get_running_loop().time() - begun
        ids = [decode_envelope(record.value or b"").id for record in records]
        await _until_seen(watcher, watching, ids)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await watcher.stop()
    first = int(rate * _WARM_UP_SECONDS)
    return Told(
        latencies=[watcher.seen[ids[place]] - due[place] for place in range(first, count)],
        late=[appended[place] - due[place] for place in range(first, count)],
        per_second=count / lasted,
        cores=used / lasted,
    )


async def _append(
    servers: Servers, records: Sequence[NewRecord], *, rate: float
) -> tuple[list[float], list[float]]:
    """Append each record when it is due; return when it was, and when the log had it."""
    loop = asyncio.get_running_loop()
    producer = servers.log.producer(name="bench-raw")
    await producer.start()
    try:
        begin = loop.time() + 0.1
        due = [begin + number / rate for number in range(len(records))]
        appended: list[float] = []
        while len(appended) < len(records):
            now = loop.time()
            batches: dict[TopicPartition, list[NewRecord]] = {}
            place = len(appended)
            while place < len(records) and due[place] <= now:
                number = partition_of(records[place].key or b"", PARTITIONS)
                batches.setdefault(TopicPartition(RAW.name, number), []).append(records[place])
                place += 1
            if batches:
                await producer.append(list(batches.items()))
                appended += [loop.time()] * (place - len(appended))
            await asyncio.sleep(_TICK)
        return due, appended
    finally:
        await producer.stop()


async def _until_seen(watcher: KafkaWatcher, watching: asyncio.Task[None], ids: Sequence[str]) -> None:
    missing = list(ids)
    for _ in range(int(_SETTLE_SECONDS / 0.1)):
        missing = [identity for identity in missing if identity not in watcher.seen]
        if not missing:
            return
        if watching.done():
            watching.result()
        await asyncio.sleep(0.1)
    raise AssertionError(f"{len(missing)} of {len(ids)} records were never told of, {missing[0]} first")
