"""Reports as values, and the sums that need no table: returns, rates, and folds of facts as of an instant.

Amounts of different currencies are never added: every sum names its currency.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Literal, NamedTuple

Ledger = Mapping[tuple[str | None, str], int]
"""Amounts in the smallest unit by key and currency; the key None stands for what nothing is known of."""

Verdict = Literal["below", "within", "above", "unknown"]

_DECIMALS = 4


class Credited(NamedTuple):
    """What a campaign, channel or source is credited with under one model.

    ``key`` None is the unattributed part. ``conversions`` counts those it had a part in; a conversion with
    several touches counts for each, so these do not sum.
    """

    key: str | None
    currency: str
    minor: int
    conversions: int


class Return(NamedTuple):
    """Contribution against cost (A2); ``roi`` is None where there is no cost to compare with."""

    key: str | None
    currency: str
    contribution: int
    cost: int | None
    roi: float | None


class FunnelRow(NamedTuple):
    """How far the leads of one origin came (A3, A4); ``won`` by currency."""

    key: str | None
    leads: int
    mqls: int
    sqls: int
    opportunities: int
    customers: int
    won: Mapping[str, int]


class RepRow(NamedTuple):
    """What a rep was given, and how soon they answered (A5).

    ``kept`` were contacted in time; ``missed`` were contacted too late, or taken back without a first
    response. ``median_seconds`` is from the start of the clock to the first response, all hours counted.
    """

    rep: str
    received: int
    kept: int
    late: int
    recalled: int
    waiting: int
    warned: int
    median_seconds: float | None

    @property
    def missed(self) -> int:
        """Contacted too late, or taken back."""
        return self.late + self.recalled


class ConversionBand(NamedTuple):
    """Bounds in per cent, both included: what is usual in the industry (A9)."""

    low: float
    high: float

    def judge(self, rate: float | None) -> Verdict:
        """Return where a rate in per cent stands."""
        if rate is None:
            return "unknown"
        return "below" if rate < self.low else "above" if rate > self.high else "within"


class ConversionRate(NamedTuple):
    """Won customers of all leads; merged leads count once."""

    leads: int
    customers: int

    @property
    def percent(self) -> float | None:
        """The rate in per cent; None where there are no leads."""
        return (
            None if self.leads == 0 else float(round(Fraction(100 * self.customers, self.leads), _DECIMALS))
        )


def returns(credited: Iterable[Credited], costs: Ledger) -> list[Return]:
    """Set contributions beside costs, in order of keys, the unattributed part last.

    ROI = (contribution − cost) / cost. What was credited and cost nothing has none; what cost something
    and was credited with nothing has −1.
    """
    contributions = {(row.key, row.currency): row.minor for row in credited}
    found = []
    for key, currency in sorted(contributions.keys() | costs.keys(), key=_by_key):
        contribution, cost = contributions.get((key, currency), 0), costs.get((key, currency))
        found.append(Return(key, currency, contribution, cost, return_on(contribution, cost)))
    return found


def return_on(contribution: int, cost: int | None) -> float | None:
    """Return (contribution − cost) / cost to four decimals, None without a positive cost."""
    if cost is None or cost <= 0:
        return None
    return float(round(Fraction(contribution - cost, cost), _DECIMALS))


def cost_per(cost: int | None, count: int) -> int | None:
    """Return what each of ``count`` cost in the smallest unit, rounded; None without a cost or a count."""
    return None if cost is None or count == 0 else round(Fraction(cost, count))


def _by_key(pair: tuple[str | None, str]) -> tuple[bool, str, str]:
    key, currency = pair
    return key is None, key or "", currency
