"""How fast somebody may come: a bucket that fills steadily, never over its brim, and is drawn from.

Whole numbers only. A bucket holds millionths of a request, so that ``n`` requests a second are ``n``
millionths a microsecond, exactly: in any span of time no more than the burst and the rate times the span
are let through.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from shared.kernel.instants import Instant

_ONE: Final = 1_000_000


class Rate(NamedTuple):
    """Requests a second, and how many may come at once after a pause; both at least 1."""

    per_second: int
    burst: int


class Bucket(NamedTuple):
    """What is in a bucket at an instant, in millionths of a request."""

    level: int
    at: Instant


def full_bucket(rate: Rate, *, now: Instant) -> Bucket:
    """Return the bucket of somebody who comes for the first time."""
    return Bucket(rate.burst * _ONE, now)


def draw(bucket: Bucket, rate: Rate, *, now: Instant) -> tuple[Bucket, int]:
    """Draw one request; returns the bucket as it is then, and how many microseconds to wait.

    0 is let through; else nothing was drawn, and as much time must pass until one can be. A clock that
    steps back fills nothing, and what a rate that was lowered does not allow is poured away.
    """
    at = max(bucket.at, now)
    level = min(rate.burst * _ONE, bucket.level + (at - bucket.at) * rate.per_second)
    if level >= _ONE:
        return Bucket(level - _ONE, at), 0
    return Bucket(level, at), -(-(_ONE - level) // rate.per_second)
