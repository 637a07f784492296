"""Builds the service: the only file that knows every room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from services.scoring.api.bant import build_bant_router
from services.scoring.api.model_desk import MODEL_STATUSES, ModelDesk, show_comparison, show_life
from services.scoring.api.model_reading import build_reading_router
from services.scoring.api.model_stepping import build_stepping_router
from services.scoring.api.routes import build_router
from services.scoring.domain.bant.document import compile_bant
from services.scoring.domain.bant.judging import Bant
from services.scoring.domain.life.steps import (
    DraftModel,
    PublishModel,
    RollBackModel,
    ShadowModel,
    ShareModel,
    ValidateModel,
)
from services.scoring.domain.scored_lead import Working
from services.scoring.domain.scoring_models.compiled import ModelSet
from services.scoring.domain.scoring_models.compiler import value_lists
from services.scoring.domain.scoring_models.document import ValueListDocument
from services.scoring.domain.scoring_models.editing import editor_schema
from services.scoring.domain.vocabulary import Vocabulary
from services.scoring.handlers.interpreting import interpret
from services.scoring.handlers.ruled import RuledHandlers
from services.scoring.handlers.scoring import SayAgain, ScoringHandlers
from services.scoring.jobs.life.previewing import Previewing
from services.scoring.jobs.life.renewing import Renewing
from services.scoring.jobs.life.shadowing import Shadowing
from services.scoring.queries.bant import BantQueries
from services.scoring.queries.checks import ScoringChecks
from services.scoring.queries.model_book import ModelBook
from services.scoring.queries.scores import ScoreQueries
from services.scoring.queries.story import tell_story
from services.scoring.queries.tier_stream import TierStream
from services.scoring.store.bant import read_bant
from services.scoring.store.leads import LeadStore
from services.scoring.store.scoring_models.commands import ModelCommands
from services.scoring.store.scoring_models.rulings import FixedRulings, RegisteredRulings, Rulings
from services.scoring.store.scoring_models.shelf import Shelf
from shared.contracts.envelope import Envelope
from shared.contracts.topics import (
    ASSIGNMENTS,
    BEHAVIOUR,
    DEAD_LETTERS,
    ERASURES,
    INTERNAL,
    LEADS,
    OUTCOMES,
    SCORES,
    TIER_CHANGES,
)
from shared.documents.files import read_documents
from shared.kernel.changes import Emission
from shared.postgres.database import Database
from shared.processor.assembly import AssembledStage
from shared.processor.checks import Finding
from shared.runtime.blueprint import Blueprint, Resources, StoryLine
from shared.runtime.processing import Processing
from shared.runtime.service import until_stopped

NAME: Final = "scoring"
SHOW_MODEL: Final = show_life
"""Returns a model's life as it is shown."""
SHOW_COMPARISON: Final = show_comparison
"""Returns a version in shadow beside the live one as it is shown."""
MODEL_COMMANDS: Final = {
    "draft": DraftModel,
    "validate": ValidateModel,
    "shadow": ShadowModel,
    "share": ShareModel,
    "publish": PublishModel,
    "roll_back": RollBackModel,
}
"""What may be asked of a model's life."""
MODEL_SCHEMA: Final = editor_schema
"""Returns the JSON Schema by which editors know a model's document."""
MIGRATIONS: Final = Path(__file__).parent / "migrations"


def load_models(config: Path) -> ModelSet:
    """Read, check and compile the scoring models of a configuration folder; of each the newest version.

    :raises DocumentFaults: with every fault and its path.
    """
    return Shelf(config / NAME).newest()


def load_bant(config: Path) -> Bant:
    """Read, check and compile what BANT is judged by (C16).

    :raises Faults: with every fault and its path.
    """
    folder = config / NAME
    return compile_bant(read_bant(folder), _load_vocabulary(folder))


def _load_vocabulary(folder: Path) -> Vocabulary:
    lists = read_documents(folder / "lists", kind="value_list", shape=ValueListDocument)
    return Vocabulary(lists=value_lists(loaded.body for loaded in lists.values()))


def check_documents(config: Path) -> None:
    """Read every business document of this service and make of it what the service makes of it.

    :raises Faults: with every fault and its path.
    """
    load_models(config)
    load_bant(config)


