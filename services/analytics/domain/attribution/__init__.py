"""Attribution models: ways to share an outcome between the touches of a path.

A new kind is a file here and a line in :data:`KINDS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.analytics.domain.attribution.model import AttributionModel
from services.analytics.domain.attribution.one_touch import FirstTouch, LastTouch
from services.analytics.domain.attribution.shared_touches import Linear, Positions

AnyAttributionModel = FirstTouch | LastTouch | Linear | Positions

KINDS: Final[Mapping[str, type[AttributionModel]]] = {
    "first": FirstTouch,
    "last": LastTouch,
    "linear": Linear,
    "positions": Positions,
}
"""By the name under ``type`` in a document."""

__all__ = [
    "KINDS",
    "AnyAttributionModel",
    "AttributionModel",
    "FirstTouch",
    "LastTouch",
    "Linear",
    "Positions",
]
