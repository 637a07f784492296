"""Cooling by half-lives: what a line is still worth after a time, exactly.

A line counts in full for a while, then halves every half-life, continuously, and is rounded towards
zero to a thousandth (C12). The result is the true mathematical floor, not what a floating-point
library makes of it: floats decide where they are certain, whole numbers of 160 bits where the value
lies too close to a thousandth. So the curve never rises, and every machine draws the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import ClassVar

_FLOAT_DOUBT = 1e-14
"""Forty-five times the rounding error of a product with a power; libraries come within one or two."""

_PRECISION = 160
_BYTES = 12


def _powers_of_half() -> tuple[tuple[int, ...], ...]:
    """Return for each byte of a 96-bit fraction, highest first, the powers of 1/2 it can stand for.

    All of them are products of 2 ** -(1/2), 2 ** -(1/4), 2 ** -(1/8), …, each the root of the last.
    """
    root = 1 << _PRECISION - 1
    tables = []
    for _byte in range(_BYTES):
        powers = [1 << _PRECISION] * 256
        for bit in reversed(range(8)):
            root = isqrt(root << _PRECISION)
            for index in range(256):
                if index >> bit & 1:
                    powers[index] = powers[index] * root >> _PRECISION
        tables.append(tuple(powers))
    return tuple(tables)


_POWERS = _powers_of_half()


@dataclass(frozen=True, slots=True)
class HalfLife:
    """Full weight for ``full`` microseconds, then half of it every ``half_life`` microseconds."""

    name: ClassVar[str] = "half_life"

    full: int
    half_life: int

    def left(self, points: int, age: int) -> int:
        """Return what ``points`` (thousandths) are still worth ``age`` microseconds after they were granted.

        Never rises with age for positive points, never falls for negative ones, and reaches zero.
        """
        elapsed = age - self.full
        if elapsed <= 0:
            return points
        half_life = self.half_life
        halvings, rest = divmod(elapsed, half_life)
        whole = points if points >= 0 else -points
        if rest:
            value: float = whole * 2.0 ** (-rest / half_life)
            floor = int(value)
            doubt = _FLOAT_DOUBT * whole
            whole = floor if doubt < value - floor < 1 - doubt else _exact_fraction(whole, rest, half_life)
        left = whole >> halvings
        return left if points >= 0 else -left

    def lifetime(self, points: int) -> int:
        """Return the age in microseconds from which on ``points`` are worth nothing."""
        return self.full + self.half_life * points.bit_length()


def _exact_fraction(whole: int, rest: int, half_life: int) -> int:
    """Return the floor of ``whole * 2 ** -(rest / half_life)`` for 0 < rest < half_life.

    The true value is irrational there, hence never a whole number; 96 bits of its exponent settle it.
    """
    return whole * _power_of_half(rest, half_life) >> _PRECISION


def _power_of_half(rest: int, half_life: int) -> int:
    """Return ``2 ** -(rest / half_life)`` in fixed point."""
    power = 1 << _PRECISION
    for byte, powers in zip(((rest << 8 * _BYTES) // half_life).to_bytes(_BYTES), _POWERS, strict=True):
        power = power * powers[byte] >> _PRECISION
    return power
