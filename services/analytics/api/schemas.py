"""What analytics' answers look like on the wire; amounts in the smallest unit, and as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from services.analytics.domain.facts import Fact
from services.analytics.domain.history import By
from services.analytics.domain.outcomes import Contribution
from services.analytics.domain.reports import (
    ConversionBand,
    ConversionRate,
    FunnelRow,
    RepRow,
    Return,
    cost_per,
)
from services.analytics.queries.reports import Attribution, Funnel, Rates
from services.analytics.queries.story import CreditLine, Story
from shared.kernel.instants import format_instant
from shared.kernel.money import format_money

Body = dict[str, Any]


def attribution_out(report: Attribution, *, model: str, by: By, contribution: Contribution) -> Body:
    """Translate an attribution; the unattributed part is a row whose key is null."""
    currency = report.currency
    total = sum(row.minor for row in report.rows)
    return {
        "model": model,
        "by": by,
        "contribution": contribution,
        "currency": currency,
        "total_minor": total,
        "total": format_money(total, currency),
        "other_currencies": {name: format_money(minor, name) for name, minor in report.elsewhere.items()},
        "rows": [
            {
                by: row.key,
                "unattributed": row.key is None,
                "minor": row.minor,
                "amount": format_money(row.minor, currency),
                "currency": currency,
                "conversions": row.conversions,
            }
            for row in report.rows
        ],
    }


def returns_out(
    rows: Sequence[Return], *, currency: str, model: str, by: By, contribution: Contribution
) -> Body:
    """Translate returns; without a cost ``roi`` is null and ``note`` says why."""
    return {
        "model": model,
        "by": by,
        "contribution": contribution,
        "currency": currency,
        "formula": "(contribution - cost) / cost",
        "rows": [
            {
                by: row.key,
                "unattributed": row.key is None,
                "contribution_minor": row.contribution,
                "contribution": format_money(row.contribution, currency),
                "cost_minor": row.cost,
                "cost": None if row.cost is None else format_money(row.cost, currency),
                "currency": currency,
                "roi": row.roi,
                "note": "" if row.roi is not None else "no cost to compare with",
            }
            for row in rows
        ],
    }


def funnel_out(report: Funnel, *, by: By) -> Body:
    """Translate a funnel; what is not known to come from anywhere is a row whose key is null."""
    return {
        "by": by,
        "currency": report.currency,
        "rows": [_funnel_row(row, report, by) for row in report.rows],
    }


def _funnel_row(row: FunnelRow, report: Funnel, by: By) -> Body:
    currency, won = report.currency, row.won.get(report.currency, 0)
    body: Body = {
        by: row.key,
        "leads": row.leads,
        "mqls": row.mqls,
        "sqls": row.sqls,
        "opportunities": row.opportunities,
        "customers": row.customers,
        "won_minor": won,
        "won": format_money(won, currency),
        "currency": currency,
        "won_in_other_currencies": " ".join(
            f"{name} {format_money(minor, name)}" for name, minor in row.won.items() if name != currency
        ),
    }
    if report.costs is not None:
        cost = report.costs.get(row.key)
        body["cost"] = None if cost is None else format_money(cost, currency)
        counts = {
            "lead": row.leads,
            "mql": row.mqls,
            "opportunity": row.opportunities,
            "customer": row.customers,
        }
        for name, count in counts.items():
            each = cost_per(cost, count)
            body[f"cost_per_{name}"] = None if each is None else format_money(each, currency)
    return body


def reps_out(rows: Sequence[RepRow]) -> Body:
    """Translate what reps were given, with the sums over all."""
    return {
        "kept": sum(row.kept for row in rows),
        "missed": sum(row.missed for row in rows),
        "rows": [
            {
                "rep": row.rep,
                "received": row.received,
                "kept": row.kept,
                "missed": row.missed,
                "contacted_late": row.late,
                "recalled": row.recalled,
                "waiting": row.waiting,
                "warned": row.warned,
                "median_response_seconds": row.median_seconds,
            }
            for row in rows
        ],
    }


def rates_out(rates: Rates, band: ConversionBand) -> Body:
    """Translate conversion rates, beside what is usual in the industry."""

    def rate(of: ConversionRate, verdict: str) -> Mapping[str, Any]:
        return {
            "leads": of.leads,
            "customers": of.customers,
            "percent": of.percent,
            "industry": {"low": band.low, "high": band.high},
            "verdict": verdict,
        }

    return {
        "all": rate(rates.all_leads, rates.verdict),
        "without_invalid": rate(rates.valid_leads, rates.valid_verdict),
    }


def story_out(story: Story) -> Body:
    """Translate a story: facts and credits in one line of time."""
    events = [(fact.occurred, _fact_out(fact, story)) for fact in story.facts]
    events += [(line.at, _credit_out(line)) for line in story.credits]
    return {"lead": story.lead, "events": [event for _, event in sorted(events, key=itemgetter(0))]}


def _fact_out(fact: Fact, story: Story) -> Body:
    touch = story.touches.get(fact.id)
    return {
        "at": format_instant(fact.occurred),
        "kind": fact.kind,
        "message_id": fact.message_id,
        "cause": fact.cause,
        "id": fact.id,
        "profile": fact.profile,
        "received": format_instant(fact.received),
        "fields": dict(fact.fields),
        "touch": None if touch is None else {"channel": touch.channel, "campaign": touch.campaign},
    }


def _credit_out(line: CreditLine) -> Body:
    return {
        "at": format_instant(line.at),
        "kind": "credit",
        "message_id": None,
        "cause": line.cause,
        "contribution": line.contribution,
        "opportunity": line.opportunity,
        "payment": line.payment or None,
        "model": line.model,
        "minor": line.minor,
        "amount": format_money(line.minor, line.currency),
        "currency": line.currency,
        "touch": None if line.touch is None else line.touch.event,
        "channel": None if line.touch is None else line.touch.channel,
        "campaign": None if line.touch is None else line.campaign,
        "text": line.text,
    }
