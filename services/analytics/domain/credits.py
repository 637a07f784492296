"""Credits: what each touch of a path earned; they sum to the outcome, to the smallest unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from services.analytics.domain.attribution import AttributionModel
from services.analytics.domain.homes import Home, lead_of
from services.analytics.domain.outcomes import Conversion, Opportunity
from services.analytics.domain.touch_points import Touch, TouchRules
from shared.kernel.money import share_out

UNATTRIBUTED: Final = ""
"""Stands for the touch where an outcome has none: a row, not a hole."""


class Credit(NamedTuple):
    """A touch's share of one conversion under one model, in the currency's smallest unit."""

    model: str
    touch: str
    minor: int


class Crediting(NamedTuple):
    """By which documents outcomes are shared: what counts as a touch, and the models by name."""

    touches: TouchRules
    models: Mapping[str, AttributionModel]

    def credits(self, conversion: Conversion, touches: Iterable[Touch]) -> tuple[Credit, ...]:
        """Share one conversion between the touches of its lead, under every model, in order of models."""
        path = self.touches.path(touches, closing=conversion.closing)
        shared: list[Credit] = []
        for name in sorted(self.models):
            shared += share_conversion(name, self.models[name], conversion.minor, path)
        return tuple(sorted(shared))


def share_conversion(
    name: str, model: AttributionModel, minor: int, path: Sequence[Touch]
) -> tuple[Credit, ...]:
    """Share an amount between the touches of a path under one model; rounding favours the earlier touch."""
    if not path:
        return (Credit(name, UNATTRIBUTED, minor),)
    weights = model.weights(len(path))
    shares = share_out(minor, weights)
    return tuple(
        Credit(name, touch.event, share)
        for touch, share, weight in zip(path, shares, weights, strict=True)
        if weight
    )


def credit_all(
    crediting: Crediting,
    *,
    homes: Mapping[str, Home],
    touches: Iterable[Touch],
    opportunities: Iterable[Opportunity],
) -> list[tuple[Conversion, tuple[Credit, ...]]]:
    """Share every conversion between all touches of the lead that its profile lives at."""
    of_lead: dict[str, list[Touch]] = {}
    for touch in touches:
        of_lead.setdefault(lead_of(homes, touch.profile), []).append(touch)
    return [
        (conversion, crediting.credits(conversion, of_lead.get(lead_of(homes, conversion.profile), ())))
        for opportunity in opportunities
        for conversion in opportunity.conversions
    ]
