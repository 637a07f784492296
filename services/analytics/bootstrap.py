"""Builds the service: the only file that knows every room."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from services.analytics.api.routes import build_router
from services.analytics.domain.derivation import Derivation
from services.analytics.domain.desk import Desk
from services.analytics.handlers.interpreting import Interpreter
from services.analytics.handlers.learning import learn
from services.analytics.jobs.restating import Restating
from services.analytics.metrics import AnalyticsMetrics
from services.analytics.queries.checks import AnalyticsChecks
from services.analytics.queries.reports import ReportQueries
from services.analytics.queries.story import tell_story
from services.analytics.store.desk_rows import DeskRows
from services.analytics.store.documents import Rulebook, read_rulebook
from shared.contracts.topics import (
    ASSIGNMENTS,
    BEHAVIOUR,
    DEAD_LETTERS,
    ERASURES,
    LEADS,
    NURTURE,
    OUTCOMES,
    TIER_CHANGES,
)
from shared.postgres.database import Database
from shared.processor.checks import Finding
from shared.processor.locked import LockedStage
from shared.runtime.blueprint import Blueprint, Resources, StoryLine
from shared.runtime.processing import Processing
from shared.runtime.service import until_stopped

NAME: Final = "analytics"
MIGRATIONS: Final = Path(__file__).parent / "migrations"


def check_documents(config: Path) -> None:
    """Read every business document of this service and make of it what the service makes of it.

    :raises DocumentFaults: with every fault and its path.
    """
    read_rulebook(config / NAME)


def build_derivation(rulebook: Rulebook) -> Derivation:
    """Return what derives rows from facts under these documents."""
    return Derivation(rulebook.crediting.touches, rulebook.goals)


def build_stage(rulebook: Rulebook, *, partitions: int, metrics: AnalyticsMetrics) -> LockedStage[Desk]:
    """Return analytics' stage: what it reads, decides and saves. It says but what it scrubbed."""
    rows = DeskRows(rulebook.crediting, metrics)
    return LockedStage(
        name=NAME,
        group=NAME,
        topics=tuple(
            topic.name for topic in (LEADS, BEHAVIOUR, OUTCOMES, TIER_CHANGES, ASSIGNMENTS, NURTURE)
        ),
        outputs=(ERASURES.name,),
        dead_letters=DEAD_LETTERS[NAME].name,
        partitions=partitions,
        interpret=Interpreter(build_derivation(rulebook)),
        open_desk=rows.open,
        leads_of=lambda _desk, _fact: (),
        handler=learn,
        save_desk=rows.save,
        sets_timers=False,
    )


def build(resources: Resources) -> Blueprint:
    """Return the service, not yet started."""
    rulebook = read_rulebook(resources.config / NAME)
    database = Database(resources.database_url, schema=NAME, application=f"leadmill/{NAME}")
    stage = build_stage(
        rulebook, partitions=resources.partitions, metrics=AnalyticsMetrics(resources.registry)
    )
    worker = Processing(resources, stage, database).build_worker()
    derivation = build_derivation(rulebook)
    checks = AnalyticsChecks(
        database, crediting=rulebook.crediting, derivation=derivation, interpret=Interpreter(derivation)
    )

    restating = Restating(database, rulebook=rulebook, derivation=derivation)

    async def check(full: bool) -> Sequence[Finding]:  # noqa: FBT001 - the shape of the hook
        return await checks.check(full=full)

    async def tell(lead: str) -> Sequence[StoryLine]:
        return [
            StoryLine(line.at, NAME, line.kind, line.text, line.cause)
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
        activities=(until_stopped("analytics-restating", restating.run),),
        routers=(build_router(reports=ReportQueries(database, rulebook), database=database),),
        statuses={"analytics.lead_unknown": 404, "analytics.model_unknown": 404},
        start=database.start,
        stop=database.stop,
        check=check,
        find_missing=checks.find_missing,
        tell=tell,
    )
