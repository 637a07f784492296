"""What it would take, over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.scoring.api.parameters import READERS, AsOf, KnownAt
from services.scoring.api.wording.plans import (
    goal_words,
    obstacle_words,
    outlook_words,
    plan_words,
    step_words,
)
from services.scoring.api.wording.texts import WordsOut
from services.scoring.domain.facts import ATTRIBUTES
from services.scoring.domain.plans.asking import Asked
from services.scoring.domain.plans.obstacles import Obstacle
from services.scoring.domain.plans.outlook import Outlook
from services.scoring.domain.plans.plan import Plan, Step
from services.scoring.domain.scoring_models.compiled import CompiledModel
from services.scoring.queries.scores import ScoreQueries
from shared.http.access import require
from shared.http.parameters.instants import read_instant
from shared.kernel.clock import Clock
from shared.kernel.instants import Instant, format_instant


class StepOut(BaseModel):
    """Something that would be learnt: an act, or attributes.

    ``act`` is null for attributes. ``another`` names what an act is done to where it must be something else
    each time. ``not_before`` is null for at once. ``points`` is by how much the score changes with it.
    ``replaces`` are known values that would be otherwise, ``others`` fields that would do as well.
    """

    act: str | None
    fields: dict[str, object]
    another: str | None
    not_before: str | None
    points: float
    rules: list[str]
    replaces: dict[str, object]
    others: list[dict[str, object]]
    words: WordsOut


class PlanOut(BaseModel):
    """Steps that together reach the goal, none of which can be left out, and what they lead to.

    ``until`` is when time alone ends it, null if it never does.
    """

    steps: list[StepOut]
    points: float
    tier: str
    activated: bool
    until: str | None
    words: WordsOut


class ObstacleOut(BaseModel):
    """Something in the way: a stable code, the rule or group it is about, what there is, what it takes."""

    code: str
    name: str | None
    has: float | None
    needs: float | None
    words: WordsOut


class GoalOut(BaseModel):
    """What is to be reached: a tier, or activation; ``points_needed`` alone may not be enough for that."""

    tier: str | None
    activation: bool
    points_needed: float | None
    words: WordsOut


class OutlookOut(BaseModel):
    """What it would take; ``points`` and ``tier`` are null for whom the model does not score.

    ``reached`` goals have no plans, and ``until`` tells when time alone ends them. ``by_itself`` is when time
    alone reaches it. All plans of up to ``complete_up_to`` steps were looked at.
    """

    lead: str
    model: str
    version: int
    as_of: str
    points: float | None
    tier: str | None
    goal: GoalOut
    reached: bool
    until: str | None
    by_itself: str | None
    plans: list[PlanOut]
    complete_up_to: int
    obstacles: list[ObstacleOut]
    words: WordsOut


def build_plan_router(*, scores: ScoreQueries, clock: Clock) -> APIRouter:
    """Return the route."""
    router = APIRouter(prefix="/scoring/v1", tags=["scoring"])

    @router.get(
        "/leads/{lead}/what-would-it-take",
        dependencies=[require(*READERS)],
        summary="Which acts or attributes would reach the next tier, or another goal, and for how long",
    )
    async def look_ahead(
        lead: str,
        model: Annotated[str, Query(description="The model's name")],
        tier: Annotated[str | None, Query(description="A tier to reach; without it the next one")] = None,
        goal: Annotated[
            Literal["tier", "activation"], Query(description="Activation is to be ready for sales (C9)")
        ] = "tier",
        known: Annotated[
            Literal["change", "keep"],
            Query(description="With keep nothing that is known is to become otherwise"),
        ] = "change",
        as_of: AsOf = None,
        known_at: KnownAt = None,
    ) -> OutlookOut:
        asked_at = read_instant(as_of)
        at = clock.now() if asked_at is None else asked_at
        asked = Asked(model, at, tier, goal == "activation", known == "keep")
        home, outlook = await scores.find_outlook(lead, asked=asked, known_at=read_instant(known_at))
        return outlook_out(home, outlook)

    return router


def outlook_out(lead: str, outlook: Outlook) -> OutlookOut:
    """Translate what it would take."""
    model = outlook.model
    return OutlookOut(
        lead=lead,
        model=model.name,
        version=model.version,
        as_of=format_instant(outlook.as_of),
        points=None if outlook.points is None else outlook.points / 1000,
        tier=outlook.tier,
        goal=_goal_out(outlook),
        reached=outlook.is_reached,
        until=_text(outlook.until),
        by_itself=_text(outlook.by_itself),
        plans=[_plan_out(model, plan, as_of=outlook.as_of) for plan in outlook.plans],
        complete_up_to=outlook.complete,
        obstacles=[_obstacle_out(obstacle) for obstacle in outlook.obstacles],
        words=outlook_words(outlook).out(),
    )


def _goal_out(outlook: Outlook) -> GoalOut:
    model, rank = outlook.model, outlook.goal.rank
    needed = model.tiers[rank].enter if rank is not None else None
    if rank is None and model.activation is not None:
        needed = model.activation.at_least
    return GoalOut(
        tier=None if rank is None else model.tiers[rank].name,
        activation=rank is None,
        points_needed=None if needed is None else needed / 1000,
        words=goal_words(outlook).out(),
    )


def _plan_out(model: CompiledModel, plan: Plan, *, as_of: Instant) -> PlanOut:
    return PlanOut(
        steps=[_step_out(model, step, as_of=as_of) for step in plan.steps],
        points=plan.points / 1000,
        tier=plan.tier,
        activated=plan.is_activated,
        until=_text(plan.until),
        words=plan_words(model, plan).out(),
    )


def _step_out(model: CompiledModel, step: Step, *, as_of: Instant) -> StepOut:
    fact = step.fact
    return StepOut(
        act=None if fact.name == ATTRIBUTES else fact.name,
        fields=dict(step.move.fields),
        another=step.move.object_field,
        not_before=None if fact.occurred == as_of + 1 else format_instant(fact.occurred),
        points=step.points / 1000,
        rules=list(step.rules),
        replaces=dict(step.replaces),
        others=[dict(fields) for fields in step.others],
        words=step_words(model, step).out(),
    )


def _obstacle_out(obstacle: Obstacle) -> ObstacleOut:
    is_counted = obstacle.code in {"gate_unmet", "too_many_steps"}
    unit = 1 if is_counted else 1000
    return ObstacleOut(
        code=obstacle.code,
        name=obstacle.name or None,
        has=obstacle.has / unit if obstacle.has else None,
        needs=obstacle.needs / unit if obstacle.needs else None,
        words=obstacle_words(obstacle).out(),
    )


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else format_instant(instant)
