"""Builds the service: the only room that knows every room, and the only one that the product may enter."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from services.scoring.api.bant import build_bant_router
from services.scoring.api.companies import build_company_router
from services.scoring.api.leads.asking import LeadQuestions
from services.scoring.api.leads.plans import build_plan_router
from services.scoring.api.leads.tier_lists import build_tier_list_router
from services.scoring.api.model_desk import MODEL_STATUSES, ModelDesk, show_comparison, show_life
from services.scoring.api.model_reading import build_reading_router
from services.scoring.api.model_stepping import build_stepping_router
from services.scoring.api.routes import build_router
from services.scoring.api.webhooks import (
    WEBHOOK_STATUSES,
    build_webhook_router,
)
from services.scoring.bootstrap.webhooks import NAME as NAME
from services.scoring.bootstrap.webhooks import build_webhooks as build_webhooks
from services.scoring.bootstrap.webhooks import webhook_tools, webhooks_of
from services.scoring.domain.attention.document import compile_attention
from services.scoring.domain.attention.wanting import Attention
from services.scoring.domain.bant.document import compile_bant
from services.scoring.domain.bant.judging import Bant
from services.scoring.domain.checkpoints.checkpoint import EVERY
from services.scoring.domain.companies.compiler import CompanyModel
from services.scoring.domain.companies.editing import company_editor_schema
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
from services.scoring.handlers.companies import CompanyHandlers
from services.scoring.handlers.interpreting import interpret
from services.scoring.handlers.ruled import RuledHandlers
from services.scoring.handlers.scoring import SayAgain
from services.scoring.handlers.subjects import SubjectHandlers
from services.scoring.jobs.life.previewing import Previewing
from services.scoring.jobs.life.renewing import Renewing
from services.scoring.jobs.life.shadowing import Shadowing
from services.scoring.jobs.life.watching import LifeWatch
from services.scoring.jobs.listing import Listing
from services.scoring.jobs.webhooks.serving import Serving
from services.scoring.metrics import ScoringMetrics
from services.scoring.queries.bant import BantQueries
from services.scoring.queries.checks import ScoringChecks
from services.scoring.queries.companies.asking import CompanyQueries
from services.scoring.queries.companies.checking import check_companies
from services.scoring.queries.live_ruling import LiveRuling
from services.scoring.queries.model_book import ModelBook
from services.scoring.queries.scores import ScoreQueries
from services.scoring.queries.story import tell_story
from services.scoring.queries.tier_lists import TierLists
from services.scoring.queries.tier_stream import TierStream
from services.scoring.settings import ScoringSettings
from services.scoring.store.bant import read_attention, read_bant
from services.scoring.store.companies.documents import read_company_models
from services.scoring.store.companies.states import CompanyStore
from services.scoring.store.leads import LeadStore
from services.scoring.store.scoring_models.commands import ModelCommands
from services.scoring.store.scoring_models.rulings import FixedRulings, RegisteredRulings, Rulings
from services.scoring.store.scoring_models.shelf import Shelf
from services.scoring.store.subjects import Subject, SubjectStore
from services.scoring.store.webhooks.documents import read_webhook_rules
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
from shared.postgres.database import Database, DatabaseLimits
from shared.processor.assembly import AssembledStage
from shared.processor.checks import Finding
from shared.runtime.blueprint import Blueprint, Resources, StoryLine
from shared.runtime.processing import Processing
from shared.runtime.service import repeatedly, until_stopped
from shared.runtime.settings.environment import load_settings

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
COMPANY_MODEL_SCHEMA: Final = company_editor_schema
"""The same for models that are kept per company."""
MIGRATIONS: Final = Path(__file__).parents[1] / "migrations"
SETTINGS: Final = ScoringSettings
"""What this service reads from the environment, for whoever lists settings."""
_WEBHOOK_CONNECTIONS: Final = 3
_MEASURE_EVERY: Final = timedelta(seconds=10)
_FORGET_EVERY: Final = timedelta(minutes=10)


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
    load_company_models(config)
    load_attention(config)
    read_webhook_rules(config / NAME)


def load_attention(config: Path) -> Attention:
    """Read, check and compile what asks for attention (C11).

    :raises Faults: with every fault and its path.
    """
    folder = config / NAME
    return compile_attention(read_attention(folder), _load_vocabulary(folder))


def load_company_models(config: Path) -> Sequence[CompanyModel]:
    """Read, check and compile the models that are kept per company (C7); of each the newest version.

    :raises Faults: with every fault and its path.
    """
    return read_company_models(config / NAME)


def build_rehearsal(
    config: Path, *, database_url: str = ""
) -> Callable[[Sequence[Envelope]], Sequence[Emission]]:
    """Return what tells what scoring would say of a lead of whom nothing but these events is known.

    What is live decides, by steps that are read from scoring's schema of a database, seconds old at most; it
    is asked in a thread without an event loop then. Without a database the documents decide, as they stand.
    """
    rulings = RegisteredRulings(Shelf(config / NAME))
    live = LiveRuling(rulings, database_url=database_url, schema=NAME) if database_url else None
    handlers = RuledHandlers(lambda: rulings.newest)

    def rehearse(envelopes: Sequence[Envelope]) -> Sequence[Emission]:
        said: list[Emission] = []
        known: Working | None = None
        for learned in filter(None, map(interpret, envelopes)):
            if known is None and live is not None:
                live.look(learned.received)
            known = known or handlers.begin(learned.key)
            changes = handlers.handle(known, learned)
            known = changes.state or known
            said += changes.emissions
        return said

    return rehearse


def build_stage(
    models: ModelSet,
    *,
    partitions: int,
    companies: Sequence[CompanyModel] = (),
    attention: Attention | None = None,
    checkpoint_every: int = EVERY,
) -> AssembledStage[Subject]:
    """Return scoring's stage under models that nobody takes steps about."""
    return build_ruled_stage(
        FixedRulings(models),
        partitions=partitions,
        companies=companies,
        attention=attention,
        checkpoint_every=checkpoint_every,
    )