def build_rehearsal(config: Path) -> Callable[[Sequence[Envelope]], Sequence[Emission]]:
    """Return what tells what scoring would say of a lead of whom nothing but these events is known.

    Nothing is read or written; the documents decide, as they stand now.
    """
    handlers = ScoringHandlers(load_models(config))

    def rehearse(envelopes: Sequence[Envelope]) -> Sequence[Emission]:
        said: list[Emission] = []
        known: Working | None = None
        for learned in filter(None, map(interpret, envelopes)):
            known = known or handlers.begin(learned.key)
            changes = handlers.handle(known, learned)
            known = changes.state or known
            said += changes.emissions
        return said

    return rehearse


def build_stage(models: ModelSet, *, partitions: int) -> AssembledStage[Working]:
    """Return scoring's stage under models that nobody takes steps about."""
    return build_ruled_stage(FixedRulings(models), partitions=partitions)


def build_ruled_stage(rulings: Rulings, *, partitions: int) -> AssembledStage[Working]:
    """Return scoring's stage: what it reads, decides and saves, each lead under what rules it."""
    handlers = RuledHandlers(lambda: rulings.newest)
    store = LeadStore(rulings, partitions=partitions)
    return AssembledStage(
        name=NAME,
        group=NAME,
        topics=(
            LEADS.name,
            BEHAVIOUR.name,
            OUTCOMES.name,
            ASSIGNMENTS.name,
            INTERNAL[NAME].name,
            SCORES.name,
        ),
        outputs=(TIER_CHANGES.name, SCORES.name, ERASURES.name, INTERNAL[NAME].name),
        mirrors=(SCORES.name,),
        dead_letters=DEAD_LETTERS[NAME].name,
        interpret=interpret,
        beginning=handlers.begin,
        handler=handlers.handle,
        loader=store.load,
        saver=store.save,
        say_again=SayAgain(),
        sets_timers=True,
    )


def build_model_desk(resources: Resources, *, database: Database) -> ModelDesk:
    """Return where steps are taken in the life of models; ``database`` is scoring's, started."""
    shelf = Shelf(resources.config / NAME)
    return _model_desk(shelf, database, Previewing(database, shelf, clock=resources.clock))


def _model_desk(shelf: Shelf, database: Database, previewing: Previewing) -> ModelDesk:
    return ModelDesk(ModelBook(database, shelf), ModelCommands(database, shelf), previewing)


def build(resources: Resources) -> Blueprint:
    """Return the service, not yet started."""
    shelf = Shelf(resources.config / NAME)
    rulings = RegisteredRulings(shelf)
    database = Database(resources.database_url, schema=NAME, application=f"leadmill/{NAME}")
    stage = build_ruled_stage(rulings, partitions=resources.partitions)
    worker = Processing(resources, stage, database).build_worker()
    renewing = Renewing(database, rulings, clock=resources.clock, partitions=resources.partitions)
    previewing = Previewing(database, shelf, clock=resources.clock)
    desk = _model_desk(shelf, database, previewing)
    shadowing = Shadowing(database, rulings, clock=resources.clock)
    scores = ScoreQueries(database, rulings)
    bant = BantQueries(scores, load_bant(resources.config))
    checks = ScoringChecks(database, rulings)

    async def check(full: bool) -> Sequence[Finding]:  # noqa: FBT001 - the shape of the hook
        return await checks.check(full=full)

    async def tell(lead: str) -> Sequence[StoryLine]:
        return [
            StoryLine(line.at, NAME, line.kind, line.text, line.cause, line.event)
            for line in await tell_story(database, rulings, lead)
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
        activities=(
            until_stopped("scoring-renewing", renewing.run),
            until_stopped("scoring-previewing", previewing.run),
            until_stopped("scoring-shadowing", shadowing.run),
        ),
        routers=(
            build_router(scores=scores, stream=TierStream(database), clock=resources.clock),
            build_bant_router(bant=bant, clock=resources.clock),
            build_reading_router(desk),
            build_stepping_router(desk),
        ),
        statuses={"scoring.lead_unknown": 404, "scoring.model_unknown": 404, **MODEL_STATUSES},
        start=database.start,
        stop=database.stop,
        check=check,
        find_missing=checks.find_missing,
        tell=tell,
    )
