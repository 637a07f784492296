"""A batch: what was fetched, sorted into facts, repeats, dead letters and halts.

Reading decides nothing about leads. It drops what the marks say was seen, names a lost record
batch by the gap in its producer's sequence, and stops a partition in which everything looks
unusable, because then it is the reader that is wrong, not the records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.contracts.topics import all_topics
from shared.kernel.changes import Fact, TimerKey
from shared.kernel.errors import Verdict
from shared.kernel.instants import Instant
from shared.log.port import Record, TopicPartition
from shared.processor.fold import Learned
from shared.processor.stage import Reading
from shared.processor.tables.dead_letters import DeadLetter, Halt, describe
from shared.processor.tables.fence import Claim, Mark
from shared.processor.tables.outbox import SEQUENCE_HEADER, RecordBatch
from shared.processor.tables.receipts import Tally
from shared.processor.tables.timers import DueTimer
from shared.telemetry.metrics import ProcessorMetrics

GAP_CODE = "processor.lost_record_batch"
FLOOD_CODE = "processor.flood"


@dataclass(slots=True)
class Batch:
    """The input of one transaction.

    ``moves`` maps a partition to the position expected and the one after the batch; ``due`` are
    timers that have come due by ``until``, per partition number. ``dead`` could not be read,
    ``buried`` could not be handled.
    """

    learned: list[Learned] = field(default_factory=list)
    moves: dict[TopicPartition, tuple[int, int]] = field(default_factory=dict)
    marks: dict[Mark, int] = field(default_factory=dict)
    dead: list[DeadLetter] = field(default_factory=list)
    buried: Sequence[DeadLetter] = ()
    halts: list[Halt] = field(default_factory=list)
    passed_halts: set[TopicPartition] = field(default_factory=set)
    read_tallies: dict[TopicPartition, Tally] = field(default_factory=dict)
    tallies: dict[TopicPartition, Tally] = field(default_factory=dict)
    due: Sequence[DueTimer] = ()
    until: Mapping[int, Instant] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to commit."""
        return not (self.moves or self.due or self.halts)

    @property
    def numbers(self) -> set[int]:
        """The partition numbers from which records were taken."""
        return {tp.partition for tp in self.moves}

    def positions_after(self, claim: Claim) -> dict[TopicPartition, int]:
        """Return where everything that is claimed stands once this batch is committed."""
        return {**claim.positions, **{tp: following for tp, (_, following) in self.moves.items()}}

    def recount(
        self,
        *,
        buried: Sequence[DeadLetter],
        duplicates: Mapping[TopicPartition, int] | None = None,
        quarantined: Mapping[TopicPartition, int] | None = None,
    ) -> None:
        """Tell what handling made of the records: reading had counted them all as processed.

        Called once per attempt at the transaction, so it starts from what reading found.
        """
        self.buried = buried
        for tp, read in self.read_tallies.items():
            dead = sum(1 for letter in buried if (letter.topic, letter.partition) == tp)
            repeats = (duplicates or {}).get(tp, 0)
            kept = (quarantined or {}).get(tp, 0)
            self.tallies[tp] = Tally(
                processed=read.processed - dead - repeats - kept,
                duplicate=read.duplicate + repeats,
                quarantined=kept,
                dead=read.dead + dead,
            )


@dataclass(slots=True)
class Account:
    """What one transaction did, for its receipt, for tests, and for the publisher.

    ``command`` is the idempotency key of a command, else empty, and ``fact`` what it is in the domain;
    ``rung`` are the timers that rang, in order; ``earliest_timer`` is the earliest due time that was set.
    """

    moves: Mapping[TopicPartition, tuple[int, int]] = field(default_factory=dict)
    rung: Sequence[tuple[TimerKey, Instant]] = ()
    command: str = ""
    fact: Fact | None = None
    batches: Sequence[RecordBatch] = ()
    earliest_timer: Instant | None = None


class _Lasts:
    """The last sequence seen of each producer in one partition, while its records are read."""

    __slots__ = ("_changed", "_claim", "_lasts", "partition")

    def __init__(self, partition: TopicPartition, claim: Claim) -> None:
        self.partition = partition
        self._claim = claim
        self._lasts: dict[bytes, int | None] = {}
        self._changed = False

    def note(self, record: Record) -> tuple[bytes, int, int] | None:
        """Remember a record's sequence if it simply continues; else return producer, it, and the last."""
        for name, value in record.headers:
            if name == SEQUENCE_HEADER:
                producer, _, digits = value.rpartition(b":")
                if not digits.isdigit():
                    return None
                sequence = int(digits)
                try:
                    last = self._lasts[producer]
                except KeyError:
                    last = self._claim.marks.get((*self.partition, producer.decode("ascii", "replace")))
                if last is None or sequence == last + 1:
                    self._lasts[producer] = sequence
                    self._changed = True
                    return None
                self._lasts[producer] = last
                return producer, sequence, last
        return None

    def put(self, producer: bytes, sequence: int) -> None:
        """Remember a sequence that was judged."""
        self._lasts[producer] = sequence
        self._changed = True

    def marks(self) -> dict[Mark, int]:
        """Return the marks as they are to be stored."""
        if not self._changed:
            return {}
        return {
            (*self.partition, producer.decode("ascii", "replace")): last
            for producer, last in self._lasts.items()
            if last is not None
        }


