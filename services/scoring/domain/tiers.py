"""Tiers over time: rises at once, falls late, every crossing at its exact microsecond.

After the facts up to an instant are known, the score moves by time alone: lines cool, and lines for a
date begin and end. This module finds the first microsecond at which a tier is left, upwards or
downwards, on the very function that computes the score, so that a timer set to it fires neither early
nor late. Where lines begin and end is known, so the search goes from one such instant to the next.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from services.scoring.domain.activation.gate import GateState
from services.scoring.domain.descent import first_below
from services.scoring.domain.ledger import constant_from, steps_between, total
from services.scoring.domain.scoring_models.compiled import CompiledModel, Slots
from shared.kernel.instants import Instant


class ModelState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one model holds of one lead after the facts up to ``through``.

    ``tier`` counts from the lowest and has been held since ``since``; ``version`` is the model's. What
    its gate remembers is newer where facts have changed nothing else; None is a gate that heard nothing.
    """

    version: int
    tier: int
    since: Instant
    through: Instant
    slots: Slots
    gate: GateState | None = None


class Crossing(NamedTuple):
    """From one tier to another at an instant; ``event`` is the fact that did it, empty if time alone did."""

    at: Instant
    from_tier: str
    to_tier: str
    points: int
    event: str = ""


class Held(NamedTuple):
    """A tier and since when it is held."""

    tier: int
    since: Instant