def build_ruled_stage(
    rulings: Rulings,
    *,
    partitions: int,
    companies: Sequence[CompanyModel] = (),
    attention: Attention | None = None,
    checkpoint_every: int = EVERY,
) -> AssembledStage[Subject]:
    """Return scoring's stage: what it reads, decides and saves, each lead under what rules it.

    ``companies`` are the models that are kept per company; without ``attention`` none is asked for.
    """
    people = RuledHandlers(lambda: rulings.newest, checkpoint_every=checkpoint_every)
    handlers = SubjectHandlers(people, CompanyHandlers(companies), attention)
    leads = LeadStore(rulings, partitions=partitions, checkpoint_every=checkpoint_every)
    store = SubjectStore(leads, CompanyStore(partitions=partitions))
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


def build_lead_questions(resources: Resources, *, database: Database) -> LeadQuestions:
    """Return what answers questions about leads; ``database`` is scoring's, started."""
    rulings = RegisteredRulings(Shelf(resources.config / NAME))
    return LeadQuestions(ScoreQueries(database, rulings), resources.clock)


def build_model_desk(resources: Resources, *, database: Database) -> ModelDesk:
    """Return where steps are taken in the life of models; ``database`` is scoring's, started."""
    shelf = Shelf(resources.config / NAME)
    return _model_desk(shelf, database, Previewing(database, shelf, clock=resources.clock))


def _model_desk(shelf: Shelf, database: Database, previewing: Previewing) -> ModelDesk:
    return ModelDesk(ModelBook(database, shelf), ModelCommands(database, shelf), previewing)


def build(resources: Resources, *, settings: ScoringSettings | None = None) -> Blueprint:
    """Return the service, not yet started."""
    settings = settings or load_settings(ScoringSettings, environment=resources.environment)
    shelf = Shelf(resources.config / NAME)
    rulings = RegisteredRulings(shelf)
    database = Database(resources.database_url, schema=NAME, application=f"leadmill/{NAME}")
    company_models = load_company_models(resources.config)
    stage = build_ruled_stage(
        rulings,
        partitions=resources.partitions,
        companies=company_models,
        attention=load_attention(resources.config),
    )
    worker = Processing(resources, stage, database).build_worker()
    renewing = Renewing(database, rulings, clock=resources.clock, partitions=resources.partitions)
    previewing = Previewing(database, shelf, clock=resources.clock)
    desk = _model_desk(shelf, database, previewing)
    shadowing = Shadowing(database, rulings, clock=resources.clock)
    listing = Listing(database, rulings)
    scores = ScoreQueries(database, rulings)
    bant = BantQueries(scores, load_bant(resources.config))
    companies = CompanyQueries(database, company_models)
    checks = ScoringChecks(database, rulings)
    apart = Database(
        resources.database_url,
        schema=NAME,
        application=f"leadmill/{NAME}/webhooks",
        limits=DatabaseLimits(connections=_WEBHOOK_CONNECTIONS),
    )
    metrics = ScoringMetrics(resources.registry)
    watch = LifeWatch(database, metrics)
    tools = webhook_tools(resources, settings, database, metrics)
    webhooks, serving = webhooks_of(tools, scores), Serving(replace(tools, database=apart))

    async def check(full: bool) -> Sequence[Finding]:  # noqa: FBT001 - the shape of the hook
        return [
            *await checks.check(full=full),
            *await check_companies(database, company_models, full=full),
        ]

    async def watch_lives() -> None:
        await watch.measure(at=asyncio.get_running_loop().time())

    async def start() -> None:
        await database.start()
        await apart.start()

    async def stop() -> None:
        await apart.stop()
        await database.stop()

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
            until_stopped("scoring-listing", listing.run),
            until_stopped("scoring-webhooks", serving.run),
            repeatedly("scoring-life-measures", watch_lives, every=_MEASURE_EVERY),
            repeatedly("scoring-webhook-measures", serving.measure, every=_MEASURE_EVERY),
            repeatedly("scoring-webhook-forgetting", serving.forget, every=_FORGET_EVERY),
        ),
        routers=(
            build_router(scores=scores, stream=TierStream(database), clock=resources.clock),
            build_plan_router(scores=scores, clock=resources.clock),
            build_tier_list_router(lists=TierLists(database, rulings), clock=resources.clock),
            build_company_router(companies=companies, clock=resources.clock),
            build_bant_router(bant=bant, clock=resources.clock),
            build_reading_router(desk),
            build_stepping_router(desk),
            build_webhook_router(webhooks.queries, webhooks.desk),
        ),
        statuses={
            "scoring.lead_unknown": 404,
            "scoring.company_unknown": 404,
            "scoring.model_unknown": 404,
            "scoring.tier_unknown": 404,
            "scoring.no_gate": 404,
            **MODEL_STATUSES,
            **WEBHOOK_STATUSES,
        },
        start=start,
        stop=stop,
        check=check,
        find_missing=checks.find_missing,
        tell=tell,
        is_at_rest=serving.is_at_rest,
    )
