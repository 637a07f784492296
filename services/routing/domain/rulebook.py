"""All of routing's documents together, checked against each other and compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from services.routing.domain import people, public_pool, reach
from services.routing.domain.assignment.rules import AssignmentDocument, Rules, compile_rules
from services.routing.domain.people import PeopleDocument
from services.routing.domain.pipeline import document as pipeline
from services.routing.domain.pipeline.document import PipelineDocument
from services.routing.domain.public_pool import PoolDocument
from services.routing.domain.reach import Reach, ReachDocument
from services.routing.domain.sla.policies import Sla, SlaDocument, compile_sla
from shared.kernel.faults import Fault
from shared.kernel.instants import DAY, Instant
from shared.working_time.calendar import Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """What people wrote, each document by itself in good shape."""

    people: PeopleDocument
    reach: ReachDocument
    assignment: AssignmentDocument
    sla: SlaDocument
    pool: PoolDocument
    pipeline: PipelineDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """What decides."""

    people: PeopleDocument
    reach: Reach
    rules: Rules
    sla: Sla
    pool: PoolDocument
    pipeline: PipelineDocument

    @property
    def takeover_rests(self) -> int:
        """How many microseconds a follow-up keeps a lead from being taken over (R2)."""
        return self.pipeline.takeover_rests_days * DAY

    def today(self, now: Instant) -> date:
        """Return the day of the calendar's zone."""
        return self.sla.calendar.day_of(now)


def compile_rulebook(
    documents: Documents, calendars: Mapping[str, Calendar]
) -> tuple[Rulebook | None, list[Fault]]:
    """Return the rulebook, None if there are faults; each fault's path begins with its document."""
    teams = [team.team for team in documents.people.teams]
    reps = [rep.rep for rep in documents.people.reps]
    rules, rule_faults = compile_rules(documents.assignment, teams=teams, reps=reps)
    sla, sla_faults = compile_sla(documents.sla, calendars)
    found = {
        "people": people.find_faults(documents.people),
        "reach": reach.find_faults(documents.reach),
        "assignment": rule_faults,
        "sla": sla_faults,
        "public_pool": public_pool.find_faults(documents.pool, teams=teams),
        "pipeline": pipeline.find_faults(documents.pipeline),
    }
    faults = [
        Fault(f"{name}.yaml: {fault.path}", fault.text) for name, list_ in found.items() for fault in list_
    ]
    if faults or sla is None:
        return None, faults
    rulebook = Rulebook(
        people=documents.people,
        reach=Reach(documents.reach),
        rules=rules,
        sla=sla,
        pool=documents.pool,
        pipeline=documents.pipeline,
    )
    return rulebook, []
