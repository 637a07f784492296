"""What is told to others: from the tier last told to the tier now, in one step.

Telling is apart from history. History is a function of the facts; what was told depends on when we
learnt of them and is never taken back, only followed by a correction that says so (``restated``).
Crossings that lie wholly in the past, up and down again, stay silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from services.scoring.domain.activation.told import (
    Activation,
    ToldActivation,
    events_of,
    is_untold,
    told_for,
)
from services.scoring.domain.ledger import Line, lines_at, total
from services.scoring.domain.running_score import ScoringState
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.domain.tiers import Outlook, outlook, tier_at
from shared.kernel.instants import Instant

MOST_REASONS = 5
"""How many lines a change gives as its reasons."""


class ToldTier(NamedTuple):
    """The tier last told of one model, and since when it was said to be held."""

    tier: str
    since: Instant


class Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What others have been told of one lead, and the latest instant that was looked at for it."""

    through: Instant = 0
    tiers: dict[str, ToldTier] = {}
    activations: dict[str, ToldActivation] = {}


class TierChange(NamedTuple):
    """A change to tell: ``at`` is when the tier was reached, ``reasons`` are its heaviest lines."""

    model: str
    version: int
    direction: Literal["up", "down"]
    from_tier: str
    to_tier: str
    points: int
    at: Instant
    restated: bool
    reasons: tuple[Line, ...]


def outlooks(models: ModelSet, state: ScoringState, told: Told, *, now: Instant) -> dict[str, Outlook]:
    """Return each model's tier at the instant that :func:`changes_to_emit` looks at, and its next change."""
    instant = max(now, told.through, state.last_occurred)
    return {model.name: outlook(model, state.models[model.name], instant) for model in models.models}


def changes_to_emit(
    models: ModelSet,
    state: ScoringState,
    told: Told,
    *,
    now: Instant,
    restated: bool = False,
    looks: Mapping[str, Outlook] | None = None,
) -> tuple[list[TierChange], Told]:
    """Return what is to be told now, at most one change per model, and what will then have been told.

    ``now`` is when something was learnt, or when a timer was due; it may step back, and then the
    latest instant looked at counts. ``restated`` says that history before the newest fact changed; a
    change that undoes one told for a later instant is restated by itself. ``looks`` are the
    :func:`outlooks`, if somebody has made them already.
    """
    instant = max(now, told.through, state.last_occurred)
    changes: list[TierChange] = []
    tiers = told.tiers
    for model in models.models:
        held = state.models[model.name]
        index, since = tier_at(model, held, instant) if looks is None else looks[model.name].held
        name = model.tiers[index].name
        last = tiers.get(model.name)
        before = last.tier if last is not None else model.tiers[0].name
        if name == before:
            continue
        ranks = [tier.name for tier in model.tiers]
        changes.append(
            TierChange(
                model=model.name,
                version=model.version,
                direction="up" if before not in ranks or index > ranks.index(before) else "down",
                from_tier=before,
                to_tier=name,
                points=total(model, held.slots, instant),
                at=since,
                restated=restated or (last is not None and since < last.since),
                reasons=tuple(lines_at(model, held.slots, instant)[:MOST_REASONS]),
            )
        )
        tiers = {**tiers, model.name: ToldTier(name, since)}
    return changes, Told(instant, tiers, told.activations)


def adopt(models: ModelSet, state: ScoringState, told: Told, *, now: Instant) -> Told:
    """Return what counts as told when models begin to rule silently (a new version, an import)."""
    told = changes_to_emit(models, state, told, now=now)[1]
    return activations_to_emit(models, state, told, is_said=False)[1]


def activations_to_emit(
    models: ModelSet, state: ScoringState, told: Told, *, is_said: bool = True
) -> tuple[list[Activation], Told]:
    """Return the activations to tell now, at most one per model, and what will then have been told (C9).

    A sales cycle that was over before we learnt of its activation stays silent. ``is_said`` False is
    for what only counts as told.
    """
    activations: list[Activation] = []
    known = told.activations
    for model in models.models:
        gate, last = state.models[model.name].gate, known.get(model.name)
        if gate is None or gate.passage is None or not is_untold(gate, last):
            continue
        after = told_for(gate, last, is_said=is_said)
        place, points = gate.passage
        activations.append(
            Activation(model.name, model.version, after.cycle, place.occurred, points, tuple(events_of(gate)))
        )
        known = {**known, model.name: after}
    return activations, told if known is told.activations else Told(told.through, told.tiers, known)


def next_wake(models: ModelSet, state: ScoringState, *, after: Instant) -> Instant | None:
    """Return the next instant after ``after`` at which time alone changes a tier, or None.

    It is exact to the microsecond: :func:`changes_to_emit` has something to tell then, and nothing a
    microsecond before.
    """
    return first_of({model.name: outlook(model, state.models[model.name], after) for model in models.models})


def first_of(looks: Mapping[str, Outlook]) -> Instant | None:
    """Return when the first of these changes comes, or None."""
    return min((look.changes for look in looks.values() if look.changes is not None), default=None)
