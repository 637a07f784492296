"""One decision: which rule, who was looked at, who was skipped and why, who gets the lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec

from services.routing.domain.assignment.eligibility import why_skipped
from services.routing.domain.assignment.rules import Rule, Rules
from services.routing.domain.assignment.turns import TeamTurns, order, take_turn
from services.routing.domain.people import Rep
from shared.kernel.instants import Instant

NO_RULE: Final = "no_rule"
NOBODY: Final = "nobody_eligible"


class Considered(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One rep in the trace. ``skipped`` is empty for whoever might have had it; ``level`` is their turn's."""

    rep: str
    skipped: str = ""
    load: int = 0
    capacity: int = 0
    level: int = 0


class Decision(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The outcome with its trace, in the order in which people were looked at.

    ``rep`` is None where nobody gets it; ``fallback`` then says why: ``no_rule`` or ``nobody_eligible``.
    """

    rep: str | None
    team: str = ""
    rule: str = ""
    rule_version: int
    strategy: str = ""
    fallback: str = ""
    considered: tuple[Considered, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a decision rests on: the lead's values, its former owners, and when it is."""

    values: Mapping[str, object]
    former: Mapping[str, Instant]
    today: date
    now: Instant
    rests: int


def decide(
    rules: Rules, case: Case, *, reps: Mapping[str, Rep], teams: Mapping[str, TeamTurns]
) -> tuple[Decision, TeamTurns | None]:
    """Return the decision, and the team after it where a turn was taken."""
    rule = rules.first(case.values)
    if rule is None:
        return Decision(rep=None, rule_version=rules.version, fallback=NO_RULE), None
    team = teams[rule.team]
    candidates: Sequence[str] = rule.reps if rule.strategy == "named" else team.members
    skipped = {rep: _why(reps.get(rep), rep, case) for rep in candidates}
    eligible = [rep for rep in candidates if not skipped[rep]]
    if rule.strategy == "round_robin":
        first = order(team, eligible)
        candidates = [*first, *(rep for rep in candidates if rep not in first)]
    trace = tuple(_considered(reps.get(rep), rep, skipped[rep], team) for rep in candidates)
    if not eligible:
        return _decision(rules, rule, None, trace, fallback=NOBODY), None
    if rule.strategy == "named":
        return _decision(rules, rule, eligible[0], trace), None
    chosen, after = take_turn(team, eligible)
    return _decision(rules, rule, chosen, trace), after


def _why(rep: Rep | None, rep_id: str, case: Case) -> str:
    return why_skipped(
        rep or Rep(id=rep_id, is_active=False),
        attributes=case.values,
        today=case.today,
        had_it=case.former.get(rep_id),
        rests_until=case.rests,
        now=case.now,
    )


def _considered(rep: Rep | None, rep_id: str, skipped: str, team: TeamTurns) -> Considered:
    return Considered(
        rep=rep_id,
        skipped=skipped,
        load=rep.load if rep else 0,
        capacity=rep.capacity if rep else 0,
        level=team.level_of(rep_id),
    )


def _decision(
    rules: Rules, rule: Rule, rep: str | None, trace: tuple[Considered, ...], *, fallback: str = ""
) -> Decision:
    return Decision(
        rep=rep,
        team=rule.team,
        rule=rule.name,
        rule_version=rules.version,
        strategy=rule.strategy,
        fallback=fallback,
        considered=trace,
    )
