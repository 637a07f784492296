"""Turns what pure handlers say into records, with nothing checked, counted or numbered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from shared.contracts.declarations import DECLARED, Event
from shared.contracts.envelope import encode_event, event_id, type_of
from shared.contracts.topics import partition_of
from shared.kernel.changes import Emission, Fact
from tests.bench.loops.bare import Said
from tests.bench.surroundings import PARTITIONS

Output = dict[tuple[str, int], list[Said]]


class Saying:
    """What one batch says, by partition; of a compacted topic the latest word per key."""

    def __init__(self, service: str) -> None:
        self._source: Final = f"/leadmill/{service}"
        self._output: Output = {}
        self._latest: dict[tuple[str, bytes], Said] = {}

    def add(self, emissions: Sequence[Emission], fact: Fact) -> None:
        """Take in what one fact brought about."""
        for ordinal, emission in enumerate(emissions):
            event = cast(Event | None, emission.event)
            topic = emission.topic or _topic_of(cast(Event, event))
            key = emission.key.encode()
            value = None
            if event is not None:
                value = encode_event(
                    event,
                    id=event_id(fact.id, type_of(event), ordinal),
                    source=self._source,
                    subject=emission.subject,
                    occurred=emission.occurred,
                    received=fact.received,
                    partition_key=emission.key,
                    causation_id=fact.id,
                    correlation_id=fact.correlation or fact.id,
                    traceparent=fact.traceparent,
                )
            said = (key, value, fact.received // 1000)
            if emission.latest_only:
                self._latest[topic, key] = said
            else:
                self._output.setdefault((topic, partition_of(key, PARTITIONS)), []).append(said)

    def output(self) -> Output:
        """Return everything to be published."""
        for (topic, key), said in self._latest.items():
            self._output.setdefault((topic, partition_of(key, PARTITIONS)), []).append(said)
        return self._output


def _topic_of(event: Event) -> str:
    return DECLARED.of_struct(type(event)).topics[0].name
