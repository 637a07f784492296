"""What scoring's answers look like on the wire; points are points here, not thousandths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from services.scoring.api.wording.lines import label_of, line_words, score_words
from services.scoring.api.wording.texts import WordsOut
from services.scoring.domain.activation.gate import Standing
from services.scoring.domain.decay import CompoundSteps, HalfLife, Law, LinearSteps
from services.scoring.domain.ledger import Line
from services.scoring.domain.questions import Explanation, Score
from services.scoring.domain.scoring_models.compiled import CompiledModel
from services.scoring.domain.scoring_models.compiler import AUDIENCE
from services.scoring.domain.tiers import Crossing
from shared.kernel.instants import DAY, HOUR, Instant, format_instant


class ActOut(BaseModel):
    """A high-value act that counts towards activation."""

    kind: str
    object: str
    event: str
    at: str


class ActivationOut(BaseModel):
    """How a lead stands with a model's gate (C9): what it takes, what counts now, when it was passed.

    ``points`` and ``activated_at`` are those of the passage, null while this sales cycle has none.
    """

    activated_at: str | None
    points: float | None
    event: str | None
    cycle: int
    points_needed: float
    acts_needed: int
    within_hours: float
    acts: list[ActOut]


class ScoreOut(BaseModel):
    """One model's score of a lead; ``lines`` and ``words`` only where the answer was asked why.

    ``activation`` is null where the model has no gate, ``grade`` where it has no grades. Whom a model leaves
    out has neither points nor tier in it; ``left_out`` says then whom it scores.
    """

    model: str
    version: int
    points: float | None
    tier: str | None
    tier_since: str | None
    behaviour_points: float
    as_of: str
    activation: ActivationOut | None = None
    grade: GradeOut | None = None
    left_out: dict[str, str] | None = None
    words: WordsOut | None = None
    lines: list[LineOut] | None = None


class GradeOut(BaseModel):
    """The letters of fit and behaviour, and the grade that they make together."""

    fit: str
    behaviour: str
    grade: str


class LineOut(BaseModel):
    """One line of a score; the lines sum to its points exactly.

    ``decay_law`` names the law by which it cools as documents do, ``decay`` says it in words; both are
    null for a line that never cools. ``label`` is what the rule is called, ``words`` the whole line in a
    sentence.
    """

    rule: str
    points: float
    granted_points: float
    event: str
    granted_at: str
    object: str
    group: str
    decay: str | None
    decay_law: str | None = None
    label: WordsOut
    words: WordsOut


class ScoresOut(BaseModel):
    """The answer to `scores` and `why`; with one model the model's fields stand at the top, too."""

    lead: str
    scores: list[ScoreOut]


class WhyOut(ScoresOut):
    """The scores, and for the model asked for (or the first) its points and lines at the top."""

    model: str
    version: int
    points: float | None
    tier: str | None
    words: WordsOut | None
    lines: list[LineOut]


class ModelOut(BaseModel):
    """A live scoring model."""

    model: str
    version: int
    tiers: list[str]
    rules: list[str]


def score_out(score: Score, lines: Sequence[Line] | None = None) -> ScoreOut:
    """Translate a score."""
    is_left_out = score.left_out is not None
    model = score.by
    return ScoreOut(
        model=score.model,
        version=score.version,
        points=None if is_left_out else score.points / 1000,
        tier=None if is_left_out else score.tier,
        tier_since=None if is_left_out else _text(score.tier_since),
        behaviour_points=score.behaviour / 1000,
        as_of=format_instant(score.as_of),
        activation=None if score.activation is None else standing_out(score.activation),
        grade=None if score.grade is None else GradeOut(**score.grade._asdict()),
        left_out=None if score.left_out is None else dict(score.left_out),
        words=score_words(Explanation(score, tuple(lines)), model).out()
        if lines is not None and model is not None
        else None,
        lines=[line_out(line, model, at=score.as_of) for line in lines]
        if lines is not None and model is not None
        else None,
    )


def standing_out(standing: Standing) -> ActivationOut:
    """Translate how a lead stands with a gate."""
    gate, passage = standing.gate, standing.passage
    acts = []
    for mark in standing.acts:
        kind, _, done_to = mark.object.partition(":")
        acts.append(ActOut(kind=kind, object=done_to, event=mark.event, at=format_instant(mark.granted)))
    return ActivationOut(
        activated_at=None if passage is None else format_instant(passage.place.occurred),
        points=None if passage is None else passage.points / 1000,
        event=None if passage is None else passage.place.id,
        cycle=standing.cycle,
        points_needed=gate.at_least / 1000,
        acts_needed=gate.count,
        within_hours=gate.window / HOUR,
        acts=acts,
    )


def line_out(line: Line, model: CompiledModel, *, at: Instant) -> LineOut:
    """Translate a line of a model's score at an instant."""
    return LineOut(
        rule=line.rule,
        points=line.points / 1000,
        granted_points=line.granted_points / 1000,
        event=line.event,
        granted_at=format_instant(line.granted),
        object=line.object,
        group=line.group,
        decay=_decay_of(line),
        decay_law=None if line.cooling is None else line.cooling.name,
        label=label_of(model, line.rule).out(),
        words=line_words(model, line, at=at).out(),
    )


def why_out(lead: str, explanations: Sequence[Explanation]) -> WhyOut:
    """Translate explanations."""
    scores = [score_out(answer.score, answer.lines) for answer in explanations]
    first = scores[0]
    return WhyOut(
        lead=lead,
        scores=scores,
        model=first.model,
        version=first.version,
        points=first.points,
        tier=first.tier,
        words=first.words,
        lines=first.lines or [],
    )


def model_out(model: CompiledModel) -> ModelOut:
    """Translate a model, highest tier first."""
    return ModelOut(
        model=model.name,
        version=model.version,
        tiers=[tier.name for tier in reversed(model.tiers)],
        rules=[rule.name for rule in model.rules if not rule.name.endswith(AUDIENCE)],
    )


def crossing_out(crossing: Crossing) -> dict[str, Any]:
    """Translate a change of tier by the facts."""
    return {
        "at": format_instant(crossing.at),
        "from_tier": crossing.from_tier,
        "to_tier": crossing.to_tier,
        "points": crossing.points / 1000,
        "event": crossing.event or None,
    }


def _decay_of(line: Line) -> str | None:
    if line.span is not None:
        begin, end = map(format_instant, line.span)
        return f"counts from {begin} until {end}"
    return None if line.cooling is None else _words(line.cooling)


def _words(law: Law) -> str:
    full = f"full for {law.full // HOUR} h, then"
    match law:
        case HalfLife():
            return f"{full} halves every {law.half_life // DAY} days"
        case LinearSteps():
            return f"{full} loses {law.percent} % of what was granted every {law.every // DAY} days"
        case CompoundSteps():
            return f"{full} loses {law.percent} % of what is left every {law.every // DAY} days"


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else format_instant(instant)