class Outlook(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The tier held at an instant, since when, and when time alone changes it next; None is never.

    Kept with a lead, ``changes`` is an instant before which time alone does not.
    """

    tier: int
    since: Instant
    changes: Instant | None

    @property
    def held(self) -> Held:
        """Return what is held."""
        return Held(self.tier, self.since)

    def is_no_later_than(self, exact: Outlook) -> bool:
        """Return whether this is the same tier, and its next change awaited in time."""
        due = exact.changes
        return self.held == exact.held and (due is None or (self.changes is not None and self.changes <= due))


def outlook(model: CompiledModel, state: ModelState, at: Instant) -> Outlook:
    """Return what :func:`tier_at` does, and the next change after it, with one search for each change."""
    held, through, slots = Held(state.tier, state.since), state.through, state.slots
    if model.leaves_out(slots):
        return Outlook(held.tier, held.since, None)
    if _is_left_just_then(model, slots, held, through, at):
        held, through = enter(model, held, total(model, slots, at), at), at
    while (crossing := _next_change(model, slots, held, through)) is not None and crossing <= at:
        held, through = enter(model, held, total(model, slots, crossing), crossing), crossing
    return Outlook(held.tier, held.since, crossing)


def _is_left_just_then(model: CompiledModel, slots: Slots, held: Held, through: Instant, at: Instant) -> bool:
    """Return True if ``at`` is the first instant after ``through`` at which the tier is left downwards.

    That is when clocks ring, and two sums tell. Where a score may rise by itself it is not looked for.
    """
    stay, may_fall = model.tiers[held.tier].stay, max(through + 1, held.since + model.dwell)
    if stay is None or may_fall > at or not model.steady or model.dated or total(model, slots, at) >= stay:
        return False
    return at == may_fall or total(model, slots, at - 1) >= stay


def tier_at(
    model: CompiledModel, state: ModelState, at: Instant, *, history: list[Crossing] | None = None
) -> Held:
    """Return the tier held at ``at``, not before the state's own instant, if no further fact occurs.

    What happens on the way is added to ``history``. A tier is left when the score is at its bound
    less the margin, or below, and it has been held for the dwell; then for the highest tier that the
    score is enough to stay in (C12).
    """
    held, through = Held(state.tier, state.since), state.through
    if model.leaves_out(state.slots):
        return held
    while through < at:
        crossing = _first_crossing(model, state.slots, held, through + 1, at)
        if crossing is None:
            break
        before, through = held, crossing
        points = total(model, state.slots, crossing)
        held = enter(model, before, points, crossing)
        if history is not None:
            names = model.tiers[before.tier].name, model.tiers[held.tier].name
            history.append(Crossing(crossing, *names, points))
    return held


def next_crossing(model: CompiledModel, state: ModelState) -> Crossing | None:
    """Return the next change of tier that time alone will bring, or None if it will bring none."""
    if model.leaves_out(state.slots):
        return None
    held = Held(state.tier, state.since)
    crossing = _next_change(model, state.slots, held, state.through)
    if crossing is None:
        return None
    points = total(model, state.slots, crossing)
    after = enter(model, held, points, crossing)
    return Crossing(crossing, model.tiers[held.tier].name, model.tiers[after.tier].name, points)


def _next_change(model: CompiledModel, slots: Slots, held: Held, through: Instant) -> Instant | None:
    """Return the first instant after ``through`` at which time alone changes the tier, if it ever does."""
    if held.tier == 0 and model.steady and not model.dated:
        return None
    constant = constant_from(model, slots)
    last = max(through if constant is None else constant, held.since + model.dwell, through + 1)
    return _first_crossing(model, slots, held, through + 1, last)


def enter(model: CompiledModel, held: Held, score: int, at: Instant) -> Held:
    """Return the tier held from ``at`` on, where the score has become ``score``: up at once, down late."""
    tiers = model.tiers
    above = tiers[held.tier + 1].enter if held.tier + 1 < len(tiers) else None
    if above is not None and score >= above:
        return Held(model.highest_entered(score), at)
    stay = tiers[held.tier].stay
    if stay is not None and score < stay and at >= held.since + model.dwell:
        return Held(model.highest_kept(score), at)
    return held


def _first_crossing(
    model: CompiledModel, slots: Slots, held: Held, low: Instant, high: Instant
) -> Instant | None:
    """Return the first instant of [low, high] at which ``held`` is left for another tier."""
    if not model.dated:
        return _crossing_between_steps(model, slots, held, low, high)
    rise = model.tiers[held.tier + 1].enter if held.tier + 1 < len(model.tiers) else None
    begins = [low, *steps_between(model, slots, low, high)]
    for begin, end in zip(begins, [*(step - 1 for step in begins[1:]), high], strict=True):
        if rise is not None and total(model, slots, begin) >= rise:
            return begin
        crossing = _crossing_between_steps(model, slots, held, begin, end)
        if crossing is not None:
            return crossing
    return None


def _crossing_between_steps(
    model: CompiledModel, slots: Slots, held: Held, low: Instant, high: Instant
) -> Instant | None:
    """Return what :func:`_first_crossing` does, where no line for a date begins or ends after ``low``."""
    stay = model.tiers[held.tier].stay
    may_fall = max(low, held.since + model.dwell)
    if model.steady:
        if stay is None or may_fall > high or total(model, slots, high) >= stay:
            return None
        return first_below(model, slots, stay, may_fall, high)
    rise = model.tiers[held.tier + 1].enter if held.tier + 1 < len(model.tiers) else None
    early = _search(model, slots, None, rise, low, min(high, may_fall - 1))
    return early if early is not None else _search(model, slots, stay, rise, may_fall, high)


def _search(
    model: CompiledModel, slots: Slots, stay: int | None, rise: int | None, low: Instant, high: Instant
) -> Instant | None:
    """Return the first instant of [low, high] at which the score is below ``stay`` or reaches ``rise``.

    Lines fade, in either direction, so the score between two instants lies between two sums; halves
    in which neither bound can be crossed are left out.
    """
    if low > high:
        return None
    may_fall = stay is not None and total(model, slots, high, minus_at=low) < stay
    may_rise = rise is not None and total(model, slots, low, minus_at=high) >= rise
    if not may_fall and not may_rise:
        return None
    if low == high:
        return low
    middle = (low + high) // 2
    first = _search(model, slots, stay, rise, low, middle)
    return first if first is not None else _search(model, slots, stay, rise, middle + 1, high)
