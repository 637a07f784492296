"""Reports as the tables stand: plain SQL over rows that are kept up to date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.analytics.domain.history import By
from services.analytics.domain.outcomes import Contribution
from services.analytics.domain.reports import ConversionRate, Credited, FunnelRow, Ledger, RepRow
from shared.postgres.database import Transaction

_SEQUENCE: Final = (
    "LEFT JOIN LATERAL (SELECT sequence FROM sent_message WHERE sent_message.message = t.message"
    " AND t.message <> '' ORDER BY sent_message.event LIMIT 1) AS sent ON true"
)
_KEYS: Final[Mapping[By, str]] = {
    "campaign": "CASE WHEN t.message <> '' THEN coalesce(sent.sequence, '') ELSE t.campaign END",
    "channel": "t.channel",
    "source": "t.source",
}

_STANDING_COSTS: Final = """
SELECT DISTINCT ON (source, campaign, channel, kind, day) campaign, channel, source, currency, minor
FROM cost ORDER BY source, campaign, channel, kind, day, occurred DESC, received DESC, event DESC
"""

_LEADS: Final = """
captured AS (
    SELECT DISTINCT ON (lead) coalesce(p.lead, m.profile) AS lead, m.value AS source
    FROM milestone m LEFT JOIN profile p ON p.id = m.profile WHERE m.kind = 'captured'
    ORDER BY lead, m.at, m.received, m.event
), goals AS (
    SELECT coalesce(p.lead, m.profile) AS lead,
        bool_or(m.kind = 'mql') AS is_mql, bool_or(m.kind = 'sql') AS is_sql
    FROM milestone m LEFT JOIN profile p ON p.id = m.profile WHERE m.kind IN ('mql', 'sql') GROUP BY 1
), deals AS (
    SELECT coalesce(p.lead, o.profile) AS lead,
        count(*) AS opportunities, bool_or(o.status = 'won') AS is_customer
    FROM opportunity o LEFT JOIN profile p ON p.id = o.profile WHERE o.status IS NOT NULL GROUP BY 1
), everybody AS (
    SELECT lead FROM captured UNION SELECT lead FROM goals UNION SELECT lead FROM deals
)
"""

_LATEST: Final = """
latest AS (
    SELECT DISTINCT ON (lead) coalesce(p.lead, m.profile) AS lead, m.value AS status
    FROM milestone m LEFT JOIN profile p ON p.id = m.profile WHERE m.kind = 'status'
    ORDER BY lead, m.at DESC, m.received DESC, m.event DESC
)
"""

_JUDGED: Final = """
judged AS (
    SELECT coalesce(p.lead, v.profile) AS lead, bool_or(v.reason = 'test') AS is_test
    FROM (SELECT DISTINCT ON (profile) profile, counts, reason FROM verdict WHERE act = ''
        ORDER BY profile, number DESC, event DESC) AS v
    LEFT JOIN profile p ON p.id = v.profile WHERE NOT v.counts GROUP BY 1
)
"""

_IS_VALID: Final = "status IS DISTINCT FROM 'invalid' AND judged.lead IS NULL"

_IS_ACT: Final = """
(NOT coalesce((SELECT NOT v.counts FROM verdict v WHERE v.act = t.event AND v.act <> ''
    ORDER BY v.number DESC, v.event DESC LIMIT 1), t.dismissed)
 OR EXISTS (SELECT FROM verdict v WHERE v.profile = t.profile AND v.pardons AND v.received >= t.received))
"""

_ORIGINS_BY_TOUCH: Final = """
origin AS (
    SELECT DISTINCT ON (lead) coalesce(p.lead, t.profile) AS lead, {key} AS key
    FROM touch t LEFT JOIN profile p ON p.id = t.profile {sequence} WHERE {is_act}
    ORDER BY lead, t.occurred, t.received, t.event
)
"""

_ORIGINS: Final[Mapping[By, str]] = {
    "source": "origin AS (SELECT lead, source AS key FROM captured)",
    "channel": _ORIGINS_BY_TOUCH.format(key=_KEYS["channel"], sequence="", is_act=_IS_ACT),
    "campaign": _ORIGINS_BY_TOUCH.format(key=_KEYS["campaign"], sequence=_SEQUENCE, is_act=_IS_ACT),
}

_REPS: Final = """
WITH spell AS (
    SELECT assignment, min(rep) AS rep,
        min(at) FILTER (WHERE kind = 'started') AS started,
        min(at) FILTER (WHERE kind = 'contacted') AS contacted,
        bool_and(in_time) FILTER (WHERE kind = 'contacted') AS in_time,
        bool_or(kind = 'recalled') AS recalled,
        bool_or(kind IN ('recalled', 'returned', 'ended')) AS over,
        bool_or(kind = 'warned') AS warned
    FROM spell_event GROUP BY assignment
)
SELECT rep, count(*) AS received,
    count(*) FILTER (WHERE in_time) AS kept,
    count(*) FILTER (WHERE NOT in_time) AS late,
    count(*) FILTER (WHERE contacted IS NULL AND recalled) AS recalled,
    count(*) FILTER (WHERE contacted IS NULL AND NOT over) AS waiting,
    count(*) FILTER (WHERE warned) AS warned,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY contacted - started)
        FILTER (WHERE contacted IS NOT NULL AND started IS NOT NULL) / 1000000 AS median_seconds
