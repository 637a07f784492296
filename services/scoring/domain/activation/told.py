"""What was told of activations: once per lead, model and sales cycle, and never taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from services.scoring.domain.activation.gate import GateState
from services.scoring.domain.facts import Place
from shared.kernel.instants import Instant


class ToldActivation(NamedTuple):
    """The activation told last of one model; ``is_said`` is False for one that only counts as told."""

    cycle: int
    place: Place
    is_said: bool


class Activation(NamedTuple):
    """An activation to tell: when the gate was passed, at how many thousandths, by which acts' events."""

    model: str
    version: int
    cycle: int
    at: Instant
    points: int
    acts: tuple[str, ...]


class ActivationRow(msgspec.Struct, frozen=True):
    """What is appended beside the ledger when an activation is told; ``event`` is the id of what is said."""

    lead: str
    cause: str
    told_at: Instant
    activation: Activation
    external_ids: dict[str, str]
    event: str = ""


class SaidActivation(NamedTuple):
    """An activation as it was told: its place in the stream, and the fact or clock that caused it."""

    cursor: str
    lead: str
    told_at: Instant
    activation: Activation
    external_ids: dict[str, str]
    cause: str
    event: str


def is_untold(state: GateState | None, last: ToldActivation | None) -> bool:
    """Return whether the gate was passed in a sales cycle of which nothing was told yet.

    What was told last stands for this cycle if it lies behind the cycle's beginning, though late facts
    may have moved the passage since. So two that are told always have a loss or a return between them.
    """
    if state is None or state.passage is None:
        return False
    return last is None or (state.began is not None and last.place < state.began)


def told_for(state: GateState, last: ToldActivation | None, *, is_said: bool) -> ToldActivation:
    """Return what counts as told after an untold passage was told; a number is never told twice."""
    assert state.passage is not None
    cycle = state.cycle if last is None else max(state.cycle, last.cycle + 1)
    return ToldActivation(cycle, state.passage.place, is_said)


def events_of(state: GateState) -> Sequence[str]:
    """Return the ids of the events of the acts that count."""
    return [act.event for act in state.acts]
