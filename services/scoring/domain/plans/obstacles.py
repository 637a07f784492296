"""Why no plan leads to a goal: what stands in the way where the largest steps have ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

from services.scoring.domain.ledger import group_total
from services.scoring.domain.plans.search import MOST_STEPS
from services.scoring.domain.plans.trial import Trial, Trials
from services.scoring.domain.rules.rule import Slot
from services.scoring.domain.scoring_models.compiled import CompiledModel, Slots
from shared.kernel.instants import Instant

Code: TypeAlias = Literal[
    "erased", "invalid", "left_out", "too_many_steps", "cap_reached", "taken_away", "gate_unmet", "not_enough"
]
"""What may stand in the way."""

_NOTHING: Final = Slot()


class Obstacle(NamedTuple):
    """Something in the way. ``name`` is the group or rule it is about, ``of`` the model whose that is.

    ``has`` is what there is, ``needs`` what it takes: thousandths of a point, of a gate acts.
    """

    code: Code
    of: CompiledModel | None = None
    name: str = ""
    has: int = 0
    needs: int = 0


def find_obstacles(trials: Trials, nearest: Trial) -> tuple[Obstacle, ...]:
    """Return what stands in the way of a goal to which the largest steps do not lead."""
    model, held = trials.model, trials.held(nearest)
    slots: Slots = held.slots if held is not None else (_NOTHING,) * len(model.rules)
    if model.leaves_out(slots):
        return (Obstacle("left_out", model),)
    found: list[Obstacle] = []
    gate = model.activation
    if trials.goal.rank is None and gate is not None:
        acts = held.gate.acts if held is not None and held.gate is not None else ()
        counting = sum(nearest.at - act.granted <= gate.window for act in acts)
        if counting < gate.count:
            found.append(Obstacle("gate_unmet", model, has=counting, needs=gate.count))
        needed = gate.at_least
    else:
        needed = model.tiers[trials.goal.rank or 0].enter or 0
    points = trials.points(nearest)
    if points < needed:
        found.append(Obstacle("not_enough", model, has=points, needs=needed))
        found += _in_the_way(model, slots, nearest.at)
    if len(nearest.taken) >= MOST_STEPS:
        found.append(Obstacle("too_many_steps", model, needs=MOST_STEPS))
    return tuple(found)


def _in_the_way(model: CompiledModel, slots: Slots, at: Instant) -> Iterator[Obstacle]:
    """Give the caps that are reached and the rules that take points away, also of a combination's sources."""
    for group in model.groups:
        if group.cap is not None and group_total(group, slots, at, at) == group.cap:
            yield Obstacle("cap_reached", model, group.name, has=group.cap, needs=group.cap)
        for member in group.members:
            worth = member.points * len(slots[member.slot].marks)
            name = model.rules[member.slot].name
            if member.cap is not None and worth >= member.cap:
                yield Obstacle("cap_reached", model, name, has=member.cap, needs=member.cap)
            if worth < 0:
                yield Obstacle("taken_away", model, name, has=worth)
    for source in model.sources:
        yield from _in_the_way(source.model, source.slots_of(slots), at)
