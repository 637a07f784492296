"""The search for plans: the smallest first, and one that takes the largest steps where many are needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import Final, NamedTuple

from services.scoring.domain.facts import ATTRIBUTES
from services.scoring.domain.plans.moves import Move
from services.scoring.domain.plans.plan import Plan, describe, is_minimal, without_needless
from services.scoring.domain.plans.trial import Taken, Trial, Trials
from services.scoring.domain.rules.times import TimesRule
from services.scoring.domain.rules.window import WindowRule

MOST_STEPS: Final = 10
"""No plan has more steps."""

MOST_PLANS: Final = 8
"""No more plans are told."""

MOST_TRIED: Final = 2_000
"""After so many facts were scored on trial the search for small plans ends."""


class Found(NamedTuple):
    """What the search found, smallest plans first.

    ``complete`` is up to how many steps all plans were looked at. ``nearest`` is the lead after the largest
    steps, one after the other: as near to the goal as they led.
    """

    plans: tuple[Plan, ...]
    complete: int
    nearest: Trial


def find_plans(trials: Trials, moves: Sequence[Move], *, most_tried: int = MOST_TRIED) -> Found:
    """Look for plans; the goal must not be reached yet."""
    moves = _alike_together(trials, moves)
    nearest = _take_the_largest(trials, moves)
    looked = list(_smallest_first(trials, moves, most_tried=trials.tried + most_tried))
    wanted, complete = [taken for _, taken in looked if taken], looked[-1][0]
    if trials.is_reached(nearest):
        taken = without_needless(trials, nearest.taken)
        if len(taken) > complete and taken not in wanted and is_minimal(trials, taken):
            wanted.append(taken)
    plans = sorted((describe(trials, taken) for taken in wanted), key=_order)
    return Found(tuple(plans[:MOST_PLANS]), complete, nearest)


def _order(plan: Plan) -> tuple[int, int, int, int]:
    """Small ones first, then those that change nothing that is known, that wait least, that lead farthest."""
    replaced = sum(bool(step.replaces) for step in plan.steps)
    return len(plan.steps), replaced, plan.steps[-1].fact.occurred, -plan.points


def _alike_together(trials: Trials, moves: Sequence[Move]) -> list[Move]:
    """Return those moves that have an effect, nearest first; of those with the same effect the first."""
    alike: dict[object, list[Move]] = {}
    nearness: dict[object, int] = {}
    for move in moves:
        chances = trials.chances(trials.begin, move)
        if chances:
            held = trials.held(chances[0])
            assert held is not None
            effect = move.name, frozenset(move.fields), move.object_field, held.slots, held.gate
            alike.setdefault(effect, []).append(move)
            nearness.setdefault(effect, min(trials.distance(chance) for chance in chances))
    ordered = sorted(alike, key=lambda effect: (nearness[effect], _changes_known(trials, alike[effect][0])))
    return [
        alike[effect][0]._replace(others=tuple(move.fields for move in alike[effect][1:]))
        for effect in ordered
    ]


def _changes_known(trials: Trials, move: Move) -> bool:
    known: Mapping[str, object] = trials.begin.state.attributes if trials.begin.state is not None else {}
    return move.name == ATTRIBUTES and any(name in known for name in move.fields)


def _take_the_largest(trials: Trials, moves: Sequence[Move]) -> Trial:
    """Take whatever brings the goal nearest for each step, until nothing brings it nearer."""
    trial = trials.begin
    while (distance := trials.distance(trial)) and len(trial.taken) < MOST_STEPS:
        best, most = trial, 0.0
        for move in moves:
            for after in _onwards(trials, trial, move):
                gained = (distance - trials.distance(after)) / (len(after.taken) - len(trial.taken))
                if gained > most:
                    best, most = after, gained
        if best is trial:
            break
        trial = best
    return trial


def _onwards(trials: Trials, trial: Trial, move: Move) -> Iterator[Trial]:
    """Give the lead after one more step, and after as many of it as first bring the goal nearer."""
    chances = trials.chances(trial, move)
    yield from chances
    rules = [rule for rule in trials.model.rules if move.name in rule.acts]
    times = max((rule.at_least for rule in rules if isinstance(rule, WindowRule | TimesRule)), default=1)
    distance = trials.distance(trial)
    while chances and trials.distance(chances[0]) >= distance:
        after = chances[0]
        if len(after.taken) - len(trial.taken) >= times or len(after.taken) >= MOST_STEPS:
            return
        chances = trials.chances(after, move)
        yield from chances[:1]


def _smallest_first(
    trials: Trials, moves: Sequence[Move], *, most_tried: int
) -> Iterator[tuple[int, tuple[Taken, ...]]]:
    """Give plans, and up to how many steps all were looked at; empty is no plan.

    It ends when there are enough, or when enough was tried.
    """
    numbers = count()
    heap: list[tuple[int, int, int, int, Trial]] = [(0, 0, next(numbers), 0, trials.begin)]
    known: list[tuple[Counter[int], int]] = []
    place_of = {id(move): place for place, move in enumerate(moves)}
    while heap:
        size, _, _, first, trial = heappop(heap)
        yield size, ()
        if trials.tried >= most_tried or (len(known) >= MOST_PLANS and size >= max(n for _, n in known)):
            return
        so_far = Counter(place_of[id(one.move)] for one in trial.taken)
        for place in range(first, len(moves)):
            if any(plan <= so_far + Counter([place]) for plan, _ in known):
                continue
            for after in trials.chances(trial, moves[place]):
                if trials.is_reached(after):
                    if is_minimal(trials, after.taken):
                        known.append((so_far + Counter([place]), size + 1))
                        yield size, after.taken
                        break
                elif size + 1 < MOST_STEPS:
                    distance = trials.distance(after)
                    heappush(heap, (size + 1, distance, next(numbers), place, after))
    yield MOST_STEPS, ()
