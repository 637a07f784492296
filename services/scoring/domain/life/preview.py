"""What a publication would change now, lead by lead, counted before it happens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from services.scoring.domain.effects import TierChange, Told, activations_to_emit, changes_to_emit
from services.scoring.domain.facts import Fact
from services.scoring.domain.running_score import fold
from services.scoring.domain.scoring_models.compiled import ModelSet
from shared.kernel.instants import Instant


class Foreseen(NamedTuple):
    """What telling one lead's past would say: the change of its tier, and whether it is ready for sales."""

    change: TierChange | None
    is_activated: bool


class Shift(msgspec.Struct, array_like=True):
    """How many leads of one owner would rise and fall."""

    up: int = 0
    down: int = 0


class Tally(msgspec.Struct):
    """What was counted: leads looked at, those that would rise and fall, and whose they are.

    ``activated`` would be told to be ready for sales, if the past were told. ``moves`` counts the changes
    by their tiers, ``owners`` by rep; the empty name is nobody's.
    """

    leads: int = 0
    up: int = 0
    down: int = 0
    activated: int = 0
    moves: dict[str, int] = {}
    owners: dict[str, Shift] = {}

    @property
    def affected(self) -> int:
        """How many leads would change their tier."""
        return self.up + self.down

    def add(self, foreseen: Foreseen, *, owner: str) -> None:
        """Count one lead."""
        self.leads += 1
        self.activated += foreseen.is_activated
        change = foreseen.change
        if change is None:
            return
        shift = self.owners.setdefault(owner, Shift())
        if change.direction == "up":
            self.up += 1
            shift.up += 1
        else:
            self.down += 1
            shift.down += 1
        move = f"{change.from_tier} > {change.to_tier}"
        self.moves[move] = self.moves.get(move, 0) + 1


def foresee(models: ModelSet, told: Told, facts: Iterable[Fact], *, now: Instant) -> Foreseen:
    """Return what one version, alone in ``models``, would say of a lead with these counting facts.

    ``told`` is what others have been told. It is what publishing it and telling the past would tell at
    ``now``.
    """
    state = fold(models, facts)
    if state is None:
        return Foreseen(None, is_activated=False)
    changes, told = changes_to_emit(models, state, told, now=now)
    activations, _ = activations_to_emit(models, state, told)
    return Foreseen(changes[0] if changes else None, bool(activations))
