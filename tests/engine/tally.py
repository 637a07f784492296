"""``tally``, the smallest service there can be: it counts, and it cares about order.

The chain in the state is a hash over the ids of all facts in the order in which they were folded,
so a fact that is lost, doubled or out of order shows in every output after it. Every tenth fact
sets a clock that rings a second later and joins the chain like any other fact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from shared.contracts.declarations import DECLARED, Event
from shared.contracts.envelope import decode_envelope, decode_event, encode_event
from shared.contracts.topics import Topic, partition_of
from shared.kernel.changes import Changes, Emission, Fact, TimerFired
from shared.kernel.errors import Rejected
from shared.kernel.instants import SECOND, Instant
from shared.log.port import NewRecord, Record, TopicLayout
from shared.postgres.database import Transaction
from shared.processor.stage import Loaded, Write
from shared.processor.tables import CREATE as PROCESSOR_TABLES
from shared.processor.tables.states import StateTable, create_state_table

PARTITIONS: Final = 4
DDL: Final = (
    "CREATE SCHEMA IF NOT EXISTS tally; SET search_path = tally;"
    + PROCESSOR_TABLES
    + create_state_table("tally", comment="how far each key has been counted")
)


def _topic(name: str, *, compacted: bool = False) -> Topic:
    return Topic(
        name=f"tally.{name}",
        key="key",
        owner="tally",
        producers=frozenset({"tally"}),
        consumers=frozenset({"tally"}),
        summary="for tests",
        compacted=compacted,
    )


COUNTED: Final = _topic("counted")
EXTRA: Final = _topic("extra")
TOTALS: Final = _topic("totals")
LATEST: Final = _topic("latest", compacted=True)
DEAD: Final = _topic("dlq")
ALL: Final = (COUNTED, EXTRA, TOTALS, LATEST, DEAD)


@DECLARED.declare(name="tally_counted", on=(COUNTED, EXTRA))
class Counted(Event, frozen=True, kw_only=True):
    """Something to be counted."""

    key: str
    amount: int


@DECLARED.declare(name="tally_totalled", on=TOTALS)
class Totalled(Event, frozen=True, kw_only=True):
    """What the count is now."""

    key: str
    count: int
    total: int
    chain: str


@DECLARED.declare(name="tally_latest", on=LATEST)
class Latest(Event, frozen=True, kw_only=True):
    """The latest count of a key."""

    key: str
    count: int


class Add(msgspec.Struct, frozen=True):
    """The command: add an amount."""

    amount: int


class SayLatest(msgspec.Struct, frozen=True):
    """A late record of the compacted topic was read back; say the latest again."""


class TallyState(msgspec.Struct, frozen=True, array_like=True):
    """How far one key has been counted."""

    count: int = 0
    total: int = 0
    chain: str = ""


def handle(state: TallyState, fact: Fact, *, with_timers: bool, with_latest: bool) -> Changes[TallyState]:
    """Count one fact."""
    match fact.event:
        case Counted(amount=amount) | Add(amount=amount):
            if amount == 13:
                raise Rejected("thirteen cannot be counted", code="tally.thirteen")
            if amount == 666:
                raise ZeroDivisionError("a bug")
        case TimerFired():
            amount = 1_000
        case SayLatest():
            return Changes(
                emissions=[
                    Emission(Latest(key=fact.key, count=state.count), fact.key, fact.key, fact.received)
                ]
            )
        case _:
            raise AssertionError(fact.event)
    chain = blake2b((state.chain + fact.id).encode(), digest_size=8).hexdigest()
    after = TallyState(state.count + 1, state.total + amount, chain)
    said = Totalled(key=fact.key, count=after.count, total=after.total, chain=after.chain)
    emissions = [Emission(said, fact.key, fact.key, fact.received)]
    if with_latest:
        emissions.append(
            Emission(
                Latest(key=fact.key, count=after.count), fact.key, fact.key, fact.received, latest_only=True
            )
        )
    sets_clock = with_timers and after.count % 10 == 0 and not isinstance(fact.event, TimerFired)
    timers: Mapping[str, Instant | None] = {"tenth": fact.received + SECOND} if sets_clock else {}
    return Changes(state=after, emissions=emissions, timers=timers, reply=after.count)


class TallyStage:
    """The stage that the engine's tests and benchmarks run on."""

    name = "tally"
    dead_letters = DEAD.name
    keeps_receipts = True

    def __init__(
        self,
        *,
        topics: Sequence[str] = (COUNTED.name,),
        with_timers: bool = True,
        with_latest: bool = False,
        group: str = "tally",
    ) -> None:
        self.group = group
        self.sets_timers = with_timers
        self._with_latest = with_latest
        self.mirrors: Sequence[str] = (LATEST.name,) if with_latest else ()
        self.topics: Sequence[str] = (*topics, *self.mirrors)
        self.outputs: Sequence[str] = (TOTALS.name, LATEST.name)
        self._table = StateTable("tally", TallyState)

    def read(self, record: Record) -> Fact | None:
        envelope = decode_envelope(record.value or b"")
        event = decode_event(envelope)
        assert isinstance(event, Counted)
        return Fact(envelope.id, event.key, envelope.received, event, envelope.correlationid)

    def heal(self, record: Record) -> Fact | None:
        key = (record.key or b"").decode()
        return Fact(f"heal-{record.partition}-{record.offset}", key, record.timestamp * 1000, SayLatest())

    def begin(self, key: str) -> TallyState:
        return TallyState()

    async def load(
        self, transaction: Transaction, facts: Mapping[str, Sequence[Fact]], *, lock: bool = False
    ) -> Mapping[str, Loaded[TallyState]]:
        if lock:
            homes = {key: partition_of(key, PARTITIONS) for key in facts}
            return await self._table.lock(transaction, facts, partitions=homes)
        return await self._table.load(transaction, facts)

    def handle(self, state: TallyState, fact: Fact) -> Changes[TallyState]:
        return handle(state, fact, with_timers=self.sets_timers, with_latest=self._with_latest)

    async def save(self, transaction: Transaction, writes: Sequence[Write[TallyState]]) -> int:
        return await self._table.save(transaction, writes)


def layouts(partitions: int = PARTITIONS) -> list[TopicLayout]:
    """How tally's topics are laid out."""
    return [TopicLayout(name=topic.name, partitions=partitions, compacted=topic.compacted) for topic in ALL]


def counted(key: str, amount: int, *, number: int, received: Instant) -> NewRecord:
    """Return an input record; ``number`` makes its id."""
    value = encode_event(
        Counted(key=key, amount=amount),
        id=f"c{number}",
        source="/leadmill/test",
        subject=key,
        occurred=received,
        received=received,
        partition_key=key,
        causation_id=None,
        correlation_id=f"c{number}",
    )
    return NewRecord(key.encode(), value, [], received // 1000)
