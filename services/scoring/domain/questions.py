"""Questions about a lead, answered from its facts: how many points, which tier, why, since when.

``as_of`` means: facts that occurred by then, looked at then. A caller who asks what was *known* at
some time passes only the facts received by that time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from services.scoring.domain.facts import Fact
from services.scoring.domain.ledger import Line, behaviour_total, lines_at, total
from services.scoring.domain.running_score import ScoringState, fold
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.domain.tiers import Crossing, tier_at
from shared.kernel.instants import Instant


class Score(NamedTuple):
    """What one model says of a lead at an instant; points are thousandths.

    ``behaviour`` is the part of ``points`` that what they did has brought. ``tier_since`` is None for
    a lead of which nothing had occurred yet.
    """

    model: str
    version: int
    points: int
    behaviour: int
    tier: str
    tier_since: Instant | None
    as_of: Instant


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
            Explanation(Score(model.name, model.version, 0, 0, model.tiers[0].name, None, as_of), ())
            for model in models.models
        ]
    if as_of < state.last_occurred:
        raise ValueError("a state cannot tell what was before its newest fact; ask explain_at")
    answers = []
    for model in models.models:
        held = state.models[model.name]
        tier, since = tier_at(model, held, as_of)
        score = Score(
            model=model.name,
            version=model.version,
            points=total(model, held.slots, as_of),
            behaviour=behaviour_total(model, held.slots, as_of),
            tier=model.tiers[tier].name,
            tier_since=since,
            as_of=as_of,
        )
        answers.append(Explanation(score, tuple(lines_at(model, held.slots, as_of))))
    return answers


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
