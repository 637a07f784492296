"""Cooling in steps: a line keeps its worth between two of them and loses some at each.

A step is taken at its very instant: of 20 points that lose half every 30 days, 10 are left when 30
days have passed, not a microsecond later. Linear steps take a share of what was granted, compound
steps a share of what is left, so 20 points become 10 and nothing, or 10 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final

_WHOLE: Final = 100

_FLOAT_DOUBT: Final = 1e-15
"""For each step: four times what a multiplication may be off; the power itself is within one or two."""


@dataclass(frozen=True, slots=True)
class LinearSteps:
    """Full weight for ``full`` microseconds, then ``percent`` of the granted points less every ``every``.

    With 100 percent the points vanish whole: what counts for thirty days, and then no more.
    """

    name: ClassVar[str] = "linear_steps"

    full: int
    every: int
    percent: int

    def left(self, points: int, age: int) -> int:
        """Return what ``points`` (thousandths) are worth ``age`` microseconds after they were granted."""
        steps = (age - self.full) // self.every
        if steps <= 0:
            return points
        share = _WHOLE - steps * self.percent
        if share <= 0:
            return 0
        return points * share // _WHOLE if points >= 0 else -(-points * share // _WHOLE)

    def lifetime(self, points: int) -> int:
        """Return the age in microseconds from which on ``points`` are worth nothing."""
        return self.full + self.every * -(-_WHOLE // self.percent)


@dataclass(frozen=True, slots=True)
class CompoundSteps:
    """Full weight for ``full`` microseconds, then ``percent`` of what is left less every ``every``.

    ``halving`` is how many steps leave half, or less.
    """

    name: ClassVar[str] = "compound_steps"

    full: int
    every: int
    percent: int
    halving: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Count the steps that leave half."""
        kept, whole, steps = _WHOLE - self.percent, _WHOLE, 1
        while 2 * kept > whole:
            kept, whole, steps = kept * (_WHOLE - self.percent), whole * _WHOLE, steps + 1
        object.__setattr__(self, "halving", steps)

    def left(self, points: int, age: int) -> int:
        """Return what ``points`` (thousandths) are still worth ``age`` microseconds after they were granted.

        The result is the true floor: floats decide where they are certain, else whole numbers do.
        """
        steps = (age - self.full) // self.every
        if steps <= 0:
            return points
        whole = points if points >= 0 else -points
        if steps >= self.halving * whole.bit_length():
            return 0
        kept = _WHOLE - self.percent
        value: float = whole * (kept / _WHOLE) ** steps
        left = int(value)
        doubt = _FLOAT_DOUBT * (steps + 2) * whole
        if not doubt < value - left < 1 - doubt:
            left = whole * kept**steps // _WHOLE**steps
        return left if points >= 0 else -left

    def lifetime(self, points: int) -> int:
        """Return the age in microseconds from which on ``points`` are worth nothing."""
        return self.full + self.every * self.halving * points.bit_length()
