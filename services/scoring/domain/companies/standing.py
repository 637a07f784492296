"""How a company stands in a model at an instant, when that changes by time alone, and its history.

Each is a function of the set of facts: the score is the sum of its lines at any instant, exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.scoring.domain.companies.compiler import CompanyModel
from services.scoring.domain.companies.reading import Heard, Reading, read_at
from services.scoring.domain.companies.rules import CompanyLine
from services.scoring.domain.tiers import Crossing
from shared.kernel.instants import Instant


class CompanyScore(NamedTuple):
    """What one model says of a company at an instant; ``points`` are the sum of the lines, largest first."""

    model: CompanyModel
    points: int
    tier: int
    lines: tuple[CompanyLine, ...]
    at: Instant

    @property
    def tier_name(self) -> str:
        """The name of the tier."""
        return self.model.tiers[self.tier].name


def score_at(model: CompanyModel, reading: Reading) -> CompanyScore:
    """Return the score for what is so."""
    lines = [line for rule in model.rules if (line := rule.line(reading)) is not None]
    lines.sort(key=lambda line: (-line.points, line.granted, line.event, line.rule))
    points = sum(line.points for line in lines)
    return CompanyScore(model, points, model.tier_of(points), tuple(lines), reading.at)


def tier_history(
    model: CompanyModel, company: str, heard: Sequence[Heard], *, until: Instant
) -> list[Crossing]:
    """Return every change of tier until ``until``; companies begin in the lowest. ``heard`` is in order."""
    found: list[Crossing] = []
    tier = 0
    for at in turns(model, heard):
        if at > until:
            break
        score = score_at(model, read_at(company, heard, at))
        if score.tier != tier:
            names = model.tiers[tier].name, score.tier_name
            event = next((one.fact.id for one in reversed(heard) if one.fact.occurred == at), "")
            found.append(Crossing(at, *names, score.points, event))
            tier = score.tier
    return found


def reached_at(model: CompanyModel, company: str, heard: Sequence[Heard], now: CompanyScore) -> Instant:
    """Return since when the tier held now has been held; ``heard`` is in order."""
    since = now.at
    for at in reversed(turns(model, heard)):
        if at > now.at:
            continue
        if score_at(model, read_at(company, heard, at)).tier != now.tier:
            return since
        since = at
    return since


def next_turn(models: Sequence[CompanyModel], heard: Sequence[Heard], *, after: Instant) -> Instant | None:
    """Return the next instant after ``after`` at which time alone may change a score.

    No score changes before it if nothing is learnt; at it, one need not.
    """
    leaving = (
        at
        for model in models
        for rule in model.rules
        for one in heard
        if one.fact.occurred <= after and (at := rule.leaves_at(one.fact)) is not None and at > after
    )
    return min(leaving, default=None)


def turns(model: CompanyModel, heard: Sequence[Heard]) -> list[Instant]:
    """Return every instant at which the score may change, in order."""
    instants = {one.fact.occurred for one in heard}
    for rule in model.rules:
        instants |= {at for one in heard if (at := rule.leaves_at(one.fact)) is not None}
    return sorted(instants)
