"""Spans of what a processor has done, so that one trace leads from a request through every service."""

from __future__ import annotations

import time
from collections.abc import Sequence

from shared.processor.fold import Learned
from shared.telemetry.tracing import Tracing, parse_traceparent


def record_spans(tracing: Tracing, learned: Sequence[Learned], *, group: str, seconds: float) -> None:
    """Record one span per fact of a sampled trace; the facts of a batch share its duration.

    Attributes name topic, partition, offset and event, never what is in it.
    """
    ended = time.time_ns()  # noqa: TID251 - a span's place on the machine's time line; decides nothing
    began = ended - int(seconds * 1e9)
    for fact, record in learned:
        parent = parse_traceparent(fact.traceparent)
        if parent is None or record is None:
            continue
        tracing.record(
            f"process {record.topic}",
            parent=parent,
            began=began,
            ended=ended,
            attributes={
                "messaging.system": "leadmill",
                "messaging.consumer.group.name": group,
                "messaging.destination.name": record.topic,
                "messaging.destination.partition.id": str(record.partition),
                "messaging.kafka.offset": record.offset,
                "leadmill.event.id": fact.id,
                "leadmill.event.type": type(fact.event).__name__,
            },
        )
