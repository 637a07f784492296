"""How a worker behaves, and what it tells about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from shared.log.port import TopicPartition
from shared.processor.tables.dead_letters import Halt


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSettings:
    """How the loop behaves; the defaults suit production.

    ``flood`` is how many records of one partition may be unusable one after the other before the
    partition halts. ``revoke_deadline`` bounds how long a rebalance waits for an open transaction.
    """

    partitions: int = 12
    batch_records: int = 2000
    poll: timedelta = timedelta(milliseconds=50)
    flood: int = 1000
    max_record_bytes: int = 900_000
    revoke_deadline: timedelta = timedelta(seconds=5)
    longest_pause: timedelta = timedelta(seconds=5)


@dataclass(slots=True)
class Standing:
    """What the worker may tell about itself: to probes, to the watchdog, to the drain."""

    assigned: frozenset[TopicPartition] = frozenset()
    is_claimed: bool = False
    waits_for: str | None = "start"
    halted: Mapping[TopicPartition, Halt] = field(default_factory=dict)
    beat: float = 0.0
    progress: float = 0.0
    lag: int = 0