class BatchReader:
    """Reads fetched records into batches; remembers how many in a row were unusable."""

    def __init__(self, stage: Reading, metrics: ProcessorMetrics, *, flood: int) -> None:
        self._stage = stage
        self._metrics = metrics
        self._flood = flood
        self._streaks: dict[TopicPartition, int] = {}
        self._may_have_gaps = {topic.name for topic in all_topics() if topic.compacted} | set(stage.mirrors)

    def read(
        self,
        fetched: Mapping[TopicPartition, Sequence[Record]],
        claim: Claim,
        *,
        halts: Mapping[TopicPartition, Halt],
    ) -> Batch:
        """Sort records into a batch; partitions that are not claimed, or halted, are left alone.

        The claim's ``taken`` and ``marks`` move beyond them.
        """
        batch = Batch()
        with self._metrics.timed("decode"):
            for tp in sorted(fetched):
                position = claim.taken.get(tp)
                halt = halts.get(tp)
                if position is not None and tp.partition in claim.epochs and (halt is None or halt.resumed):
                    self._read_partition(batch, tp, fetched[tp], position, claim, halt)
            claim.marks.update(batch.marks)
        return batch

    def _read_partition(
        self,
        batch: Batch,
        tp: TopicPartition,
        records: Sequence[Record],
        position: int,
        claim: Claim,
        halt: Halt | None,
    ) -> None:
        tally = Tally()
        following = position
        plain = tp.topic not in self._stage.mirrors
        read, learned = self._stage.read, batch.learned
        lasts = _Lasts(tp, claim)
        streak = self._streaks.pop(tp, 0)
        for record in records:
            if record.offset < following:
                continue
            is_repeat = False
            sequence = lasts.note(record)
            if sequence is not None:
                is_repeat, stop = self._judge_sequence(batch, lasts, record, sequence, halt)
                if stop is not None:
                    batch.halts.append(stop)
                    break
            if streak >= self._flood and halt is None:
                batch.halts.append(
                    Halt(tp, FLOOD_CODE, record.offset, f"{streak} records in a row were unusable")
                )
                streak = 0
                break
            following = record.offset + 1
            if is_repeat and plain:
                tally.duplicate += 1
                continue
            try:
                fact = read(record) if plain else self._stage.heal(record) if is_repeat else None
            except Exception as error:  # noqa: BLE001 - whatever a record does, it does only to itself
                attempts = 1 if isinstance(error, Verdict) else 2
                batch.dead.append(describe(record, group=self._stage.group, error=error, attempts=attempts))
                tally.dead += 1
                streak += 1
                continue
            streak = 0
            if is_repeat:
                tally.duplicate += 1
            else:
                tally.processed += 1
            if fact is not None:
                learned.append((fact, record))
        self._streaks[tp] = streak
        if following > position:
            claim.taken[tp] = following
            self._close_partition(batch, tp, (position, following), tally, lasts, halt)

    def _close_partition(
        self,
        batch: Batch,
        tp: TopicPartition,
        move: tuple[int, int],
        tally: Tally,
        lasts: _Lasts,
        halt: Halt | None,
    ) -> None:
        batch.moves[tp] = move
        batch.marks.update(lasts.marks())
        batch.read_tallies[tp] = batch.tallies[tp] = tally
        if halt is not None and halt.code == FLOOD_CODE and tally.processed:
            batch.passed_halts.add(tp)
        self._metrics.consumed(tp.topic, tally.processed + tally.duplicate + tally.dead)
        self._metrics.duplicates(tp.topic, tally.duplicate)

    def _judge_sequence(
        self, batch: Batch, lasts: _Lasts, record: Record, numbered: tuple[bytes, int, int], halt: Halt | None
    ) -> tuple[bool, Halt | None]:
        """A sequence that does not simply continue: seen before, or something before it is missing."""
        producer, sequence, last = numbered
        if sequence <= last:
            return True, None
        tp = lasts.partition
        if tp.topic not in self._may_have_gaps:
            stop = self._stop_at_gap(tp, record, producer.decode(), last, sequence, halt)
            if stop is not None:
                return False, stop
            batch.passed_halts.add(tp)
        lasts.put(producer, sequence)
        return False, None

    def _stop_at_gap(
        self, tp: TopicPartition, record: Record, producer: str, last: int, sequence: int, halt: Halt | None
    ) -> Halt | None:
        if halt is not None and halt.resumed and halt.code == GAP_CODE and halt.offset == record.offset:
            return None
        detail = (
            f"sequences {last + 1} to {sequence - 1} of {producer} are missing before offset {record.offset}"
        )
        return Halt(tp, GAP_CODE, record.offset, detail)

    def learn(self, batch: Batch) -> None:
        """A batch is committed: records that the handler could not use count towards a flood, too."""
        for tp, tally in batch.tallies.items():
            buried = sum(1 for letter in batch.buried if (letter.topic, letter.partition) == tp)
            if buried and not tally.processed:
                self._streaks[tp] = self._streaks.get(tp, 0) + buried
