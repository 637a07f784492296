"""Finds the first microsecond at which a score that only falls is below a bound.

Steps are looked through first: between two of them only half-lives move the score. There an estimate
in floating point comes first, because halving the whole time between costs forty sums; the answer is
then settled on the very function that computes the score. So a poor estimate costs time and never a
wrong microsecond.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from services.scoring.domain.decay import HalfLife
from services.scoring.domain.ledger import is_counting, total
from services.scoring.domain.scoring_models.compiled import CompiledModel, Slots
from shared.kernel.instants import Instant

_STEPS = 60


class _Rule(NamedTuple):
    """The lines of one rule that halve: ``starts`` are when each begins to cool, counted from ``low``."""

    points: int
    half_life: int
    starts: tuple[int, ...]
    cap: int | None


class _Group(NamedTuple):
    """``constant`` is what its lines that do not cool by half-lives are worth together."""

    constant: int
    rules: tuple[_Rule, ...]
    cap: int | None
    floor: int | None


def first_below(model: CompiledModel, slots: Slots, bound: int, low: Instant, high: Instant) -> Instant:
    """Return the first instant of [low, high] at which the score is below ``bound``.

    The score must only fall in between, and be below ``bound`` at ``high``.
    """
    if total(model, slots, low) < bound:
        return low
    if model.sources:  # no estimate is made for combinations; halving settles them as exactly
        return _settle(model, slots, bound, low, high, low + 1)
    low, high = _between_steps(model, slots, bound, low, high)
    groups = _flatten(model, slots, low)
    if high - low == 1 or not any(group.rules for group in groups):
        return high
    guess = low + min(max(_estimate(groups, bound, high - low), 1), high - low)
    return _settle(model, slots, bound, low, high, guess)


def _between_steps(
    model: CompiledModel, slots: Slots, bound: int, low: Instant, high: Instant
) -> tuple[Instant, Instant]:
    """Return a part of [low, high] in which the score goes below ``bound`` and no step is taken inside.

    The score is not below ``bound`` at the first instant returned, but is at the second. If that takes a
    step and the score goes below ``bound`` with it, the two lie next to each other.
    """
    laws = [group.cooling for group in model.groups if any(slots[slot].marks for slot, *_ in group.members)]
    every = min([law.every for law in laws if law is not None and not isinstance(law, HalfLife)], default=0)
    if not every:
        return low, high
    while high - low > every:
        middle = (low + high) // 2
        if total(model, slots, middle) < bound:
            high = middle
        else:
            low = middle
    steps = [low, *sorted({step for step in _steps(model, slots, low, high) if low < step < high}), high]
    first = bisect_left(steps, x=True, lo=1, key=lambda at: total(model, slots, at) < bound)
    low, high = steps[first - 1], steps[first]
    return (high - 1, high) if total(model, slots, high - 1) >= bound else (low, high - 1)


def _steps(model: CompiledModel, slots: Slots, low: Instant, high: Instant) -> Iterator[Instant]:
    """Give the instants at which a line takes a step, of each line one before ``low`` and all to ``high``."""
    for group in model.groups:
        law = group.cooling
        if law is None or isinstance(law, HalfLife):
            continue
        for slot, *_ in group.members:
            for mark in slots[slot].marks:
                start = mark.granted + law.full
                done = max(0, (low - start) // law.every)
                yield from range(start + done * law.every, high + 1, law.every)


def _settle(
    model: CompiledModel, slots: Slots, bound: int, low: Instant, high: Instant, guess: Instant
) -> Instant:
    """Return the exact instant, looking ever farther from ``guess`` and then halving what is left.

    The score is not below ``bound`` at ``low``, but is at ``high``.
    """
    stride = 1
    if total(model, slots, guess) < bound:
        high = guess
        while high - stride > low and total(model, slots, high - stride) < bound:
            high, stride = high - stride, stride * 4
        low = max(low, high - stride)
    else:
        low = guess
        while low + stride < high and total(model, slots, low + stride) >= bound:
            low, stride = low + stride, stride * 4
        high = min(high, low + stride)
    while high - low > 1:
        middle = (low + high) // 2
        if total(model, slots, middle) < bound:
            high = middle
        else:
            low = middle
    return high


def _flatten(model: CompiledModel, slots: Slots, low: Instant) -> list[_Group]:
    flat = []
    for group in model.groups:
        constant, rules, law = 0, [], group.cooling
        for slot, points, cap in group.members:
            marks = slots[slot].marks
            if slot in group.dated and marks and not is_counting(slots[slot], low):
                continue
            if not isinstance(law, HalfLife):
                worths = [points if law is None else law.left(points, low - mark.granted) for mark in marks]
                constant += sum(worths) if cap is None else max(-cap, min(sum(worths), cap))
            elif marks:
                starts = tuple(mark.granted + law.full - low for mark in marks)
                rules.append(_Rule(points, law.half_life, starts, cap))
        if constant or rules:
            flat.append(_Group(constant, tuple(rules), group.cap, group.floor))
    return flat


def _estimate(groups: list[_Group], bound: int, span: int) -> int:
    """Return about how many microseconds it takes; the smooth curve first, then its last steps."""
    starts = [start for group in groups for rule in group.rules for start in rule.starts]
    low, high = 0.0, float(span)
    at = min(max(0.0, *starts, 0.0), high)
    slope = 0.0
    for _ in range(_STEPS):
        value, cooling, slope = _smooth(groups, at)
        low, high = (at, high) if value >= bound else (low, at)
        wanted = cooling - (value - bound)
        step = at + cooling / slope * math.log2(cooling / wanted) if wanted > 0 and slope else -1.0
        if abs(step - at) < 1:  # there; rounding may put it on the wrong side of what is known of the bound
            break
        after = step if low <= step <= high else (low + high) / 2
        if abs(after - at) < 1:
            break
        at = after
    earliest = at - 2 * (len(starts) + 1) / slope if slope else 0.0
    ticks = sorted(_ticks(groups, max(earliest, 0.0), at + 2))
    first = bisect_left(ticks, x=True, key=lambda tick: _stepped(groups, tick) < bound)
    return ticks[first] if first < len(ticks) else int(at) + 1


def _smooth(groups: list[_Group], at: float) -> tuple[float, float, float]:
    """Return the score without rounding, its part that is cooling, and that over its half-life."""
    value = cooling = slope = 0.0
    for constant, rules, cap, floor in groups:
        of_group, fades, falls = float(constant), 0.0, 0.0
        for points, half_life, starts, rule_cap in rules:
            fading = full = 0.0
            for start in starts:
                if at < start:
                    full += points
                else:
                    fading += points * 2.0 ** ((start - at) / half_life)
            if rule_cap is not None and full + fading > rule_cap:
                full, fading = rule_cap, 0.0
            of_group += full + fading
            fades += fading
            falls += fading / half_life
        if cap is not None and of_group > cap:
            of_group, fades, falls = cap, 0.0, 0.0
        elif floor is not None and of_group < floor:
            of_group, fades, falls = floor, 0.0, 0.0
        value += of_group
        cooling += fades
        slope += falls
    return value, cooling, slope


def _stepped(groups: list[_Group], at: int) -> int:
    """Return the score as floats see it, rounded line by line."""
    value = 0
    for constant, rules, cap, floor in groups:
        of_group = constant
        for points, half_life, starts, rule_cap in rules:
            of_rule = 0
            for start in starts:
                of_rule += points if at <= start else int(points * 2.0 ** ((start - at) / half_life))
            of_group += of_rule if rule_cap is None else min(of_rule, rule_cap)
        of_group = of_group if cap is None else min(of_group, cap)
        value += of_group if floor is None else max(of_group, floor)
    return value


def _ticks(groups: list[_Group], low: float, high: float) -> list[int]:
    """Return the instants of (low, high] at which a line loses a thousandth, as floats see them."""
    ticks = []
    for group in groups:
        for points, half_life, starts, _cap in group.rules:
            for start in starts:
                if high <= start:
                    continue
                left = int(points * 2.0 ** ((start - high) / half_life)) + 1
                while left <= points:
                    tick = start + half_life * math.log2(points / left)
                    if tick <= low:
                        break
                    ticks.append(int(tick) + 1)
                    left += 1
    return ticks
