"""Verdicts: whether a lead is anybody, and whether one of its acts counts (I5).

Of several verdicts about the same thing the highest number holds, so what counts follows from the set of
verdicts, in whatever order they become known. A verdict is knowledge, as a merge is: it counts by when it
was received. Outcomes are not judged: what was won stays won, and is unattributed where no touch counts.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from services.analytics.domain.touch_points import Touch
from shared.kernel.instants import Instant


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """The ``number``-th verdict about a profile's lead, or about the event ``act`` if it names one.

    ``counts`` is False where nobody, or nothing, was found behind it, for the ``reason``. With ``pardons``
    the acts of the profile count that were received by then, though they had been dismissed.
    """

    event: str
    profile: str
    act: str
    number: int
    counts: bool
    reason: str
    pardons: bool
    received: Instant


class Verdicts:
    """What a set of verdicts comes to."""

    def __init__(self, said: Iterable[Verdict]) -> None:
        self._leads: dict[str, Verdict] = {}
        self._acts: dict[str, Verdict] = {}
        self._pardoned: dict[str, Instant] = {}
        for one in said:
            latest, about = (self._acts, one.act) if one.act else (self._leads, one.profile)
            before = latest.get(about)
            if before is None or (one.number, one.event) > (before.number, before.event):
                latest[about] = one
            if one.pardons:
                self._pardoned[one.profile] = max(one.received, self._pardoned.get(one.profile, one.received))

    def is_act(self, touch: Touch) -> bool:
        """Return whether a touch is somebody's act, whoever that turned out to be."""
        verdict = self._acts.get(touch.event)
        counts = not touch.dismissed if verdict is None else verdict.counts
        return counts or touch.received <= self._pardoned.get(touch.profile, touch.received - 1)

    def earns(self, touch: Touch) -> bool:
        """Return whether a touch may earn credit: an act of a lead that is not invalid."""
        verdict = self._leads.get(touch.profile)
        return (verdict is None or verdict.counts) and self.is_act(touch)

    @property
    def invalid(self) -> dict[str, str]:
        """The profiles whose lead is invalid, and for which reason."""
        return {profile: one.reason for profile, one in self._leads.items() if not one.counts}
