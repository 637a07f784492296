"""Events to be counted, and what must come of them, folded in plain memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import msgspec

from shared.contracts.envelope import decode_envelope, decode_event
from shared.contracts.topics import partition_of
from shared.kernel.changes import TimerKey
from shared.kernel.instants import HOUR, SECOND, Instant, parse_instant
from shared.log.port import NewRecord, TopicPartition
from shared.postgres.database import Database
from shared.processor.tables.timers import ring
from tests.bench.surroundings import PARTITIONS, Servers, create_topics, ends_of, read_back
from tests.engine.tally import COUNTED, TOTALS, TallyState, Totalled, counted, layouts

RECEIVED: Final[Instant] = parse_instant("2026-03-02T09:00:00Z")
AFTERWARDS: Final[Instant] = RECEIVED + HOUR
EVENTS_PER_KEY: Final = 10
"""Every tenth event of a key sets a clock, so each key sets one, and each one rings."""

_RECORDS_AT_ONCE: Final = 20_000
_read_state: Final = msgspec.msgpack.Decoder(TallyState).decode


@dataclass(frozen=True, kw_only=True)
class TallyWorkload:
    """``events`` events in the log, one microsecond apart, and the states they lead to.

    ``expected`` has every state of every key in order; ``rung`` those after its clock has rung, too.
    """

    servers: Servers
    events: int
    starts: Mapping[TopicPartition, int]
    goals: Mapping[TopicPartition, int]
    expected: Mapping[str, list[TallyState]]
    rung: Mapping[str, list[TallyState]]

    async def ends(self) -> dict[TopicPartition, int]:
        """Return where the output ends now."""
        return await ends_of(self.servers, [TOTALS.name])

    async def verify(
        self, database: Database, *, since: Mapping[TopicPartition, int], with_timers: bool = False
    ) -> None:
        """Compare stored states and everything that was said, in order, with the plain fold.

        :raises AssertionError: if anything is missing, doubled, out of order or wrong.
        """
        expected = self.rung if with_timers else self.expected
        async with database.connection() as connection:
            rows = await connection.fetch("SELECT key, payload FROM tally")
            assert await connection.fetch_value("SELECT count(*) FROM outbox") == 0
            assert await connection.fetch_value("SELECT count(*) FROM timer") == 0
        stored = {row["key"]: _read_state(row["payload"]) for row in rows}
        assert stored == {key: states[-1] for key, states in expected.items()}
        said: dict[str, list[TallyState]] = {}
        async for record in read_back(self.servers, since, await self.ends()):
            event = decode_event(decode_envelope(record.value))
            assert isinstance(event, Totalled)
            assert record.partition == partition_of(event.key, PARTITIONS)
            said.setdefault(event.key, []).append(TallyState(event.count, event.total, event.chain))
        assert said == expected


async def prepare_tally(servers: Servers, *, events: int) -> TallyWorkload:
    """Fill the topic with ``events`` events over a tenth as many keys, and fold them."""
    await create_topics(servers, layouts(PARTITIONS))
    starts = await ends_of(servers, [COUNTED.name])
    keys = [f"{number:032x}" for number in range(max(1, events // EVENTS_PER_KEY))]
    expected: dict[str, list[TallyState]] = {}
    clocks: dict[str, Instant] = {}
    producer = servers.log.producer(name="bench-fill")
    await producer.start()
    try:
        for begin in range(0, events, _RECORDS_AT_ONCE):
            batches: dict[TopicPartition, list[NewRecord]] = {}
            for number in range(begin, min(begin + _RECORDS_AT_ONCE, events)):
                key, amount, received = keys[number * 7919 % len(keys)], number % 7 + 1, RECEIVED + number
                target = TopicPartition(COUNTED.name, partition_of(key, PARTITIONS))
                record = counted(key, amount, number=number, received=received)
                batches.setdefault(target, []).append(record)
                states = expected.setdefault(key, [])
                states.append(_follow(states, amount, f"c{number}"))
                if states[-1].count % 10 == 0:
                    clocks[key] = received + SECOND
            await producer.append(list(batches.items()))
    finally:
        await producer.stop()
    rung = {key: list(states) for key, states in expected.items()}
    for key, due in clocks.items():
        rung[key].append(_follow(rung[key], 1_000, ring("tally", TimerKey(key, "tenth"), due).id))
    goals = await ends_of(servers, [COUNTED.name])
    return TallyWorkload(
        servers=servers, events=events, starts=starts, goals=goals, expected=expected, rung=rung
    )


def _follow(states: list[TallyState], amount: int, cause: str) -> TallyState:
    before = states[-1] if states else TallyState()
    chain = blake2b((before.chain + cause).encode(), digest_size=8).hexdigest()
    return TallyState(before.count + 1, before.total + amount, chain)
