"""What a version in shadow makes of a lead, beside what the live one makes of it; nobody is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.scoring.domain.effects import TierChange, Told, adopt, changes_to_emit, next_wake
from services.scoring.domain.facts import Fact
from services.scoring.domain.ledger import total
from services.scoring.domain.running_score import fold
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet
from services.scoring.domain.tiers import tier_at
from shared.kernel.instants import Instant


class Standing(NamedTuple):
    """Tier and thousandths of a point in one version at an instant."""

    tier: str
    points: int


class Shadowed(NamedTuple):
    """A lead in shadow at ``at``, and in the live version, None if none rules it.

    ``told`` is what would have been told since the shadow began, ``changes`` what would be told now, and
    ``due`` when time alone changes its tier next.
    """

    at: Instant
    shadow: Standing
    live: Standing | None
    told: Told
    changes: Sequence[TierChange]
    due: Instant | None


def cast_shadow(
    model: CompiledModel,
    live: CompiledModel | None,
    facts: Sequence[Fact],
    told: Told | None,
    *,
    now: Instant,
) -> Shadowed | None:
    """Return a lead in shadow, None if nothing counts of it; ``facts`` are those that count.

    With ``told`` None the shadow falls on it for the first time, and what is so counts as told.
    """
    models = ModelSet([model])
    state = fold(models, facts)
    if state is None:
        return None
    changes: Sequence[TierChange] = ()
    if told is None:
        told = adopt(models, state, Told(), now=now)
    else:
        changes, told = changes_to_emit(models, state, told, now=now)
    at = told.through
    return Shadowed(
        at=at,
        shadow=_standing(model, facts, at),
        live=None if live is None else _standing(live, facts, at),
        told=told,
        changes=changes,
        due=next_wake(models, state, after=at),
    )


def _standing(model: CompiledModel, facts: Sequence[Fact], at: Instant) -> Standing:
    state = fold(ModelSet([model]), facts)
    assert state is not None
    held = state.models[model.name]
    return Standing(model.tiers[tier_at(model, held, at).tier].name, total(model, held.slots, at))
