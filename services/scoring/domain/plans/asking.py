"""What somebody asks about a lead, answered from all that is stored of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.scoring.domain.facts import ATTRIBUTES, Fact
from services.scoring.domain.plans.obstacles import Obstacle
from services.scoring.domain.plans.outlook import Outlook, goal_of, look_ahead
from services.scoring.domain.running_score import ScoringState, fold
from services.scoring.domain.scored_lead import ScoredLead, counted_facts
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.domain.verdicts import VERDICTS
from shared.kernel.instants import Instant


class Asked(NamedTuple):
    """What is asked for: a tier by name, activation, or without either the next tier, as of an instant.

    With ``keeps_known`` nothing that is known is to become otherwise.
    """

    model: str
    as_of: Instant
    tier: str | None = None
    activation: bool = False
    keeps_known: bool = False


def answer(models: ModelSet, lead: str, kept: ScoredLead, facts: Sequence[Fact], asked: Asked) -> Outlook:
    """Return what it would take; ``facts`` are all that are stored under the lead and may be known.

    Steps are facts of the lead's own profile. Where no fact of it would count, or none is learnt any more,
    that is the answer.

    :raises TierUnknown: if the model has no such tier.
    :raises NoGate: if activation is asked for and the model has no gate.
    """
    at = asked.as_of
    probe = Fact("plan", lead, at + 1, at + 1, ATTRIBUTES, {})
    counting = counted_facts(lead, kept, [*facts, probe])
    bars = () if probe in counting else (Obstacle("invalid"),)
    past = [fact for fact in counting if fact.occurred <= at and fact.name not in VERDICTS]
    return answer_from(models, lead, kept, fold(models, past), asked, bars=bars)


def answer_from(
    models: ModelSet,
    lead: str,
    kept: ScoredLead,
    state: ScoringState | None,
    asked: Asked,
    *,
    bars: tuple[Obstacle, ...] = (),
) -> Outlook:
    """Return what it would take, from the state as of the instant asked for; no verdict stands in it.

    :raises TierUnknown: if the model has no such tier.
    :raises NoGate: if activation is asked for and the model has no gate.
    """
    model, at = models.by_name[asked.model], asked.as_of
    if kept.erased is not None:
        bars = (Obstacle("erased"),)
    goal = goal_of(model, state, at=at, tier=asked.tier, activation=asked.activation)
    return look_ahead(model, state, goal=goal, profile=lead, at=at, keeps_known=asked.keeps_known, bars=bars)
