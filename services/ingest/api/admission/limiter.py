"""How fast a write key may be used: a token bucket for each, in the memory of each process.

Nothing is shared between processes, because a look-up per request would cost more than what it guards:
``n`` edges let through ``n`` times the rate. Only keys that open a door have a bucket, so nobody can make
the table large.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns

from services.ingest.domain.admission.token_bucket import Bucket, Rate, draw, full_bucket
from shared.http.problems import TooManyRequests
from shared.kernel.instants import Instant
from shared.security.write_keys import Entrance


def _machine_time() -> Instant:
    """Return microseconds of the clock that only goes forward; pacing is no business time."""
    return monotonic_ns() // 1_000


class Limiter:
    """Lets each key's requests through at its own rate, or at ``rate`` where it has none."""

    def __init__(self, rate: Rate, *, now: Callable[[], Instant] = _machine_time) -> None:
        self._rate = rate
        self._now = now
        self._buckets: dict[str, Bucket] = {}

    def admit(self, entrance: Entrance) -> None:
        """Let one request through; what the platform itself says is not slowed down.

        :raises TooManyRequests: if the key has used up what it may; says when to come again.
        """
        key = entrance.key_id
        if not key:
            return
        rate = self._rate
        if entrance.rate is not None or entrance.burst is not None:
            rate = Rate(entrance.rate or rate.per_second, entrance.burst or entrance.rate or rate.burst)
        now = self._now()
        bucket = self._buckets.get(key)
        self._buckets[key], wait = draw(bucket or full_bucket(rate, now=now), rate, now=now)
        if wait:
            raise TooManyRequests(retry_after=wait / 1_000_000)
