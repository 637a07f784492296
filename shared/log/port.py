"""The log as a port: what a processor may rely on, whichever log is behind it.

Two adapters keep these promises, ``shared.log.kafka`` and ``shared.log.embedded``; one suite,
``tests/engine/log``, holds both to them.

Order and offsets
    A partition is a sequence of records. Offsets rise by one in commit order and are never used
    twice; what has been fetched once stays at its offset. Compaction and retention may remove
    records, so a reader may meet gaps, but never a record it has already passed.
Groups
    A group shares out partitions, nothing more: progress lives with the processor's own state.
    Members get the same *partition numbers* of all topics that every member subscribes, in
    contiguous ranges by number, even where members differ in what they subscribe (ADR 0008).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from shared.kernel.errors import Rejected, Unavailable

Headers = Sequence[tuple[str, bytes]]


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


class NewRecord(NamedTuple):
    """A record to append. ``value`` None is a tombstone; ``timestamp`` is in milliseconds."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    timestamp: int


class Record(Protocol):
    """A record as it was fetched; adapters hand out their client's own objects, uncopied."""

    @property
    def topic(self) -> str:
        """The topic it was fetched from."""
        ...

    @property
    def partition(self) -> int:
        """The number of its partition."""
        ...

    @property
    def offset(self) -> int:
        """Its place in the partition."""
        ...

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970, as its producer gave them."""
        ...

    @property
    def key(self) -> bytes | None:
        """Its key, None if it has none."""
        ...

    @property
    def value(self) -> bytes | None:
        """Its content, None for a tombstone."""
        ...

    @property
    def headers(self) -> Headers:
        """Names and values, in order."""
        ...


class Watermark(NamedTuple):
    """The end of a partition as a fetch answer told it.

    ``end`` is the next offset to be written; ``answered_at`` is the event loop's time, in seconds,
    at which the answer arrived.
    """

    end: int
    answered_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicLayout:
    """How a topic is to be laid out. ``retention_ms`` None keeps records for good.

    ``clears_ms`` is told of topics that are there, and asked of none: for how long the bytes of a record
    may lie in one from its append on, or from that of the tombstone which takes it off, if something is
    appended now and then; None for good.
    """

    name: str
    partitions: int
    compacted: bool = False
    retention_ms: int | None = None
    clears_ms: int | None = field(default=None, compare=False)


class LogUnavailable(Unavailable):
    """The log does not answer; it will be tried again."""

    code = "log.unavailable"


class OffsetOutOfRange(Rejected):
    """A position lies outside what the log still holds; records were removed before they were read."""

    code = "log.offset_out_of_range"

    def __init__(self, positions: Mapping[TopicPartition, int]) -> None:
        self.positions = dict(positions)
        names = ", ".join(f"{tp.topic}/{tp.partition} at {at}" for tp, at in sorted(self.positions.items()))
        super().__init__(f"removed before they were read: {names}; see the runbook before moving on")


class RecordTooLarge(Rejected):
    """The record is larger than the log takes."""

    code = "log.record_too_large"


class Producer(Protocol):
    """Appends record batches; what it acknowledged survives the death of any one process."""

    async def start(self) -> None:
        """Connect. :raises LogUnavailable: if the log does not answer."""
        ...

    async def append(self, batches: Sequence[tuple[TopicPartition, Sequence[NewRecord]]]) -> list[int]:
        """Append every batch and return the first offset of each, once all are stored for good.

        Records of one partition keep the order in which they stand here. A failure may leave some
        of the batches appended and some not; after a failure the producer must be abandoned.

        :raises LogUnavailable: if the log did not acknowledge everything in time.
        :raises RecordTooLarge: if a record exceeds what the log takes.
        """
        ...

    async def stop(self) -> None:
        """Let go within a deadline; never waits for an answer that does not come."""
        ...


AssignmentCallback = Callable[[frozenset[TopicPartition]], Awaitable[None]]


class Consumer(Protocol):
    """One member of a group.

    Both callbacks run while the group rebalances and must be quick: set flags, wait for an open
    transaction, nothing else. A rebalance revokes everything before it assigns anew. Nothing is
    fetched from a partition until it has been given a position with :meth:`seek`.
    """

    async def start(self, *, on_assigned: AssignmentCallback, on_revoked: AssignmentCallback) -> None:
        """Join the group. :raises LogUnavailable: if the log does not answer."""
        ...

    async def fetch(self, *, max_records: int, timeout: float) -> Mapping[TopicPartition, Sequence[Record]]:
        """Return up to ``max_records`` records, or an empty mapping after ``timeout`` seconds.

        Keeps the member alive in its group; call it also while everything is paused.

        :raises OffsetOutOfRange: if a position lies outside what is still held.
        :raises LogUnavailable: if the log does not answer; the consumer can be used again.
        """
        ...

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Read on from these offsets; partitions no longer assigned are passed over."""
        ...

    def pause(self, partitions: Collection[TopicPartition]) -> None:
        """Fetch nothing from these partitions until they are resumed; membership goes on."""
        ...

    def resume(self, partitions: Collection[TopicPartition]) -> None:
        """Fetch from these partitions again."""
        ...

    def watermarks(self) -> Mapping[TopicPartition, Watermark]:
        """Return the ends of the assigned partitions as the latest fetch answers told them."""
        ...

    async def report(self, positions: Mapping[TopicPartition, int]) -> None:
        """Tell the log how far this group is, for lag tools only; failures are not raised."""
        ...

    async def stop(self) -> None:
        """Leave the group and let go within a deadline."""
        ...


class Admin(Protocol):
    """Topics: what is there, and what is to be."""

    async def layouts(self) -> Mapping[str, TopicLayout]:
        """Return every topic that exists. :raises LogUnavailable: if the log does not answer."""
        ...

    async def create(self, layouts: Sequence[TopicLayout]) -> None:
        """Create these topics; one that exists with the same count is left alone.

        :raises Rejected: code ``log.partition_count`` if one exists with another count.
        """
        ...

    async def bounds(self, topics: Collection[str]) -> Mapping[TopicPartition, tuple[int, int]]:
        """Return the first offset still held and the next to be written, per partition."""
        ...

    async def stop(self) -> None:
        """Let go of the connection."""
        ...


class Log(Protocol):
    """A log: makes producers, consumers and an admin."""

    def producer(self, *, name: str) -> Producer:
        """Return a producer that has not been started; ``name`` is for people who look at the log."""
        ...

    def consumer(self, *, group: str, topics: Sequence[str], member: str) -> Consumer:
        """Return a consumer that has not been started."""
        ...

    async def admin(self) -> Admin:
        """Return a connected admin. :raises LogUnavailable: if the log does not answer."""
        ...
