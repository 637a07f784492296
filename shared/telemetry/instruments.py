"""How an instrument is declared once and made once for each registry.

There is no global registry: whoever composes a process makes one and hands it down. Asking twice
for the same instrument on the same registry gives the same object, so that several services in
one process share a family and differ by their ``service`` label.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic, Protocol, TypeVar, cast
from weakref import WeakKeyDictionary

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

C = TypeVar("C", bound=Collector)

DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Seconds; the boundaries that OpenTelemetry gives for operations."""

AGE_BUCKETS = (
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
    900.0,
    3600.0,
    86400.0,
)
"""Seconds from "it happened" to "it took effect": from one batch to one day behind."""

RECORD_BUCKETS = (1.0, 5.0, 10.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10000.0)
"""Records in one batch."""

_made: WeakKeyDictionary[CollectorRegistry, dict[str, Collector]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument(Generic[C]):
    """The declaration of one metric: its name, what it tells in one sentence, its labels.

    Labels are bounded: a service, a topic, a code; never a person, a lead or a path.
    """

    name: str
    sentence: str
    labels: tuple[str, ...]
    make: Callable[[str, str, Sequence[str], CollectorRegistry], C]

    def on(self, registry: CollectorRegistry) -> C:
        """Return this instrument on ``registry``, made at the first call."""
        made = _made.setdefault(registry, {})
        if self.name not in made:
            made[self.name] = self.make(self.name, self.sentence, self.labels, registry)
        return cast("C", made[self.name])


def declare_counter(name: str, sentence: str, *labels: str) -> Instrument[Counter]:
    """Declare something that only rises; its name ends in ``_total``."""
    return Instrument(
        name=name, sentence=sentence, labels=labels, make=lambda n, s, ls, r: Counter(n, s, ls, registry=r)
    )


def declare_bulk_counter(name: str, sentence: str, *labels: str) -> Instrument[BulkCounter]:
    """Declare something that only rises, thousands of times a second; its name ends in ``_total``."""
    return Instrument(
        name=name,
        sentence=sentence,
        labels=labels,
        make=lambda n, s, ls, r: BulkCounter(n, s, ls, registry=r),
    )


def declare_gauge(name: str, sentence: str, *labels: str) -> Instrument[Gauge]:
    """Declare something that rises and falls."""
    return Instrument(
        name=name, sentence=sentence, labels=labels, make=lambda n, s, ls, r: Gauge(n, s, ls, registry=r)
    )


def declare_histogram(
    name: str, sentence: str, *labels: str, buckets: tuple[float, ...] = DURATION_BUCKETS
) -> Instrument[Histogram]:
    """Declare a distribution, in seconds unless its name says otherwise."""
    return Instrument(
        name=name,
        sentence=sentence,
        labels=labels,
        make=lambda n, s, ls, r: Histogram(n, s, ls, registry=r, buckets=buckets),
    )


def declare_bulk_histogram(
    name: str, sentence: str, *labels: str, buckets: tuple[float, ...] = AGE_BUCKETS
) -> Instrument[BulkHistogram]:
    """Declare a distribution that is fed a batch of values at a time."""
    return Instrument(
        name=name,
        sentence=sentence,
        labels=labels,
        make=lambda n, s, ls, r: BulkHistogram(n, s, ls, registry=r, buckets=buckets),
    )


class BulkCounter(Collector):
    """A counter for what is counted thousands of times a second: no lock.

    It is fed from the event loop's thread only.
    """

    def __init__(
        self, name: str, sentence: str, labels: Sequence[str], *, registry: CollectorRegistry
    ) -> None:
        self._name = name
        self._sentence = sentence
        self._labels = tuple(labels)
        self._values: dict[tuple[str, ...], float] = {}
        registry.register(self)

    def add(self, count: float, *values: str) -> None:
        """Count so many more under these label values, in the order of the declaration."""
        self._values[values] = self._values.get(values, 0) + count

    def describe(self) -> Iterable[CounterMetricFamily]:
        """Name the family, so that a second one of this name is refused."""
        return [CounterMetricFamily(self._name, self._sentence, labels=self._labels)]

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Give the family as it stands."""
        family = CounterMetricFamily(self._name, self._sentence, labels=self._labels)
        for values, value in list(self._values.items()):
            family.add_metric(values, value)
        return [family]


class Observations(Protocol):
    """One series of a :class:`BulkHistogram`."""

    def observe(self, value: float) -> None:
        """Take in one value."""
        ...

    def observe_many(self, values: Iterable[float]) -> None:
        """Take in all values; much cheaper than one ``observe`` each."""
        ...


class _Series:
    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def observe_many(self, values: Iterable[float]) -> None:
        ordered = sorted(values)
        start = 0
        for place, bound in enumerate(self.bounds):
            end = bisect_right(ordered, bound, start)
            self.counts[place] += end - start
            start = end
        self.counts[-1] += len(ordered) - start
        self.total += sum(ordered)


class BulkHistogram(Collector):
    """A histogram for values that come by the thousand: one sort per batch instead of a lock per value.

    It is fed from the event loop's thread only.
    """

    def __init__(
        self,
        name: str,
        sentence: str,
        labels: Sequence[str],
        *,
        registry: CollectorRegistry,
        buckets: tuple[float, ...],
    ) -> None:
        self._name = name
        self._sentence = sentence
        self._labels = tuple(labels)
        self._bounds = buckets
        self._series: dict[tuple[str, ...], _Series] = {}
        registry.register(self)

    def labels(self, *values: str) -> Observations:
        """Return the series with these label values, in the order of the declaration."""
        if len(values) != len(self._labels):
            raise ValueError(f"{self._name} has the labels {self._labels}")
        return self._series.setdefault(values, _Series(self._bounds))

    def describe(self) -> Iterable[HistogramMetricFamily]:
        """Name the family, so that a second one of this name is refused."""
        return [HistogramMetricFamily(self._name, self._sentence, labels=self._labels)]

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """Give the family as it stands."""
        family = HistogramMetricFamily(self._name, self._sentence, labels=self._labels)
        edges = [*map(str, self._bounds), "+Inf"]
        for values, series in list(self._series.items()):
            heights = accumulate(series.counts)
            family.add_metric(
                values, [(edge, float(h)) for edge, h in zip(edges, heights, strict=True)], series.total
            )
        return [family]


def expose(registry: CollectorRegistry) -> bytes:
    """Return every metric of ``registry`` in the Prometheus text format, without creation times."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the package forgot to annotate it
    return generate_latest(registry)
