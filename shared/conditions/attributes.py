"""The standardised attributes of a lead, as conditions may ask for them (I9)."""

from __future__ import annotations

from typing import Final

from shared.conditions.catalogue import Catalogue, Choice, Day, Flag, Number, Text

STANDARD_ATTRIBUTES: Final[Catalogue] = {
    "industry": Text(),
    "region": Text(),
    "title_level": Choice(("manager", "director", "vp", "cxo"), ordered=True),
    "employees": Number(),
    "size": Choice(("under_50", "50_to_199", "200_to_499", "500_plus"), ordered=True),
    "budget": Number(),
    "budget_band": Choice(
        ("under_100000", "100000_to_199999", "200000_to_499999", "500000_plus"), ordered=True
    ),
    "stage": Choice(("learning", "evaluating", "approved", "purchasing"), ordered=True),
    "target_account": Flag(),
    "procurement": Flag(),
    "legal": Flag(),
    "tender": Flag(),
    "benchmark_customer": Flag(),
    "strategic_customer": Flag(),
    "student": Flag(),
    "go_live_on": Day(),
    "product_lines": Number(),
    "scope": Choice(("department", "several", "group"), ordered=True),
    "expected_amount": Number(),
}
"""Names and values are those that ingest standardises to."""
