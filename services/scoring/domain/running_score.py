"""The running score of one lead: advanced fact by fact, or folded from all facts, with one result.

The state is bounded by the rules and the objects that still count, never by the length of a lead's
history. It is advanced only by a fact that is newer, by (occurred, id), than every fact it holds; for
an older one, and after a fact was withdrawn, fold all facts again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import TypeAlias

import msgspec

from services.scoring.domain.facts import ATTRIBUTES, Fact, in_order
from services.scoring.domain.ledger import group_total, steps_between, total
from services.scoring.domain.rules.rule import EMPTY, Rule
from services.scoring.domain.scoring_models.compiled import CompiledModel, Listeners, ModelSet, Slots
from services.scoring.domain.tiers import Crossing, Held, ModelState, enter, tier_at
from shared.kernel.instants import Instant

Value: TypeAlias = str | int | float | bool | list[str]
"""What an attribute may hold in a state."""

Histories: TypeAlias = Mapping[str, list[Crossing]]
"""For each model the list to which its crossings are added."""


class ScoringState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """All that scoring holds of one lead after its newest fact; packs into msgpack.

    ``attributes`` are those that some rule reads, merged one by one, the newest fact winning.
    ``models`` holds a state for each model of the set it was made with.
    """

    last_occurred: Instant
    last_fact: str
    attributes: dict[str, Value]
    models: dict[str, ModelState]


def is_in_order(state: ScoringState | None, fact: Fact) -> bool:
    """Return whether ``fact`` is newer than all that ``state`` holds, so that it may be advanced."""
    return state is None or (state.last_occurred, state.last_fact) < (fact.occurred, fact.id)


def is_current(models: ModelSet, state: ScoringState) -> bool:
    """Return whether ``state`` was made with these models in these versions; if not, fold again."""
    return state.models.keys() == models.by_name.keys() and all(
        held.version == models.by_name[name].version for name, held in state.models.items()
    )


def fold(
    models: ModelSet,
    facts: Iterable[Fact],
    *,
    withdrawn: AbstractSet[str] = frozenset(),
    histories: Histories | None = None,
) -> ScoringState | None:
    """Return the state after all facts, in whatever order they are given; None if there are none."""
    state: ScoringState | None = None
    for fact in in_order(facts, withdrawn=withdrawn):
        state = advance(models, state, fact, histories=histories)
    return state


def advance(
    models: ModelSet, state: ScoringState | None, fact: Fact, *, histories: Histories | None = None
) -> ScoringState:
    """Return the state after ``fact``; ``state`` itself is left as it is.

    :raises ValueError: if the fact is not in order, see :func:`is_in_order`.
    """
    if not is_in_order(state, fact):
        raise ValueError("this fact is not newer than the state; fold all facts of the lead again")
    attributes: dict[str, Value] = {} if state is None else state.attributes
    held = _beginning(models, fact.occurred) if state is None else state.models
    if fact.name == ATTRIBUTES:
        attributes, changed = _merge(models, attributes, fact.fields)
        listeners = _listeners_to(models, changed)
    else:
        listeners = models.by_act.get(fact.name, ())
    if listeners:
        held = dict(held)
        for place, rules in listeners:
            model = models.models[place]
            history = histories[model.name] if histories is not None else None
            held[model.name] = _advance_model(model, held[model.name], rules, fact, attributes, history)
    return ScoringState(fact.occurred, fact.id, attributes, held)


def _beginning(models: ModelSet, at: Instant) -> dict[str, ModelState]:
    """Everybody begins in the lowest tier, without a change being told."""
    return {
        model.name: ModelState(model.version, 0, at, at - 1, (EMPTY,) * len(model.rules))
        for model in models.models
    }


def _merge(
    models: ModelSet, attributes: dict[str, Value], fields: Mapping[str, object]
) -> tuple[dict[str, Value], list[str]]:
    """Return the attributes after ``fields``, and which of those that some rule reads have changed."""
    merged = attributes
    changed: list[str] = []
    for name, value in fields.items():
        known = merged.get(name)
        if name not in models.attributes or (known == value and type(known) is type(value)):
            continue
        if not changed:
            merged = dict(attributes)
        changed.append(name)
        if isinstance(value, str | int | float):
            merged[name] = value
        elif isinstance(value, list | tuple | set | frozenset):
            merged[name] = sorted(str(part) for part in value)
        else:
            merged.pop(name, None)
    return merged, changed


def _listeners_to(models: ModelSet, changed: list[str]) -> Listeners:
    """Return the rules that read one of these attributes, each rule once."""
    if len(changed) <= 1:
        return models.by_attribute[changed[0]] if changed else ()
    found: dict[int, dict[int, Rule]] = {}
    for name in changed:
        for place, rules in models.by_attribute[name]:
            found.setdefault(place, {}).update(rules)
    return tuple((place, tuple(rules.items())) for place, rules in found.items())


def _advance_model(
    model: CompiledModel,
    state: ModelState,
    rules: Iterable[tuple[int, Rule]],
    fact: Fact,
    attributes: Mapping[str, object],
    history: list[Crossing] | None,
) -> ModelState:
    """Let the rules see the fact; if a line changed, settle the tier up to it and then with it.

    The model's gate sees it, too, and opens if there are points enough then.
    """
    slots = None
    touched: set[int] = set()
    for index, rule in rules:
        before = state.slots[index]
        after = rule.advance(before, fact, attributes)
        if after is not before:
            slots = slots or list(state.slots)
            slots[index] = after
            touched.add(model.group_of[index])
    at, gate, remembered = fact.occurred, model.activation, state.gate
    if gate is not None and fact.name in gate.listens:
        remembered = gate.learn(remembered, fact)
    if slots is None:
        if gate is None or remembered is state.gate:
            return state
        if gate.is_ready(remembered, at):
            remembered = gate.open(remembered, fact, total(model, state.slots, at))
        return ModelState(model.version, state.tier, state.since, state.through, state.slots, remembered)
    new_slots = tuple(slots)
    held, score = _settle(model, state, new_slots, touched, at, history)
    if not model.plain and model.leaves_out(new_slots):
        entered = Held(0, at) if held.tier else held
    else:
        entered = enter(model, held, score, at)
    if history is not None and entered.tier != held.tier:
        names = model.tiers[held.tier].name, model.tiers[entered.tier].name
        history.append(Crossing(at, *names, score, fact.id))
    if gate is not None and gate.is_ready(remembered, at):
        remembered = gate.open(remembered, fact, score)
    return ModelState(model.version, *entered, at, new_slots, remembered)


def _settle(
    model: CompiledModel,
    state: ModelState,
    new_slots: Slots,
    touched: Iterable[int],
    at: Instant,
    history: list[Crossing] | None,
) -> tuple[Held, int]:
    """Return the tier held just before ``at``, and the score at ``at`` with the new slots.

    A score that only falls by itself, and without the fact would be enough to stay at ``at``, has been
    enough until then; so the tier need not be looked for. Only ``touched`` groups are summed anew.
    """
    if not model.plain:
        return tier_at(model, state, at - 1, history=history), total(model, new_slots, at)
    stay = model.tiers[state.tier].stay
    only_falls = model.steady and not (model.dated and steps_between(model, state.slots, state.through, at))
    if stay is None and only_falls:
        return Held(state.tier, state.since), total(model, new_slots, at)
    parts = [group_total(group, state.slots, at, at) for group in model.groups]
    if only_falls and stay is not None and sum(parts) >= stay:
        held = Held(state.tier, state.since)
    else:
        held = tier_at(model, state, at - 1, history=history)
    for place in touched:
        parts[place] = group_total(model.groups[place], new_slots, at, at)
    return held, sum(parts)


def held_at(models: ModelSet, state: ScoringState, at: Instant) -> Mapping[str, Held]:
    """Return for each model the tier held at ``at``, not before the newest fact, and since when."""
    return {model.name: tier_at(model, state.models[model.name], at) for model in models.models}
