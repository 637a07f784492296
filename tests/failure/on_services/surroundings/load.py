"""The load: records of the raw topic at a steady rate, appended as the edge appends them.

They carry no sequence. Whatever the log did not acknowledge is appended again, and so is, now and
then, what it did: ingest knows both by their ids.
"""

from __future__ import annotations

import random

from shared.contracts.topics import RAW, partition_of
from shared.log.port import Log, NewRecord, TopicPartition
from tests.engine.tally import PARTITIONS
from tests.failure.on_services.surroundings.clock import FastClock
from tests.failure.on_services.surroundings.people import People
from tests.failure.on_services.worker import IDENTITY_KEY
from tests.failure.surroundings.load import Feeder


class Edge(Feeder):
    """Feeds what people send."""

    def __init__(self, log: Log, *, rate: float, seed: int, clock: FastClock) -> None:
        super().__init__(log, rate=rate, seed=seed)
        self._clock = clock
        self._people = People(random.Random(seed), identity_key=IDENTITY_KEY)

    @property
    def is_stopped(self) -> bool:
        """Whether it feeds no more."""
        return self._stopping

    def _compose(self, count: int) -> list[tuple[TopicPartition, list[NewRecord]]]:
        fresh: dict[TopicPartition, list[NewRecord]] = {}
        for _ in range(count):
            record = self._people.write(self._clock.now())
            number = partition_of(record.key or b"", PARTITIONS)
            fresh.setdefault(TopicPartition(RAW.name, number), []).append(record)
            self.sent += 1
        batches = list(fresh.items())
        for tp, records in fresh.items():
            if self._earlier and self._random.random() < 0.04:
                again = self._random.choice(sorted(self._earlier))
                batches.append((again, self._earlier[again]))
            self._earlier[tp] = records
        return batches
