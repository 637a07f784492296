"""What conditions of routing's documents may ask about a lead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.conditions.catalogue import Catalogue, Choice, Day, Flag, Number, Text

MODELS: Final = ("mql", "five_step", "key_account", "abcd", "customer_grade", "customer_value")
"""The scoring models whose tiers a condition may name, as ``tier_<model>``."""

CATALOGUE: Final[Catalogue] = {
    "industry": Text(),
    "region": Text(),
    "product_line": Text(),
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
    "student": Flag(),
    "go_live_on": Day(),
    "product_lines": Number(),
    "scope": Choice(("department", "several", "group"), ordered=True),
    "expected_amount": Number(),
    "reason": Text(),
    **{f"tier_{model}": Text() for model in MODELS},
}
"""The standardised attributes (I9), the reason for which the lead is for sales, its tiers."""


def values_of(
    attributes: Mapping[str, object], tiers: Mapping[str, str], *, reason: str = ""
) -> Mapping[str, object]:
    """Return what conditions are tested on."""
    told = {f"tier_{model}": tier for model, tier in tiers.items()}
    return {**attributes, **told, **({"reason": reason} if reason else {})}
