"""The catalogue with its labels bound, so that the loops that use it pay next to nothing.

Each class belongs to one service and takes the registry it reports to. Methods only count: they
never block, never raise for a value they are given, and never read business time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from platform import python_version
from time import perf_counter
from typing import Generic, Literal, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shared.telemetry import catalogue
from shared.telemetry.instruments import Observations

K = TypeVar("K")
V = TypeVar("V")

Stage = Literal["poll", "decode", "load", "fold", "transaction", "publish"]
Operation = Literal["send", "poll", "commit"]


class _Bound(dict[K, V], Generic[K, V]):
    """Label children by what tells them apart, bound when first asked for."""

    __slots__ = ("_bind",)

    def __init__(self, bind: Callable[[K], V]) -> None:
        super().__init__()
        self._bind = bind

    def __missing__(self, key: K) -> V:
        self[key] = value = self._bind(key)
        return value


class ProcessorMetrics:
    """What one processor (a service's consumer group) tells about itself.

    Durations are in seconds, instants in Unix seconds; counts default to one.
    """

    def __init__(self, registry: CollectorRegistry, *, service: str, group: str) -> None:
        on, of = registry, (service, group)
        self._service, self._group = of
        self._watermarks, self._lags = catalogue.WATERMARK.on(on), catalogue.LAG.on(on)
        process, operation = catalogue.PROCESS_DURATION.on(on), catalogue.OPERATION_DURATION.on(on)
        consumed, sent = catalogue.CONSUMED_MESSAGES.on(on), catalogue.SENT_MESSAGES.on(on)
        dead, stage, age = (
            catalogue.DEAD_LETTERS.on(on),
            catalogue.BATCH_STAGE.on(on),
            catalogue.EVENT_AGE.on(on),
        )
        duplicates, late = catalogue.DUPLICATES.on(on), catalogue.OUT_OF_ORDER.on(on)
        refusals = catalogue.REFUSALS.on(on)
        self._process: _Bound[tuple[str, str], Histogram] = _Bound(
            lambda key: process.labels(service, key[0], group, key[1])
        )
        self._operation: _Bound[str, Histogram] = _Bound(lambda key: operation.labels(service, key))
        self._consumed: _Bound[tuple[str, str], Counter] = _Bound(
            lambda key: consumed.labels(service, key[0], key[1])
        )
        self._sent: _Bound[tuple[str, str], Counter] = _Bound(
            lambda key: sent.labels(service, key[0], key[1])
        )
        self._dead: _Bound[tuple[str, str], Counter] = _Bound(
            lambda key: dead.labels(service, key[0], key[1])
        )
        self._duplicates: _Bound[str, Counter] = _Bound(lambda topic: duplicates.labels(service, topic))
        self._late: _Bound[str, Counter] = _Bound(lambda topic: late.labels(service, topic))
        self._refusals: _Bound[str, Counter] = _Bound(lambda code: refusals.labels(service, code))
        self._stage: _Bound[str, Histogram] = _Bound(lambda name: stage.labels(service, group, name))
        self._age: _Bound[str, Observations] = _Bound(lambda name: age.labels(service, name))
        self._watermark: _Bound[tuple[str, int], Gauge] = _Bound(
            lambda key: self._watermarks.labels(service, key[0], str(key[1]))
        )
        self._lag: _Bound[tuple[str, int], Gauge] = _Bound(
            lambda key: self._lags.labels(service, group, key[0], str(key[1]))
        )
        self._lag_said: dict[tuple[str, int], int] = {}
        self._beat = catalogue.LOOP_BEAT.on(on).labels(*of)
        self._halted = catalogue.HALTED.on(on).labels(*of)
        self._rebalances = catalogue.REBALANCES.on(on).labels(*of)
        self._assigned = catalogue.PARTITIONS_ASSIGNED.on(on).labels(*of)
        self._timers = catalogue.TIMERS_FIRED.on(on).labels(*of)
        self._batch = catalogue.BATCH_RECORDS.on(on).labels(*of)
        self._fence_conflicts = catalogue.FENCE_CONFLICTS.on(on).labels(*of)
        self._version_conflicts = catalogue.VERSION_CONFLICTS.on(on).labels(*of)
        self._watchdog_restarts = catalogue.WATCHDOG_RESTARTS.on(on).labels(*of)
        self._outbox_oldest = catalogue.OUTBOX_OLDEST.on(on).labels(service)
        self._outbox_rows = catalogue.OUTBOX_ROWS.on(on).labels(service)
        self._producer_rebuilds = catalogue.PRODUCER_REBUILDS.on(on).labels(service)

    # --- messages
    def consumed(self, topic: str, count: int = 1, *, error_type: str = "") -> None:
        """Count records that were fetched from ``topic``."""
        self._consumed[topic, error_type].inc(count)

    def sent(self, topic: str, count: int = 1, *, error_type: str = "") -> None:
        """Count records that the log took, or with ``error_type`` did not take."""
        self._sent[topic, error_type].inc(count)

    def processed(self, topic: str, seconds: float, *, error_type: str = "") -> None:
        """Note how long a batch with records of ``topic`` took from fetch to commit."""
        self._process[topic, error_type].observe(seconds)

    def operation(self, name: Operation, seconds: float) -> None:
        """Note how long one call to the log took."""
        self._operation[name].observe(seconds)

    def duplicates(self, topic: str, count: int = 1) -> None:
        """Count records that had been seen already."""
        self._duplicates[topic].inc(count)

    def out_of_order(self, topic: str, count: int = 1) -> None:
        """Count facts that came after a younger one of their lead."""
        self._late[topic].inc(count)

    def dead_letter(self, topic: str, code: str, count: int = 1) -> None:
        """Count records that were put aside, by the verdict's code."""
        self._dead[topic, code].inc(count)

    def refused(self, code: str, count: int = 1) -> None:
        """Count commands or records that were refused, by the verdict's code."""
        self._refusals[code].inc(count)

    # --- batches
    def stage(self, name: Stage, seconds: float) -> None:
        """Note how long one stage of a batch took."""
        self._stage[name].observe(seconds)

    @contextmanager
    def timed(self, name: Stage) -> Iterator[None]:
        """Note how long the body takes as one stage of a batch, also when it fails."""
        begun = perf_counter()
        try:
            yield
        finally:
            self._stage[name].observe(perf_counter() - begun)

    def batch(self, records: int) -> None:
        """Note how many records one transaction handled."""
        self._batch.observe(records)

    def event_ages(self, stage: str, seconds: Iterable[float]) -> None:
        """Note the ages of a batch's events when ``stage`` had done its part."""
        self._age[stage].observe_many(seconds)

    def timers_fired(self, count: int = 1) -> None:
        """Count timers that took effect."""
        self._timers.inc(count)

    def fence_conflict(self) -> None:
        """Count a transaction undone because the partition belongs to another by now."""
        self._fence_conflicts.inc()

    def version_conflict(self) -> None:
        """Count a transaction done again because a command came first."""
        self._version_conflicts.inc()

    # --- where it stands
    def beat(self) -> None:
        """Say that the loop has turned; the stamp is the machine's clock, for alerts only."""
        self._beat.set_to_current_time()

    def watermark(self, topic: str, partition: int, unix_seconds: float) -> None:
        """Say up to which instant a partition's records have taken effect."""
        self._watermark[topic, partition].set(unix_seconds)

    def lag(self, topic: str, partition: int, records: int) -> None:
        """Say how many records lie between the position and the partition's end."""
        if self._lag_said.get((topic, partition)) != records:
            self._lag_said[topic, partition] = records
            self._lag[topic, partition].set(records)

    def forget_partition(self, topic: str, partition: int) -> None:
        """Take a partition that another member owns now off the gauges."""
        if self._watermark.pop((topic, partition), None) is not None:
            self._watermarks.remove(self._service, topic, str(partition))
        self._lag_said.pop((topic, partition), None)
        if self._lag.pop((topic, partition), None) is not None:
            self._lags.remove(self._service, self._group, topic, str(partition))

    def rebalanced(self, partitions: int) -> None:
        """Count an assignment and say how many partitions are owned now."""
        self._rebalances.inc()
        self._assigned.set(partitions)

    def halted(self, *, is_halted: bool) -> None:
        """Say whether the consumer refuses to go on."""
        self._halted.set(is_halted)

    def watchdog_restart(self) -> None:
        """Count that the watchdog gave up on this consumer."""
        self._watchdog_restarts.inc()

    # --- the outbox
    def outbox(self, *, rows: int, oldest_seconds: float) -> None:
        """Say how much waits to be published, and for how long; 0 and 0 when nothing does."""
        self._outbox_rows.set(rows)
        self._outbox_oldest.set(oldest_seconds)

    def producer_rebuilt(self) -> None:
        """Count a producer that was abandoned and made anew."""
        self._producer_rebuilds.inc()


class HttpMetrics:
    """What one service's HTTP side tells about itself."""

    def __init__(self, registry: CollectorRegistry, *, service: str) -> None:
        duration, refusals = catalogue.HTTP_DURATION.on(registry), catalogue.REFUSALS.on(registry)
        self._duration: _Bound[tuple[str, str, str], Observations] = _Bound(
            lambda key: duration.labels(service, *key)
        )
        self._refusals: _Bound[str, Counter] = _Bound(lambda code: refusals.labels(service, code))

    def request(self, *, method: str, route: str, status_code: int, seconds: float) -> None:
        """Note a request by the template of its route; an unknown path has the route ``""``."""
        self._duration[method, route, str(status_code)].observe(seconds)

    def refused(self, code: str) -> None:
        """Count a request that was refused, by the verdict's code."""
        self._refusals[code].inc()


def publish_build_info(registry: CollectorRegistry, *, service: str, version: str, revision: str) -> None:
    """Say once what is running: ``leads_build_info`` = 1."""
    catalogue.BUILD_INFO.on(registry).labels(service, version, revision, python_version()).set(1)
