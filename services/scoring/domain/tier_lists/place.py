"""A lead's places in the lists by tier."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from services.scoring.domain.ledger import total
from services.scoring.domain.running_score import is_current
from services.scoring.domain.scored_lead import ScoredLead, tier_found
from services.scoring.domain.scoring_models.compiled import ModelSet
from shared.kernel.instants import Instant

Order: TypeAlias = Literal["points", "newest", "oldest"]
"""Most points first; those first that came into the tier last; those first that are in it longest."""


class Range(NamedTuple):
    """What a list is limited to, both ends included; None is open. Points are thousandths."""

    least_points: int | None = None
    most_points: int | None = None
    earliest: Instant | None = None
    latest: Instant | None = None


class Place(NamedTuple):
    """Where a lead stands in one model: ``points`` (thousandths) and ``tier`` are those at ``at``."""

    lead: str
    model: str
    version: int
    tier: str
    since: Instant
    points: int
    at: Instant


def places_of(models: ModelSet, lead: str, kept: ScoredLead | None) -> list[Place] | None:
    """Return a lead's place in each model that scores it, or None where its models are about to be renewed.

    Whoever lives at another lead, was forgotten or is not known stands in no list.
    """
    if kept is None or kept.score is None or kept.lives_at or kept.erased is not None:
        return []
    if not is_current(models, kept.score):
        return None
    at = max(kept.told.through, kept.score.last_occurred)
    places: list[Place] = []
    for model in models.models:
        held = kept.score.models[model.name]
        if not model.leaves_out(held.slots):
            tier, since = tier_found(kept, model)
            points = total(model, held.slots, at)
            places.append(Place(lead, model.name, model.version, model.tiers[tier].name, since, points, at))
    return places
