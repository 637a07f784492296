"""What might be learnt of a lead that some rule of a model listens to: the moves that plans are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import combinations, islice, product
from typing import Final, NamedTuple

from services.scoring.domain.facts import ATTRIBUTES, Fact
from services.scoring.domain.rules.attribute import AttributeRule
from services.scoring.domain.rules.date import DateRule, span_before
from services.scoring.domain.scoring_models.compiled import CompiledModel
from services.scoring.domain.scoring_models.origin import Origin
from services.scoring.domain.vocabulary import Vocabulary
from shared.conditions.examples import find_examples
from shared.kernel.instants import Instant, to_datetime

_MOST_EACH: Final = 40
"""Of one condition no more values are tried."""

_MOST_MOVES: Final = 400
_LONGEST_MONTH: Final = 31


class Move(NamedTuple):
    """Something that may be learnt: an act, or attributes where ``name`` is that of such facts.

    ``object_field`` is the field of an act that names each time another object, so that acts on different
    things are different; None if what it is done to does not matter or is among ``fields``. ``others`` are
    fields that would do the same, as far as is known.
    """

    name: str
    fields: Mapping[str, object]
    object_field: str | None = None
    others: tuple[Mapping[str, object], ...] = ()

    def fact(self, identity: str, at: Instant, *, profile: str, number: int) -> Fact:
        """Return the fact that it would be, as step ``number`` of a plan."""
        fields = dict(self.fields)
        if self.object_field is not None:
            fields[self.object_field] = f"(another {number})"
        return Fact(identity, profile, at, at, self.name, fields)


def moves_of(model: CompiledModel, attributes: Mapping[str, object], at: Instant) -> list[Move]:
    """Return what rules, audience and gate of a model listen to; ``attributes`` are what is known by ``at``.

    For points that are taken away there are the moves that would end it. What is known already is left out of
    a move, and each move appears once.
    """
    unique = {(move.name, repr(sorted(move.fields.items()))): move for move in _moves(model, attributes, at)}
    return list(islice(unique.values(), _MOST_MOVES))


def _moves(model: CompiledModel, attributes: Mapping[str, object], at: Instant) -> Iterator[Move]:
    origin = model.origin
    if origin is None:
        return
    acts: list[Move] = []
    for rule in model.rules:
        condition = origin.conditions.get(rule.name)
        if isinstance(rule, DateRule):
            yield from _days(rule, condition, origin, attributes, at)
        elif isinstance(rule, AttributeRule):
            if condition is not None:
                yield from _attributes(condition, origin, attributes, is_to_hold=rule.points > 0)
        elif rule.name in origin.conditions:
            acts += _acts(sorted(rule.acts), condition, origin.vocabulary)
    if origin.audience is not None:
        yield from _attributes(origin.audience, origin, attributes, is_to_hold=True)
    if model.activation is not None:
        kinds = {kind.name: sorted(kind.objects) for some in model.activation.acts.values() for kind in some}
        for name, of_kind in kinds.items():
            acts += _acts(of_kind, origin.gate_conditions.get(name), origin.vocabulary)
    yield from acts
    yield from _merged(acts)
    for source in model.sources:
        yield from _moves(source.model, attributes, at)


def _attributes(
    condition: Mapping[str, object], origin: Origin, attributes: Mapping[str, object], *, is_to_hold: bool
) -> Iterator[Move]:
    vocabulary = origin.vocabulary
    ways = find_examples(
        condition,
        catalogue=vocabulary.attributes,
        lists=vocabulary.lists,
        present=attributes,
        is_to_hold=is_to_hold,
    )
    for fields in _each(ways):
        if fields:
            yield Move(ATTRIBUTES, fields)


def _days(
    rule: DateRule,
    condition: Mapping[str, object] | None,
    origin: Origin,
    attributes: Mapping[str, object],
    at: Instant,
) -> Iterator[Move]:
    """Of points that are given tell the last day for which they count now, of others the first too far."""
    day = _last_day(rule, at)
    if day is None:
        return
    ways: list[Mapping[str, tuple[object, ...]]] = [{}]
    if condition is not None:
        catalogue, lists = origin.vocabulary.attributes, origin.vocabulary.lists
        ways = find_examples(condition, catalogue=catalogue, lists=lists, present=attributes)
    for fields in _each(ways):
        yield Move(ATTRIBUTES, {**fields, rule.field: day})


def _last_day(rule: DateRule, at: Instant) -> str | None:
    """Return the last day that is near enough at ``at``, or the first that is not if it takes points."""
    here = to_datetime(at).astimezone(rule.zone).date()
    near = None
    for days in range(_LONGEST_MONTH * (rule.months + 1), 0, -1):
        day = (here + timedelta(days=days)).isoformat()
        span = span_before(day, rule.months, rule.zone)
        if span is not None and span[0] <= at < span[1]:
            return day if rule.points > 0 else near
        near = day
    return None


def _acts(acts: Iterable[str], condition: Mapping[str, object] | None, known: Vocabulary) -> Iterator[Move]:
    names = list(acts)
    if condition is None:
        each: list[dict[str, object]] = [{}]
    else:
        first = known.acts[names[0]].fields
        shared = {
            name: kind
            for name, kind in first.items()
            if all(known.acts[act].fields.get(name) == kind for act in names)
        }
        each = list(_each(find_examples(condition, catalogue=shared, lists=known.lists)))
    for act in names:
        named = known.acts[act].object_field
        for fields in each:
            told = {name: value for name, value in fields.items() if value is not None}
            yield Move(act, told, None if named in told else named)


def _merged(acts: list[Move]) -> Iterator[Move]:
    """Return acts that do what two of these do, where they do not contradict each other."""
    for one, other in combinations(acts, 2):
        if one.name == other.name and one.fields and other.fields and not one.fields.keys() & other.fields:
            fields = {**one.fields, **other.fields}
            yield Move(one.name, fields, None if one.object_field in fields else one.object_field)


def _each(ways: Iterable[Mapping[str, tuple[object, ...]]]) -> Iterator[dict[str, object]]:
    """Return each choice of values that some way leaves, the likeliest first."""
    for way in ways:
        for values in islice(product(*way.values()), _MOST_EACH):
            yield dict(zip(way, values, strict=True))
