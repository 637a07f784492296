"""Milestones of leads, and who owned them when: what funnels and reps' reports count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from services.analytics.domain.facts import Place
from shared.kernel.instants import Instant

MilestoneKind = Literal["captured", "mql", "sql", "status"]
SpellKind = Literal["started", "contacted", "warned", "recalled", "returned", "ended"]


class Milestone(msgspec.Struct, frozen=True, gc=False):
    """A lead was captured (``value``: by which source), reached a tier, or changed its status.

    ``at`` is when it happened.
    """

    event: str
    profile: str
    kind: MilestoneKind
    value: str
    at: Instant
    received: Instant

    @property
    def place(self) -> Place:
        """Where it stands among others."""
        return Place(self.at, self.received, self.event)


class SpellEvent(msgspec.Struct, frozen=True, gc=False):
    """Something about one spell of ownership; ``due`` where its clock was started.

    ``in_time`` tells of a first response whether the clock still ran.
    """

    event: str
    profile: str
    assignment: str
    rep: str
    kind: SpellKind
    at: Instant
    received: Instant
    due: Instant | None = None
    in_time: bool | None = None
    reason: str = ""


class TierGoal(msgspec.Struct, frozen=True, kw_only=True):
    """A model, and the tiers of it that reach a goal."""

    model: str
    tiers: frozenset[str]

    def is_reached(self, model: str, tier: str) -> bool:
        """Return whether this tier of this model reaches the goal."""
        return model == self.model and tier in self.tiers


class FunnelGoals(msgspec.Struct, frozen=True, kw_only=True):
    """What makes an MQL (A3, A4: the model in charge), and what an SQL besides an opportunity."""

    mql: TierGoal
    sql: TierGoal


def first_by_lead(milestones: Iterable[tuple[str, Milestone]]) -> Mapping[str, Milestone]:
    """Return the first milestone of each lead, from pairs of lead and milestone."""
    first: dict[str, Milestone] = {}
    for lead, milestone in milestones:
        if lead not in first or milestone.place < first[lead].place:
            first[lead] = milestone
    return first


def latest_by_lead(milestones: Iterable[tuple[str, Milestone]]) -> Mapping[str, Milestone]:
    """Return the latest milestone of each lead, from pairs of lead and milestone."""
    latest: dict[str, Milestone] = {}
    for lead, milestone in milestones:
        if lead not in latest or milestone.place > latest[lead].place:
            latest[lead] = milestone
    return latest