FROM spell GROUP BY rep ORDER BY rep
"""

_RATE: Final = f"""
WITH {_LEADS}, {_LATEST}, {_JUDGED}
SELECT count(*) AS leads, count(*) FILTER (WHERE is_customer) AS customers,
    count(*) FILTER (WHERE {_IS_VALID}) AS valid_leads,
    count(*) FILTER (WHERE is_customer AND {_IS_VALID}) AS valid_customers
FROM everybody LEFT JOIN deals USING (lead) LEFT JOIN latest USING (lead) LEFT JOIN judged USING (lead)
WHERE is_test IS NOT TRUE
"""  # noqa: S608 - text of this module


async def find_credited(
    transaction: Transaction, *, model: str, by: By, contribution: Contribution
) -> list[Credited]:
    """Return what each campaign, channel or source is credited with, the unattributed part last."""
    rows = await transaction.fetch(
        f"SELECT {_KEYS[by]} AS key, v.currency, sum(c.minor) AS minor,"  # noqa: S608 - text of this module
        " count(DISTINCT (c.opportunity, c.payment)) AS conversions"
        " FROM credit c JOIN conversion v USING (contribution, opportunity, payment)"
        f" LEFT JOIN touch t ON t.event = c.touch {_SEQUENCE}"
        " WHERE c.model = $1 AND c.contribution = $2 GROUP BY 1, 2",
        model,
        contribution,
    )
    found = [Credited(row["key"], row["currency"], int(row["minor"]), row["conversions"]) for row in rows]
    return sorted(found, key=lambda row: (row.key is None, row.key or "", row.currency))


async def find_costs(transaction: Transaction, *, by: By) -> Ledger:
    """Return the costs that stand, by campaign, channel or source, and by currency."""
    rows = await transaction.fetch(
        f"SELECT {by} AS key, currency, sum(minor) AS minor FROM ({_STANDING_COSTS}) AS cost GROUP BY 1, 2"  # noqa: S608
    )
    return {(row["key"], row["currency"]): int(row["minor"]) for row in rows}


async def find_funnel(transaction: Transaction, *, by: By, with_invalid: bool = True) -> list[FunnelRow]:
    """Return how far leads came, by what first brought them; what is not known stands last.

    Without ``with_invalid`` those are left out that are invalid now, by a verdict or by their status.
    """
    rows = await transaction.fetch(
        f"WITH {_LEADS}, {_LATEST}, {_JUDGED}, {_ORIGINS[by]} SELECT origin.key, count(*) AS leads,"  # noqa: S608
        " count(*) FILTER (WHERE is_mql) AS mqls,"
        " count(*) FILTER (WHERE is_sql OR opportunities IS NOT NULL) AS sqls,"
        " coalesce(sum(opportunities), 0)::bigint AS opportunities,"
        " count(*) FILTER (WHERE is_customer) AS customers"
        " FROM everybody LEFT JOIN origin USING (lead) LEFT JOIN goals USING (lead)"
        " LEFT JOIN deals USING (lead) LEFT JOIN latest USING (lead) LEFT JOIN judged USING (lead)"
        f" WHERE $1 OR ({_IS_VALID}) GROUP BY 1",
        with_invalid,
    )
    sums = await transaction.fetch(
        f"WITH {_LEADS}, {_LATEST}, {_JUDGED}, {_ORIGINS[by]}, won AS ("  # noqa: S608
        " SELECT coalesce(p.lead, v.profile) AS lead, v.currency, v.minor FROM conversion v"
        " LEFT JOIN profile p ON p.id = v.profile WHERE v.contribution = 'won')"
        " SELECT origin.key, currency, sum(minor) AS minor FROM won LEFT JOIN origin USING (lead)"
        f" LEFT JOIN latest USING (lead) LEFT JOIN judged USING (lead) WHERE $1 OR ({_IS_VALID})"
        " GROUP BY 1, 2 ORDER BY 2",
        with_invalid,
    )
    won: dict[str | None, dict[str, int]] = {}
    for row in sums:
        won.setdefault(row["key"], {})[row["currency"]] = int(row["minor"])
    found = [
        FunnelRow(
            row["key"],
            row["leads"],
            row["mqls"],
            row["sqls"],
            row["opportunities"],
            row["customers"],
            won.get(row["key"], {}),
        )
        for row in rows
    ]
    return sorted(found, key=lambda row: (row.key is None, row.key or ""))


async def find_reps(transaction: Transaction) -> list[RepRow]:
    """Return what each rep was given and how soon they answered."""
    return [RepRow(*row) for row in await transaction.fetch(_REPS)]


async def find_conversion_rates(transaction: Transaction) -> tuple[ConversionRate, ConversionRate]:
    """Return the conversion rate of all leads but tests, and of those that are not invalid (A9)."""
    row = await transaction.fetch_row(_RATE)
    assert row is not None
    return (
        ConversionRate(row["leads"], row["customers"]),
        ConversionRate(row["valid_leads"], row["valid_customers"]),
    )
