"""What conditions of routing's documents may ask about a lead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.conditions.attributes import STANDARD_ATTRIBUTES
from shared.conditions.catalogue import Catalogue, Text

MODELS: Final = ("mql", "five_step", "key_account", "abcd", "customer_grade", "customer_value")
"""The scoring models whose tiers a condition may name, as ``tier_<model>``."""

CATALOGUE: Final[Catalogue] = {
    **STANDARD_ATTRIBUTES,
    "product_line": Text(),
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
