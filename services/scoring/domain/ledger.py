"""The ledger: what each line is worth at an instant. The score is the sum of the lines, exactly.

A cap bounds its group's, or its rule's, sum at every instant (C12), and a floor what a group may
take away. In the list of lines the newest count first; what a cap leaves over, or goes below a floor,
is taken from the oldest. A line for a date counts from one instant until another, and is nothing
before and after. A combination's lines are those of its sources, weighted. Whoever a model leaves out
has neither lines nor points in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from services.scoring.domain.decay import Law, gone_at
from services.scoring.domain.rules.rule import Mark, Slot
from services.scoring.domain.scoring_models.compiled import CompiledModel, Group, Slots, Source
from shared.kernel.instants import Instant


class Line(NamedTuple):
    """One line of a score at an instant.

    ``points`` are what it is worth then, in thousandths, and sum to the score; ``granted_points`` what
    it was worth when new; ``event`` is the fact that carries it and ``granted`` when that occurred.
    ``span`` is from when until when a line for a date counts.
    """

    rule: str
    points: int
    granted_points: int
    event: str
    granted: Instant
    object: str
    group: str
    cooling: Law | None
    span: tuple[Instant, Instant] | None = None

    @property
    def display_points(self) -> float:
        """The points as people read them."""
        return self.points / 1000


def total(model: CompiledModel, slots: Slots, at: Instant, *, minus_at: Instant | None = None) -> int:
    """Return the score at ``at`` in thousandths; nothing in ``slots`` may be granted later.

    With ``minus_at``, lines that take points away are read at that instant instead. As both sorts
    only fade, ``total(a, minus_at=b)`` is the most the score can be between a and b, and
    ``total(b, minus_at=a)`` the least, if no line for a date begins or ends in between.
    """
    if minus_at is None:
        minus_at = at
    score = 0
    for group in model.groups:
        score += group_total(group, slots, at, minus_at)
    if model.plain:
        return score
    if model.leaves_out(slots):
        return 0
    for source in model.sources:
        score += source.weighted(total(source.model, source.slots_of(slots), at, minus_at=minus_at))
    return score


def behaviour_total(model: CompiledModel, slots: Slots, at: Instant) -> int:
    """Return the part of the score that comes from what they did (N6)."""
    if model.leaves_out(slots):
        return 0
    return sum(group_total(group, slots, at, at) for group in model.groups if group.behaviour) + sum(
        source.weighted(behaviour_total(source.model, source.slots_of(slots), at)) for source in model.sources
    )


def group_total(group: Group, slots: Slots, at: Instant, minus_at: Instant) -> int:
    """Return one group's part of :func:`total`. Everything in here is done for every fact."""
    law, result = group.cooling, 0
    for slot, points, cap in group.members:
        marks = slots[slot].marks
        if not marks:
            continue
        worth = points * len(marks)
        if law is not None:
            when = at if points > 0 else minus_at
            if marks[0].granted < when - law.full:  # the oldest stands first, and has begun to cool
                worth, left = 0, law.left
                for mark in marks:
                    worth += left(points, when - mark.granted)
        elif slot in group.dated and not is_counting(slots[slot], at):
            continue
        if cap is not None and not -cap <= worth <= cap:
            worth = cap if worth > 0 else -cap
        result += worth
    if result > 0:
        return result if group.cap is None or result < group.cap else group.cap
    return result if group.floor is None or result > group.floor else group.floor


def is_counting(slot: Slot, at: Instant) -> bool:
    """Return whether ``at`` lies in the span of a line for a date."""
    begin, end = slot.recent
    return begin.granted <= at < end.granted


def steps_between(model: CompiledModel, slots: Slots, after: Instant, until: Instant) -> list[Instant]:
    """Return the instants of (after, until] at which a line for a date begins or ends, in order."""
    edges = {mark.granted for slot in model.dated for mark in slots[slot].recent}
    return sorted(edge for edge in edges if after < edge <= until)


def constant_from(model: CompiledModel, slots: Slots) -> Instant | None:
    """Return an instant from which on the score no longer changes by itself; None if it never does."""
    ends = [
        gone_at(points, slots[slot].marks[-1].granted, group.cooling)
        for group in model.groups
        if group.cooling is not None
        for slot, points, _cap in group.members
        if slots[slot].marks
    ]
    ends += [mark.granted for slot in model.dated for mark in slots[slot].recent]
    of_sources = (constant_from(source.model, source.slots_of(slots)) for source in model.sources)
    ends += [end for end in of_sources if end is not None]
    return max(ends, default=None)


def lines_at(model: CompiledModel, slots: Slots, at: Instant) -> list[Line]:
    """Return the lines that are worth anything at ``at``, largest first; they sum to the score."""
    if model.leaves_out(slots):
        return []
    lines = [line for group in model.groups for line in _group_lines(model, group, slots, at)]
    for source in model.sources:
        lines += _weighted_lines(source, lines_at(source.model, source.slots_of(slots), at))
    return sorted(lines, key=lambda line: (-line.points, line.granted, line.event, line.rule))


def _weighted_lines(source: Source, lines: Iterable[Line]) -> Iterator[Line]:
    """Return a source's lines as a combination counts them; what rounding cuts off is carried along."""
    before = counted = 0
    for line in lines:
        before += line.points
        worth, counted = source.weighted(before) - counted, source.weighted(before)
        if worth:
            yield line._replace(
                rule=f"{source.model.name}.{line.rule}",
                points=worth,
                granted_points=source.weighted(line.granted_points),
                group=f"{source.model.name}.{line.group}",
            )


def _group_lines(model: CompiledModel, group: Group, slots: Slots, at: Instant) -> Iterator[Line]:
    held: list[tuple[Mark, str, int, int]] = []
    spans: dict[str, tuple[Instant, Instant]] = {}
    for slot, points, cap in group.members:
        law = group.cooling
        if slot in group.dated and slots[slot].marks:
            if not is_counting(slots[slot], at):
                continue
            begin, end = slots[slot].recent
            spans[model.rules[slot].name] = (begin.granted, end.granted)
        worths = [
            (mark, points if law is None else law.left(points, at - mark.granted))
            for mark in slots[slot].marks
        ]
        over = abs(sum(worth for _mark, worth in worths)) - cap if cap is not None else 0
        for mark, worth in worths:
            cut = min(max(over, 0), abs(worth))
            over -= cut
            held.append((mark, model.rules[slot].name, points, worth - cut if worth > 0 else worth + cut))
    worth = sum(worth for *_rest, worth in held)
    over = 0
    if group.cap is not None and worth > group.cap:
        over = worth - group.cap
    elif group.floor is not None and worth < group.floor:
        over = worth - group.floor
    for mark, rule, points, worth in sorted(held):
        cut = min(over, max(worth, 0)) if over > 0 else max(over, min(worth, 0))
        over -= cut
        if worth != cut:
            yield Line(
                rule=rule,
                points=worth - cut,
                granted_points=points,
                event=mark.event,
                granted=mark.granted,
                object=mark.object,
                group=group.name,
                cooling=group.cooling,
                span=spans.get(rule),
            )
