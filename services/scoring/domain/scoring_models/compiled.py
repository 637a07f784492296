"""A model as it computes: immutable, checked, everything worked out that need not be worked out twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from services.scoring.domain.activation.gate import ActivationGate
from services.scoring.domain.decay import Law
from services.scoring.domain.rules.rule import Rule, Slot
from services.scoring.domain.scoring_models.grades import GradeMatrix
from services.scoring.domain.scoring_models.origin import Origin

Slots: TypeAlias = tuple[Slot, ...]
"""One slot for each rule of a model, in the model's order."""


class Tier(NamedTuple):
    """A tier; both bounds are inclusive thousandths, None is open downwards.

    ``enter`` is the least score that rises into it, ``stay`` the least that keeps somebody in it.
    """

    name: str
    enter: int | None
    stay: int | None


class Member(NamedTuple):
    """A rule in its group: where its slot stands, and what the sums need."""

    slot: int
    points: int
    cap: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rules that share a law of cooling, a cap above zero and a floor below it (thousandths).

    ``dated`` are the slots of date rules.
    """

    name: str
    behaviour: bool
    cooling: Law | None
    cap: int | None
    members: tuple[Member, ...]
    dated: frozenset[int] = frozenset()
    floor: int | None = None


class Audience(NamedTuple):
    """Whom a model scores: those for whom the rule at ``slot`` has a mark; ``label`` says who they are."""

    slot: int
    label: Mapping[str, str]


class Source(NamedTuple):
    """A model that a combination counts, by how many thousandths of its score, and where its slots begin."""

    model: CompiledModel
    weight: int
    begin: int

    def slots_of(self, slots: Slots) -> Slots:
        """Return the source's stretch of the combination's slots."""
        return slots[self.begin : self.begin + len(self.model.rules)]

    def weighted(self, points: int) -> int:
        """Return what so many thousandths of the source count, rounded towards zero."""
        worth = abs(points) * self.weight // 1000
        return worth if points >= 0 else -worth


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledModel:
    """One version of one scoring model.

    ``tiers`` stand lowest first. ``dwell`` is how many microseconds a tier is kept before it may be
    left downwards. ``steady`` says that no line is worth more when it is older. ``dated`` are the slots
    whose lines begin and end at an instant, so that a score may rise by the mere passing of time; between
    those instants it may not if the model is steady. ``group_of`` tells for each slot the place of its
    group. ``activation`` is its gate, if it has one (C9). Whoever is not of its ``audience`` has no score
    in it. A combination has ``sources`` in place of groups. ``plain`` is a model without either.
    ``grades`` are read off beside the tier. ``origin`` is what is told of it in words.
    """

    name: str
    version: int
    tiers: tuple[Tier, ...]
    dwell: int
    groups: tuple[Group, ...]
    rules: tuple[Rule, ...]
    steady: bool
    activation: ActivationGate | None = None
    audience: Audience | None = None
    sources: tuple[Source, ...] = ()
    grades: GradeMatrix | None = None
    origin: Origin | None = field(default=None, repr=False, compare=False)
    plain: bool = field(init=False, repr=False, compare=False)
    group_of: tuple[int, ...] = field(init=False, repr=False, compare=False)
    dated: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Turn the groups' lists of slots around."""
        places = {member.slot: place for place, group in enumerate(self.groups) for member in group.members}
        object.__setattr__(self, "group_of", tuple(places.get(slot, -1) for slot in range(len(self.rules))))
        dated = [slot for group in self.groups for slot in group.dated]
        dated += [source.begin + slot for source in self.sources for slot in source.model.dated]
        object.__setattr__(self, "dated", tuple(sorted(dated)))
        object.__setattr__(self, "plain", self.audience is None and not self.sources)

    def leaves_out(self, slots: Slots) -> bool:
        """Return whether somebody with these slots has no score in this model."""
        return self.audience is not None and not slots[self.audience.slot].marks

    def highest_entered(self, score: int) -> int:
        """Return the index of the highest tier whose bound the score reaches."""
        return max(i for i, tier in enumerate(self.tiers) if tier.enter is None or score >= tier.enter)

    def highest_kept(self, score: int) -> int:
        """Return the index of the highest tier that the score is enough to stay in."""
        return max(i for i, tier in enumerate(self.tiers) if tier.stay is None or score >= tier.stay)


Listeners: TypeAlias = tuple[tuple[int, tuple[tuple[int, Rule], ...]], ...]
"""For each model that cares: its place in the set, and the slots and rules that listen.

A model whose gate listens is there too, without rules if none of them does.
"""


class ModelSet:
    """Models that run side by side (C8), indexed by what their rules and gates listen to."""

    __slots__ = ("attributes", "by_act", "by_attribute", "by_name", "models")

    def __init__(self, models: Iterable[CompiledModel]) -> None:
        self.models = tuple(models)
        self.by_name: Mapping[str, CompiledModel] = {model.name: model for model in self.models}
        if len(self.by_name) < len(self.models):
            raise ValueError(
                "a set holds one version of each model; put another version into a set of its own"
            )
        rules = [rule for model in self.models for rule in model.rules]
        self.attributes = frozenset[str]().union(*(rule.attributes for rule in rules))
        gates = [model.activation for model in self.models if model.activation is not None]
        acts = frozenset[str]().union(*(rule.acts for rule in rules), *(gate.listens for gate in gates))
        self.by_act: Mapping[str, Listeners] = {act: self._listeners("acts", act) for act in acts}
        self.by_attribute: Mapping[str, Listeners] = {
            name: self._listeners("attributes", name) for name in self.attributes
        }

    def _listeners(self, channel: str, name: str) -> Listeners:
        found = []
        for place, model in enumerate(self.models):
            rules = tuple((i, rule) for i, rule in enumerate(model.rules) if name in getattr(rule, channel))
            gate = model.activation if channel == "acts" else None
            if rules or (gate is not None and name in gate.listens):
                found.append((place, rules))
        return tuple(found)
