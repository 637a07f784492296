"""Which versions rule a lead: a pure function of the register's number and the lead's id."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final, NamedTuple

from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet

RENEWAL: Final = "renewal"
"""The name of a timer that rings at once, for a lead that other versions rule than it was scored under."""

_HUNDRED: Final = 100


class RuledModel(NamedTuple):
    """One model: the version that is live, and one that rules ``percent`` of a hundred leads, or None.

    ``tells_past`` says that what the live version changes is told and does not only count as told.
    """

    name: str
    live: CompiledModel | None
    shared: CompiledModel | None = None
    percent: int = 0
    tells_past: bool = False


class Ruled(NamedTuple):
    """What rules one lead, and of which of its models the past is told."""

    models: ModelSet
    tells_past: frozenset[str] = frozenset()


def is_in_share(model: str, lead: str, percent: int) -> bool:
    """Return whether a lead is among so many of a hundred; whoever is stays in it while the share grows."""
    place = int.from_bytes(blake2b(f"{model}/{lead}".encode(), digest_size=8).digest())
    return place % _HUNDRED < percent


class Ruling:
    """The versions that rule from a step of the register on, and those that look on from the shadow."""

    __slots__ = ("_models", "_sets", "live", "number", "shadows")

    def __init__(
        self,
        models: Iterable[RuledModel],
        *,
        number: int = 0,
        shadows: Iterable[CompiledModel] = (),
    ) -> None:
        self.number = number
        self.shadows = tuple(sorted(shadows, key=lambda model: model.name))
        self._models = sorted(models, key=lambda model: model.name)
        self.live = ModelSet(model.live for model in self._models if model.live is not None)
        tells_past = frozenset(model.name for model in self._models if model.tells_past)
        self._sets: dict[tuple[bool, ...], Ruled] = {
            (False,) * len(self._shares()): Ruled(self.live, tells_past)
        }

    @classmethod
    def of(cls, models: ModelSet) -> Ruling:
        """Return the ruling of models that nobody has taken a step about."""
        return cls(RuledModel(model.name, model) for model in models.models)

    def ruled(self, lead: str) -> Ruled:
        """Return what rules a lead; the very same answer for leads that the same versions rule."""
        chosen = tuple(is_in_share(model.name, lead, model.percent) for model in self._shares())
        found = self._sets.get(chosen)
        if found is None:
            found = self._sets[chosen] = self._choose(chosen)
        return found

    def _shares(self) -> list[RuledModel]:
        return [model for model in self._models if model.shared is not None]

    def _choose(self, chosen: tuple[bool, ...]) -> Ruled:
        shared = {
            model.name: model.shared for model, is_in in zip(self._shares(), chosen, strict=True) if is_in
        }
        versions = [shared.get(model.name) or model.live for model in self._models]
        tells = frozenset(
            model.name for model in self._models if model.tells_past and model.name not in shared
        )
        return Ruled(ModelSet(version for version in versions if version is not None), tells)
