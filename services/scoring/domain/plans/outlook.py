"""What it would take: the one question that the rest of this package answers."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from services.scoring.domain.plans.moves import moves_of
from services.scoring.domain.plans.obstacles import Obstacle, find_obstacles
from services.scoring.domain.plans.plan import Plan, crossings_after, ends_at
from services.scoring.domain.plans.search import MOST_TRIED, find_plans
from services.scoring.domain.plans.trial import Goal, Trial, Trials
from services.scoring.domain.running_score import ScoringState
from services.scoring.domain.scoring_models.compiled import CompiledModel
from services.scoring.domain.tiers import tier_at
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant


class TierUnknown(Rejected):
    """The model has no such tier; GET /scoring/v1/models lists them."""

    code: ClassVar[str] = "scoring.tier_unknown"


class NoGate(Rejected):
    """The model has no gate of activation, so nothing makes a lead ready for sales in it; ask for a tier."""

    code: ClassVar[str] = "scoring.no_gate"


class Outlook(NamedTuple):
    """What it would take, as of ``as_of``, steps being taken from then on.

    ``points`` is None for somebody whom the model does not score. ``goal`` is the rank asked for, that of the
    next tier if none was, or None for activation. ``until`` is when a goal that is reached ends by time
    alone. ``by_itself`` is when time alone reaches it. ``complete`` is up to how many steps all plans were
    looked at. ``obstacles`` say why there is no plan.
    """

    model: CompiledModel
    as_of: Instant
    points: int | None
    tier: str | None
    goal: Goal
    is_reached: bool
    until: Instant | None = None
    by_itself: Instant | None = None
    plans: tuple[Plan, ...] = ()
    complete: int = 0
    obstacles: tuple[Obstacle, ...] = ()


def goal_of(
    model: CompiledModel, state: ScoringState | None, *, at: Instant, tier: str | None, activation: bool
) -> Goal:
    """Return what is asked for: activation, the tier named, else the next one if there is any.

    :raises TierUnknown: if the model has no such tier.
    :raises NoGate: if it has no gate.
    """
    if activation:
        if model.activation is None:
            raise NoGate
        return Goal(None)
    names = [one.name for one in model.tiers]
    if tier is not None:
        if tier not in names:
            raise TierUnknown
        return Goal(names.index(tier))
    held = state.models[model.name] if state is not None else None
    if held is None or model.leaves_out(held.slots):
        return Goal(min(1, len(names) - 1))
    return Goal(min(tier_at(model, held, at).tier + 1, len(names) - 1))


def look_ahead(
    model: CompiledModel,
    state: ScoringState | None,
    *,
    goal: Goal,
    profile: str,
    at: Instant,
    keeps_known: bool = False,
    bars: tuple[Obstacle, ...] = (),
    most_tried: int = MOST_TRIED,
) -> Outlook:
    """Return what it would take to reach ``goal``.

    ``state`` is the lead's under this model by its facts up to ``at``. With ``keeps_known`` no step changes
    an attribute that is known. ``bars`` stand in the way of everything.
    """
    trials = Trials(model, state, goal=goal, profile=profile, at=at)
    now = Trial(state, at)
    held = trials.held(now)
    is_left_out = model.audience is not None and (held is None or model.leaves_out(held.slots))
    rank = tier_at(model, held, at).tier if held is not None else 0
    outlook = Outlook(
        model=model,
        as_of=at,
        points=None if is_left_out else trials.points(now),
        tier=None if is_left_out else model.tiers[rank].name,
        goal=goal,
        is_reached=trials.is_reached(now),
    )
    if outlook.is_reached:
        return outlook._replace(until=ends_at(trials, now))
    if held is not None and goal.rank is not None:
        later = crossings_after(model, held, at)
        reached = (crossing for crossing, tier in later if tier >= (goal.rank or 0))
        outlook = outlook._replace(by_itself=next(reached, None))
    if bars:
        return outlook._replace(obstacles=bars)
    attributes = state.attributes if state is not None else {}
    moves = moves_of(model, attributes, at + 1)
    if keeps_known:
        moves = [move for move in moves if move.name != "attributes" or not attributes.keys() & move.fields]
    found = find_plans(trials, moves, most_tried=most_tried)
    obstacles = () if found.plans else find_obstacles(trials, found.nearest)
    return outlook._replace(plans=found.plans, complete=found.complete, obstacles=obstacles)
