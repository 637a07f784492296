"""Questions about a lead, answered from its facts: how many points, which tier, why, since when.

``as_of`` means: facts that occurred by then, looked at then. A caller who asks what was *known* at
some time passes only the facts received by that time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from services.scoring.domain.activation.gate import GateState, Standing, standing_at
from services.scoring.domain.facts import Fact
from services.scoring.domain.ledger import Line, behaviour_total, lines_at, total
from services.scoring.domain.running_score import ScoringState, fold
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet
from services.scoring.domain.scoring_models.grades import Grade
from services.scoring.domain.tiers import Crossing, tier_at
from shared.kernel.instants import Instant


class Score(NamedTuple):
    """What one model says of a lead at an instant; points are thousandths.

    ``behaviour`` is the part of ``points`` that what they did has brought. ``tier_since`` is None for
    a lead of which nothing had occurred yet. ``activation`` is how it stands with the model's gate, None
    if that has none. ``left_out`` is whom the model scores, for a lead that is none of them and therefore
    has no score in it. ``grade`` is read off where the model has grades. ``by`` is the model itself, for
    whoever tells it in words.
    """

    model: str
    version: int
    points: int
    behaviour: int
    tier: str
    tier_since: Instant | None
    as_of: Instant
    activation: Standing | None = None
    left_out: Mapping[str, str] | None = None
    grade: Grade | None = None
    by: CompiledModel | None = None


class Explanation(NamedTuple):
    """A score with the lines that sum to it, largest first."""

    score: Score
    lines: tuple[Line, ...]


def score_at(models: ModelSet, facts: Iterable[Fact], *, as_of: Instant) -> list[Score]:
    """Return each model's score at ``as_of``."""
    return [explanation.score for explanation in explain_at(models, facts, as_of=as_of)]


def explain_at(models: ModelSet, facts: Iterable[Fact], *, as_of: Instant) -> list[Explanation]:
    """Return each model's score at ``as_of`` with its lines (C13)."""
    state = fold(models, (fact for fact in facts if fact.occurred <= as_of))
    return explain_state(models, state, as_of=as_of)


def explain_state(models: ModelSet, state: ScoringState | None, *, as_of: Instant) -> list[Explanation]:
    """Return what :func:`explain_at` does, from a state; ``as_of`` is not before its newest fact.

    :raises ValueError: if it is: what was then is known from the facts, not from the state.
    """
    if state is None:
        return [
            Explanation(
                Score(
                    model=model.name,
                    version=model.version,
                    points=0,
                    behaviour=0,
                    tier=model.tiers[0].name,
                    tier_since=None,
                    as_of=as_of,
                    activation=_standing(model, None, as_of),
                    left_out=None if model.audience is None else model.audience.label,
                    grade=None if model.audience is not None else _grade(model, 0, 0),
                    by=model,
                ),
                (),
            )
            for model in models.models
        ]
    if as_of < state.last_occurred:
        raise ValueError("a state cannot tell what was before its newest fact; ask explain_at")
    answers = []
    for model in models.models:
        held = state.models[model.name]
        tier, since = tier_at(model, held, as_of)
        points, behaviour = total(model, held.slots, as_of), behaviour_total(model, held.slots, as_of)
        leaves_out = model.leaves_out(held.slots)
        score = Score(
            model=model.name,
            version=model.version,
            points=points,
            behaviour=behaviour,
            tier=model.tiers[tier].name,
            tier_since=since,
            as_of=as_of,
            activation=_standing(model, held.gate, as_of),
            left_out=model.audience.label if model.audience is not None and leaves_out else None,
            grade=None if leaves_out else _grade(model, points - behaviour, behaviour),
            by=model,
        )
        answers.append(Explanation(score, tuple(lines_at(model, held.slots, as_of))))
    return answers


def _standing(model: CompiledModel, state: GateState | None, at: Instant) -> Standing | None:
    return None if model.activation is None else standing_at(model.activation, state, at)


def _grade(model: CompiledModel, fit: int, behaviour: int) -> Grade | None:
    return None if model.grades is None else model.grades.grade(fit, behaviour)


def tier_history(models: ModelSet, facts: Iterable[Fact], *, until: Instant) -> dict[str, list[Crossing]]:
    """Return for each model every change of tier up to ``until``, falls by cooling included.

    Everybody begins in the lowest tier; that is no change.
    """
    histories: dict[str, list[Crossing]] = {model.name: [] for model in models.models}
    state = fold(models, (fact for fact in facts if fact.occurred <= until), histories=histories)
    if state is not None:
        for model in models.models:
            tier_at(model, state.models[model.name], until, history=histories[model.name])
    return histories
