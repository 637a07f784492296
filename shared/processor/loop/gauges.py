"""What a worker measures about its work: ages, watermarks, lag, and spans where a collector is set."""

from __future__ import annotations

import asyncio

from shared.kernel.clock import Clock
from shared.log.port import Consumer
from shared.processor.loop.publisher import Publisher
from shared.processor.loop.reading_ahead import Reading
from shared.processor.loop.spans import record_spans
from shared.processor.loop.standing import Standing
from shared.processor.tables.fence import Claim
from shared.telemetry.metrics import ProcessorMetrics
from shared.telemetry.tracing import Tracing


class Gauges:
    """Measures one worker, once per batch and once per second."""

    def __init__(self, standing: Standing, *, metrics: ProcessorMetrics, clock: Clock, group: str) -> None:
        self._standing = standing
        self._metrics = metrics
        self._clock = clock
        self._group = group
        self._tracing: Tracing | None = None
        self._lag_looked = 0.0

    def trace_with(self, tracing: Tracing) -> None:
        """Record a span for each fact that belongs to a sampled trace."""
        self._tracing = tracing

    def measure(self, reading: Reading, seconds: float) -> None:
        """Note what one committed batch was like, and how long it took from fold to commit."""
        now, batch = self._clock.now(), reading.batch
        self._metrics.batch(len(batch.learned))
        self._metrics.event_ages("committed", [(now - fact.received) / 1e6 for fact, _ in batch.learned])
        for tp in batch.moves:
            self._metrics.watermark(tp.topic, tp.partition, reading.fetched[tp][-1].timestamp / 1e3)
        for topic in {tp.topic for tp in batch.moves}:
            self._metrics.processed(topic, seconds)
        if self._tracing is not None and self._tracing.is_on:
            record_spans(self._tracing, batch.learned, group=self._group, seconds=seconds)

    def watch_lag(self, consumer: Consumer, claim: Claim, publisher: Publisher, *, is_idle: bool) -> None:
        """Once a second at most, unless idle: how far behind, for metrics and the watchdog."""
        now = asyncio.get_running_loop().time()
        if now - self._lag_looked < 1 and not is_idle:
            return
        self._lag_looked = now
        lag = 0
        for tp, mark in consumer.watermarks().items():
            halt = self._standing.halted.get(tp)
            if tp in claim.positions:
                behind = max(0, mark.end - claim.positions[tp])
                self._metrics.lag(tp.topic, tp.partition, behind)
                lag += behind if halt is None or halt.resumed else 0
        self._standing.lag = lag
        waiting = publisher.oldest_unpublished
        self._metrics.outbox(rows=publisher.backlog, oldest_seconds=0 if waiting is None else now - waiting)
        if not lag:
            self._standing.progress = now
