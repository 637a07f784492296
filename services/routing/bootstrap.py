"""Builds the service: the only file that knows every room."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry

from services.routing.api.commanding import commanding_router
from services.routing.api.reading import reading_router
from services.routing.domain.assignment.turns import TeamTurns
from services.routing.domain.commands import FillHandover
from services.routing.domain.desk import Desk
from services.routing.domain.people import renew
from services.routing.domain.rulebook import Rulebook
from services.routing.domain.shelf import Shelf
from services.routing.handlers.interpreting import interpret
from services.routing.handlers.routing import RoutingHandlers, leads_of
from services.routing.jobs.measuring import Measuring
from services.routing.metrics import RoutingMetrics
from services.routing.queries.checks import RoutingChecks
from services.routing.queries.leads import LeadQueries
from services.routing.queries.lists import ListQueries
from services.routing.queries.story import tell_story
from services.routing.store.desk_rows import DeskStore
from services.routing.store.documents import read_rulebook
from shared.contracts.envelope import Envelope
from shared.contracts.topics import ASSIGNMENTS, DEAD_LETTERS, ERASURES, LEADS, OUTCOMES, SCORES, TIER_CHANGES
from shared.kernel.changes import Emission
from shared.postgres.database import Database
from shared.processor.checks import Finding
from shared.processor.locked import LockedStage
from shared.runtime.blueprint import Blueprint, Resources, StoryLine
from shared.runtime.processing import Processing
from shared.runtime.service import repeatedly

NAME: Final = "routing"
MIGRATIONS: Final = Path(__file__).parent / "migrations"
STATUSES: Final = {
    "routing.lead_unknown": 404,
    "routing.rep_unknown": 404,
    "routing.leave_unknown": 404,
    "routing.lead_erased": 410,
    "routing.may_not_claim": 403,
    "routing.not_owner": 403,
    "routing.already_owned": 409,
    "routing.at_capacity": 409,
    "routing.claims_used_up": 409,
    "routing.lead_held": 409,
    "routing.lead_merged": 409,
    "routing.not_in_pool": 409,
    "routing.not_owned": 409,
    "routing.previous_owner_waits": 409,
    "routing.recalled": 409,
    "routing.status_not_allowed": 409,
    "routing.reason_unknown": 400,
}
"""The statuses of refusals that are no plain 400."""

_MEASURE_EVERY: Final = timedelta(seconds=15)


def build_rehearsal(config: Path) -> Callable[[Sequence[Envelope]], Sequence[Emission]]:
    """Return what tells what routing would say of a lead of whom nothing but these events is known.

    Nothing is read or written; every rep of the document is there, with nothing to do yet.
    """
    rulebook = read_rulebook(config)
    handlers = RoutingHandlers(rulebook)
    people = rulebook.people

    def rehearse(envelopes: Sequence[Envelope]) -> Sequence[Emission]:
        desk = Desk(
            reps=Shelf({one.rep: renew(None, one) for one in people.reps}),
            teams=Shelf({one.team: TeamTurns(team=one.team, members=one.members) for one in people.teams}),
        )
        said: list[Emission] = []
        for learned in filter(None, map(interpret, envelopes)):
            desk.begin_fact()
            said += handlers.handle(desk, learned).emissions
        return said

    return rehearse


def build_stage(rulebook: Rulebook, *, partitions: int) -> LockedStage[Desk]:
    """Return routing's stage: what it reads, decides and saves."""
    store = DeskStore(rulebook.people)
    return LockedStage(
        name=NAME,
        group=NAME,
        topics=(LEADS.name, SCORES.name, TIER_CHANGES.name, OUTCOMES.name),
        outputs=(ASSIGNMENTS.name, ERASURES.name),
        dead_letters=DEAD_LETTERS[NAME].name,
        partitions=partitions,
        interpret=interpret,
        open_desk=store.open,
        leads_of=leads_of,
        handler=RoutingHandlers(rulebook).handle,
        save_desk=store.save,
    )


def build(resources: Resources) -> Blueprint:
    """Return the service, not yet started."""
    rulebook = read_rulebook(resources.config)
    database = Database(resources.database_url, schema=NAME, application=f"leadmill/{NAME}")
    stage = build_stage(rulebook, partitions=resources.partitions)
    processing = Processing(resources, stage, database)
    worker = processing.build_worker()
    commands = processing.build_commands()
    checks = RoutingChecks(database, partitions=resources.partitions)
    measuring = Measuring(database, clock=resources.clock, metrics=RoutingMetrics(resources.registry))

    async def check(full: bool) -> Sequence[Finding]:  # noqa: FBT001 - the shape of the hook
        return await checks.check(full=full)

    async def tell(lead: str) -> Sequence[StoryLine]:
        return [
            StoryLine(line.at, NAME, line.kind, line.text, line.cause, line.event)
            for line in await tell_story(database, lead)
        ]

    return Blueprint(
        name=NAME,
        schema=NAME,
        migrations=MIGRATIONS,
        database=database,
        group=stage.group,
        topics=stage.topics,
        outputs=(*stage.outputs, stage.dead_letters),
        workers=(worker,),
        activities=(repeatedly("routing-measuring", measuring.measure, every=_MEASURE_EVERY),),
        routers=(
            reading_router(
                leads=LeadQueries(database, rulebook),
                lists=ListQueries(database, rulebook),
                clock=resources.clock,
            ),
            commanding_router(commands),
        ),
        statuses=STATUSES,
        start=database.start,
        stop=database.stop,
        check=check,
        find_missing=checks.find_missing,
        tell=tell,
    )


async def fill_handover(
    resources: Resources, database: Database, *, lead: str, fields: Mapping[str, str], by: str
) -> Any:
    """Fill in fields of a lead's hand-over list (R8) for a manager; ``database`` is routing's, started.

    :raises Rejected: if there is no such lead or field, or a value is none of its choices.
    """
    stage = build_stage(read_rulebook(resources.config), partitions=resources.partitions)
    commands = Processing(replace(resources, registry=CollectorRegistry()), stage, database).build_commands()
    return await commands.run(
        key=lead,
        command=FillHandover(by=by, is_manager=True, rep="", fields=dict(fields)),
        received=resources.clock.now(),
        idempotency_key=secrets.token_hex(16),
    )


def check_documents(config: Path) -> None:
    """Read every business document of this service and make of it what the service makes of it.

    :raises DocumentFaults: with every fault and its path.
    """
    read_rulebook(config)
