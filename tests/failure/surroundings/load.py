"""The load: two producers that number their records, repeat themselves, and send what cannot be read.

A batch whose acknowledgement was lost is sent again under the same sequences, as every producer of
the platform does.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from typing import Final

from shared.contracts.topics import partition_of
from shared.kernel.errors import Unavailable
from shared.kernel.instants import Instant
from shared.log.port import Log, NewRecord, Producer, TopicPartition
from tests.engine.tally import COUNTED, EXTRA, PARTITIONS, counted

KEYS: Final = 120
_TICK: Final = 0.05
_PRODUCERS: Final = ("feeder-a", "feeder-b")


def choose_key(pick: random.Random) -> str:
    """Return a key; a few are asked for far more often than the rest."""
    return f"lead-{int(KEYS * pick.random() ** 3)}"


class Feeder:
    """Appends records at a rate until it is stopped; ``rate`` can be changed at any time."""

    def __init__(self, log: Log, *, rate: float, seed: int) -> None:
        self.rate = rate
        self.acknowledged: dict[tuple[TopicPartition, int], Instant] = {}
        self.sent = 0
        self._log = log
        self._random = random.Random(seed)
        self._sequences: Counter[tuple[TopicPartition, str]] = Counter()
        self._earlier: dict[TopicPartition, list[NewRecord]] = {}
        self._producer: Producer | None = None
        self._stopping = False

    async def run(self) -> None:
        """Feed until :meth:`stop`; the log being away is waited for."""
        loop = asyncio.get_running_loop()
        due = 0.0
        at = loop.time()
        try:
            while not self._stopping:
                await asyncio.sleep(_TICK)
                now = loop.time()
                due, at = min(due + (now - at) * self.rate, self.rate), now
                if due >= 1:
                    await self.append(self._compose(int(due)))
                    due -= int(due)
        finally:
            await self._let_go()

    def stop(self) -> None:
        """End after the batch in hand."""
        self._stopping = True

    def _compose(self, count: int) -> list[tuple[TopicPartition, list[NewRecord]]]:
        pick = self._random
        received = time.time_ns() // 1000
        fresh: dict[TopicPartition, list[NewRecord]] = {}
        for _ in range(count):
            key, dice = choose_key(pick), pick.random()
            topic = EXTRA if pick.random() < 0.1 else COUNTED
            tp = TopicPartition(topic.name, partition_of(key, PARTITIONS))
            amount = 13 if dice < 0.004 else 666 if dice < 0.005 else pick.randrange(1, 10)
            self.sent += 1
            record = counted(key, amount, number=self.sent, received=received)
            if dice > 0.996:
                record = record._replace(value=b'{"specversion": "1.0", "id":')
            fresh.setdefault(tp, []).append(self.numbered(tp, record, pick.choice(_PRODUCERS)))
        batches = list(fresh.items())
        for tp, records in fresh.items():
            if self._earlier and pick.random() < 0.05:
                again = pick.choice(sorted(self._earlier))
                batches.append((again, self._earlier[again]))
            self._earlier[tp] = records
        return batches

    def numbered(self, tp: TopicPartition, record: NewRecord, producer: str) -> NewRecord:
        """Return the record with the producer's next sequence in this partition."""
        self._sequences[tp, producer] += 1
        number = self._sequences[tp, producer]
        return record._replace(headers=[("sequence", f"{producer}:{number}".encode())])

    def lose_one(self, tp: TopicPartition) -> str:
        """Draw a sequence that never reaches the log; returns its producer."""
        producer = _PRODUCERS[0]
        self._sequences[tp, producer] += 1
        return producer

    async def append(self, batches: list[tuple[TopicPartition, list[NewRecord]]]) -> None:
        """Append until it is acknowledged."""
        firsts: list[int] = []
        while not firsts:
            try:
                if self._producer is None:
                    producer = self._log.producer(name="feeder")
                    await producer.start()
                    self._producer = producer
                firsts = await self._producer.append(batches)
            except Unavailable:
                await self._let_go()
                await asyncio.sleep(0.2)
        now = time.time_ns() // 1000
        for (tp, records), first in zip(batches, firsts, strict=True):
            for offset in range(first, first + len(records)):
                self.acknowledged[tp, offset] = now

    async def _let_go(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()
