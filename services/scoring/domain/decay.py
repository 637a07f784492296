"""Cooling: what a line is still worth after a time, exactly.

A line counts in full for a while, then halves every half-life, continuously, and is rounded towards
zero to a thousandth (C12). The result is the true mathematical floor, not what a floating-point
library makes of it: floats decide where they are certain, decimals with fifty digits where the value
lies too close to a whole number. So the curve never rises, and every machine draws the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal

from shared.kernel.instants import Instant

_EXACT = Context(prec=50, rounding=ROUND_FLOOR)
_FLOAT_DOUBT = 1e-13


@dataclass(frozen=True, slots=True)
class Cooling:
    """Full weight for ``full`` microseconds, then half of it every ``half_life`` microseconds."""

    full: int
    half_life: int


def cooled(points: int, *, age: int, law: Cooling) -> int:
    """Return what ``points`` (thousandths) are still worth ``age`` microseconds after they were granted.

    Never rises with age for positive points, never falls for negative ones, and reaches zero.
    """
    elapsed = age - law.full
    if elapsed <= 0:
        return points
    halvings, rest = divmod(elapsed, law.half_life)
    whole = abs(points)
    if rest:
        whole = _fraction(whole, rest, law.half_life)
    left = whole >> halvings
    return left if points >= 0 else -left


def lifetime(points: int, law: Cooling) -> int:
    """Return the age in microseconds from which on ``points`` are worth nothing."""
    return law.full + law.half_life * points.bit_length()


def gone_at(points: int, granted: Instant, law: Cooling) -> Instant:
    """Return an instant from which on a line granted at ``granted`` is worth nothing."""
    return granted + lifetime(points, law)


def _fraction(whole: int, rest: int, half_life: int) -> int:
    """Return the floor of ``whole * 2 ** -(rest / half_life)`` for 0 < rest < half_life.

    The true value is irrational there, hence never a whole number, and fifty digits settle its floor.
    """
    value: float = whole * 2.0 ** (-rest / half_life)
    floor = int(value)
    gap = value - floor
    doubt = _FLOAT_DOUBT * whole
    if doubt < gap < 1 - doubt:
        return floor
    power = _EXACT.power(Decimal(2), _EXACT.divide(Decimal(-rest), Decimal(half_life)))
    return int(_EXACT.multiply(Decimal(whole), power))
