"""Attribution, returns, funnels, reps and rates: as they stand, and as of any instant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from services.analytics.domain.history import By, History
from services.analytics.domain.outcomes import Contribution
from services.analytics.domain.reports import (
    ConversionBand,
    ConversionRate,
    Credited,
    FunnelRow,
    Ledger,
    RepRow,
    Return,
    Verdict,
    returns,
)
from services.analytics.store.documents import Rulebook
from services.analytics.store.histories import load_history
from services.analytics.store.reports import (
    find_conversion_rates,
    find_costs,
    find_credited,
    find_funnel,
    find_reps,
)
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant
from shared.postgres.database import Database
from shared.postgres.snapshots import snapshot


class ModelUnknown(Rejected):
    """There is no attribution model of this name; GET /analytics/v1/models lists those there are."""

    code = "analytics.model_unknown"


class Attribution(NamedTuple):
    """Who is credited with what, in one currency; ``elsewhere`` are the sums in other currencies."""

    currency: str
    rows: Sequence[Credited]
    elsewhere: Mapping[str, int]


class Funnel(NamedTuple):
    """How far leads came, and what their campaigns or channels cost in one currency.

    ``costs`` is None where costs cannot be told apart that way.
    """

    currency: str
    rows: Sequence[FunnelRow]
    costs: Mapping[str | None, int] | None


class Rates(NamedTuple):
    """The conversion rate of all leads and of the valid ones, and how each stands to the industry's."""

    all_leads: ConversionRate
    verdict: Verdict
    valid_leads: ConversionRate
    valid_verdict: Verdict


class ReportQueries:
    """Answers from the tables; as of an instant, by folding the rows that were known then."""

    def __init__(self, database: Database, rulebook: Rulebook) -> None:
        self._database = database
        self._rulebook = rulebook

    @property
    def models(self) -> Sequence[str]:
        """The names of the attribution models."""
        return sorted(self._rulebook.crediting.models)

    @property
    def band(self) -> ConversionBand:
        """What conversion rate is usual in the industry, in per cent."""
        return self._rulebook.band

    async def find_attribution(
        self,
        *,
        model: str,
        by: By,
        contribution: Contribution,
        currency: str | None = None,
        as_of: Instant | None = None,
        known_at: Instant | None = None,
    ) -> Attribution:
        """Return who is credited with what under one model.

        :raises ModelUnknown: if there is no such model.
        """
        self._require(model)
        currency = currency or self._rulebook.currency
        if as_of is None and known_at is None:
            async with self._database.connection() as connection:
                credited = await find_credited(connection, model=model, by=by, contribution=contribution)
        else:
            history = await self._history(as_of, known_at)
            credited = history.attribution(
                self._rulebook.crediting, model=model, by=by, contribution=contribution
            )
        return Attribution(
            currency,
            [row for row in credited if row.currency == currency],
            _sums(row for row in credited if row.currency != currency),
        )

    async def find_returns(
        self, *, model: str, by: By, contribution: Contribution, currency: str | None = None
    ) -> tuple[str, Sequence[Return]]:
        """Return the currency, and contribution against cost per campaign or channel (A2).

        :raises ModelUnknown: if there is no such model.
        """
        self._require(model)
        currency = currency or self._rulebook.currency
        async with snapshot(self._database) as transaction:
            credited = await find_credited(transaction, model=model, by=by, contribution=contribution)
            costs = await find_costs(transaction, by=by)
        of_currency: Ledger = {key: minor for key, minor in costs.items() if key[1] == currency}
        return currency, returns((row for row in credited if row.currency == currency), of_currency)

    async def find_funnel(
        self,
        *,
        by: By,
        currency: str | None = None,
        with_invalid: bool = True,
        as_of: Instant | None = None,
        known_at: Instant | None = None,
    ) -> Funnel:
        """Return how far the leads of each source, channel or campaign came (A3, A4)."""
        currency = currency or self._rulebook.currency
        if as_of is not None or known_at is not None:
            history = await self._history(as_of, known_at)
            return Funnel(currency, history.funnel(by=by, with_invalid=with_invalid), None)
        async with snapshot(self._database) as transaction:
            rows = await find_funnel(transaction, by=by, with_invalid=with_invalid)
            costs = None if by == "source" else await find_costs(transaction, by=by)
        if costs is None:
            return Funnel(currency, rows, None)
        known = {key: minor for (key, of), minor in costs.items() if of == currency}
        without_leads = [
            FunnelRow(key, 0, 0, 0, 0, 0, {}) for key in known.keys() - {row.key for row in rows}
        ]
        ordered = sorted([*rows, *without_leads], key=lambda row: (row.key is None, row.key or ""))
        return Funnel(currency, ordered, known)

    async def find_reps(self) -> Sequence[RepRow]:
        """Return what each rep was given, and how soon they answered (A5)."""
        async with self._database.connection() as connection:
            return await find_reps(connection)

    async def find_rates(self) -> Rates:
        """Return the conversion rate, with and without invalid leads, beside the industry's (A9)."""
        async with self._database.connection() as connection:
            everybody, valid = await find_conversion_rates(connection)
        band = self._rulebook.band
        return Rates(everybody, band.judge(everybody.percent), valid, band.judge(valid.percent))

    async def _history(self, as_of: Instant | None, known_at: Instant | None) -> History:
        async with snapshot(self._database) as transaction:
            return await load_history(transaction, as_of=as_of, known_at=known_at)

    def _require(self, model: str) -> None:
        if model not in self._rulebook.crediting.models:
            raise ModelUnknown


def _sums(rows: Iterable[Credited]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in rows:
        sums[row.currency] = sums.get(row.currency, 0) + row.minor
    return dict(sorted(sums.items()))
