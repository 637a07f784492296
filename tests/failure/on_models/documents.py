"""Versions 2 of three shipped models, with other points: what people draft while a run lasts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import yaml

from tests.failure.on_services.worker import CONFIG

SHADOWED: Final = "five_step"
"""The model of which version 2 is in shadow and never rules anybody."""
SHARED: Final = "mql"
"""The model of which version 2 rules a share of the leads."""
PUBLISHED: Final = "abcd"
"""The model of which version 2 is published and taken back."""
STEPPED: Final = frozenset({SHARED, PUBLISHED})
"""The models of which versions change that rule leads."""
NEW: Final = 2

_POINTS: Final[Mapping[str, Mapping[str, int]]] = {
    SHADOWED: {"demo_requested": 30, "price_page_visited": 5, "director_or_above": 20},
    SHARED: {"trial_or_demo_requested": 20, "key_page_visited": 20, "director_or_above": 25},
    PUBLISHED: {"chat_started": 20, "home_page_visited": 15, "white_paper_downloaded": 40},
}


def changed(name: str) -> str:
    """Return version 2 of a model, as YAML."""
    document = yaml.safe_load((CONFIG / "scoring" / "models" / f"{name}.yaml").read_text("utf-8"))
    document["version"] = NEW
    points = dict(_POINTS[name])
    for group in document["groups"]:
        for rule in group["rules"]:
            rule["points"] = points.pop(rule["rule"], rule["points"])
    if points:
        raise ValueError(f"{name} has no rules {sorted(points)}")
    return yaml.safe_dump(document, allow_unicode=True)
