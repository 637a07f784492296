"""What a pure handler answers: the state after, what is to be said, which clocks are to ring.

A handler sees one fact and one state, and returns :class:`Changes`; it never sees the batch, so
however the input is cut into batches the answers are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from shared.kernel.instants import Instant

S = TypeVar("S")

NO_TIMERS: Final[Mapping[str, Instant | None]] = MappingProxyType({})
"""No clock is touched."""


class Fact(msgspec.Struct, frozen=True, gc=False):
    """Something that a service learns about one lead.

    ``id`` is the id of the event, timer or command that it comes from; ``received`` is when the
    edge stamped it, a timer's due time, or a command's stored time, and is the only "now" there is.
    """

    id: str
    key: str
    received: Instant
    event: object
    correlation: str = ""
    traceparent: str | None = None


class TimerFired(msgspec.Struct, frozen=True, gc=False):
    """A clock that was set earlier has come due; ``due`` is what it was set to."""

    name: str
    due: Instant


class TimerKey(NamedTuple):
    """Whose timer, and which of its timers."""

    key: str
    name: str


class Emission(msgspec.Struct, frozen=True, gc=False):
    """An event to be said. ``key`` decides the partition, ``subject`` is the lead it is about.

    ``event`` is a declared event of ``shared.contracts``, or None for a tombstone, and then ``topic``
    must be named. ``latest_only`` allows a batch to keep just the last one per key (compacted topics
    only). ``traceparent`` is the trace it belongs to where the fact itself is in none, as a clock is.
    """

    event: object
    key: str
    subject: str
    occurred: Instant
    latest_only: bool = False
    topic: str | None = None
    traceparent: str | None = None


class Changes(msgspec.Struct, Generic[S], frozen=True, gc=False):
    """The answer to one fact.

    ``state`` None means that nothing about the state changed. ``timers`` maps a timer's name to the
    instant at which it must ring, or to None to silence it. ``rows`` are append-only rows for the
    service's own store. ``reply`` is what a command's caller is told.
    """

    state: S | None = None
    emissions: Sequence[Emission] = ()
    timers: Mapping[str, Instant | None] = NO_TIMERS
    rows: Sequence[object] = ()
    reply: object = None


class Ruling(msgspec.Struct, frozen=True, gc=False):
    """The answer to one fact where rows are shared: the rows themselves are changed on the desk.

    ``timers`` may concern any lead on the desk. ``reply`` is what a command's caller is told.
    """

    emissions: Sequence[Emission] = ()
    timers: Mapping[TimerKey, Instant | None] = MappingProxyType({})
    reply: object = None
