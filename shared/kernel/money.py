"""Money in minor units, and the one way to share it out without losing a cent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

_DECIMALS = {"JPY": 0, "KRW": 0, "VND": 0, "BHD": 3, "KWD": 3, "TND": 3}


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in the smallest unit of its currency (cents, fen)."""

    minor: int
    currency: str

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}; convert one first")
        return Money(self.minor + other.minor, self.currency)


def parse_money(amount: str | float, currency: str) -> Money:
    """Read a plain amount ("1200.50", 1200) in ``currency`` (ISO 4217).

    :raises ValueError: if it is no finite number, or finer than the currency's smallest unit.
    """
    code = currency.strip().upper()
    if len(code) != 3 or not code.isalpha():
        raise ValueError("a currency has three letters, for example CNY")
    try:
        value = Decimal(str(amount).replace(",", "").strip())
    except InvalidOperation as error:
        raise ValueError("an amount is a plain number, for example 1200.50") from error
    scaled = value.scaleb(_DECIMALS.get(code, 2)) if value.is_finite() else value
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise ValueError(f"an amount in {code} has at most {_DECIMALS.get(code, 2)} decimals")
    return Money(int(scaled), code)


def format_money(minor: int, currency: str) -> str:
    """Write an amount as a plain number with the decimals of its currency, for example ``1200.50``."""
    decimals = _DECIMALS.get(currency, 2)
    return f"{Decimal(minor).scaleb(-decimals):.{decimals}f}"


def share_out(minor: int, weights: Sequence[int]) -> list[int]:
    """Split ``minor`` in proportion to ``weights``; the shares sum to ``minor`` exactly.

    Largest remainder; ties go to the earlier share. Weights are not negative, one is positive.

    :raises ValueError: if no weight is positive or one is negative.
    """
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError("shares need weights that are not negative, at least one of them positive")
    sign = -1 if minor < 0 else 1
    size = abs(minor)
    shares = [size * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(size * weights[i] % total), i))
    for i in by_remainder[: size - sum(shares)]:
        shares[i] += 1
    return [sign * share for share in shares]
