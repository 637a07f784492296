"""Builds the service: the only file that knows every room."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from services.ingest.api.admission.limiter import Limiter
from services.ingest.api.desk.keys import build_key_router
from services.ingest.api.desk.quarantine import build_quarantine_router
from services.ingest.api.desk.resending import Resending
from services.ingest.api.desk.sources import build_source_router
from services.ingest.api.edge import STATUSES, Edge, sdk_routes
from services.ingest.api.erasures import PersonNaming, build_erasure_router
from services.ingest.api.forms.hosting import form_routes
from services.ingest.api.forms.shelf import FormShelf
from services.ingest.api.hooks.items import FetchedItems
from services.ingest.api.hooks.routes import HOOK_STATUSES, hook_routes
from services.ingest.api.leads import lead_routes
from services.ingest.api.links.desk import LinkDesk, build_link_router, show_link
from services.ingest.api.links.redirecting import Redirecting
from services.ingest.api.merges import build_merge_router
from services.ingest.api.native.routes import native_routes
from services.ingest.api.stamping import Stamper
from services.ingest.domain.admission.quarantine import Choice
from services.ingest.domain.admission.token_bucket import Rate
from services.ingest.domain.dialects.rulebook import Rulebook
from services.ingest.domain.identifiers import identifier_hasher
from services.ingest.domain.links.definitions import AddLink, ChangeLink
from services.ingest.handlers.erasing import on_erasure
from services.ingest.handlers.linking import on_link_command
from services.ingest.handlers.reading import RawReader
from services.ingest.handlers.resolution import on_intake, retell_contact
from services.ingest.handlers.story import tell_story
from services.ingest.handlers.unmerging import Unmerging
from services.ingest.jobs.bookkeeping import Bookkeeping
from services.ingest.jobs.forgetting import Forgetting
from services.ingest.jobs.hooks.activities import hook_activities
from services.ingest.jobs.hooks.bringing import HookTools
from services.ingest.jobs.hooks.desk import HookDesk
from services.ingest.jobs.purging import Purging
from services.ingest.jobs.replaying import Replaying
from services.ingest.jobs.turning_away import TurningAway
from services.ingest.metrics import IngestMetrics
from services.ingest.providers.roster import PROVIDERS, hook_readers
from services.ingest.queries.checks import IngestChecks
from services.ingest.queries.leads import LeadSearch
from services.ingest.queries.links import LinkTable
from services.ingest.queries.sources import SourceReport
from services.ingest.queries.story import find_story
from services.ingest.settings import IngestSettings
from services.ingest.store.directory_commands import DirectoryCommands
from services.ingest.store.documents import read_rulebook
from services.ingest.store.hooks.secrets import StoredSecrets, sealing_of_hooks
from services.ingest.store.idempotency import NamedRequests
from services.ingest.store.links import carry_out as carry_out_link_command
from services.ingest.store.raw_log import RawLog
from services.ingest.store.resolver import Resolver
from shared.http.access import Authority
from shared.http.hot_routes import HotRoute
from shared.kernel.changes import Fact
from shared.log.spill import Spill
from shared.postgres.database import Database, Transaction
from shared.processor.checks import Finding
from shared.processor.stage import Decision
from shared.runtime.blueprint import Blueprint, Resources, StoryLine
from shared.runtime.processing import Processing
from shared.runtime.service import Activity, repeatedly
from shared.runtime.settings.environment import load_settings
from shared.security.key_ring import KeyRing
from shared.security.tokens import Tokens
from shared.security.write_keys import WriteKeys

NAME: Final = "ingest"
MIGRATIONS: Final = Path(__file__).parent / "migrations"
SETTINGS: Final = IngestSettings
"""What this service reads from the environment, for whoever lists settings."""
QUARANTINE_CHOICE: Final = Choice
"""Says which messages in quarantine are meant."""
_FORGET_EVERY: Final = timedelta(minutes=10)
_PURGE_EVERY: Final = timedelta(seconds=10)
_KEEP_EVERY: Final = timedelta(seconds=2)
_REFRESH_EVERY: Final = timedelta(seconds=5)


def new_record_id() -> str:
    """Return the id of a message that has none of its own; never the same twice."""
    return secrets.token_hex(16)


def build_resolver(
    config: Path,
    *,
    identity_key: bytes,
    metrics: IngestMetrics,
    default_region: str = "CN",
    default_currency: str = "",
) -> Resolver:
    """Return the resolver by the documents in ``config/ingest``.

    :raises DocumentFaults: with every fault and its path.
    """
    rulebook = read_rulebook(config / NAME, default_region=default_region)
    reader = RawReader(
        rulebook,
        hash_identifier=identifier_hasher(identity_key),
        currency=default_currency,
        hooks=hook_readers(),
    )
    directory = DirectoryCommands(
        on_erasure=on_erasure, on_unmerge=Unmerging(identifier_hasher(identity_key)).on_unmerge
    )

    async def carry_out(transaction: Transaction, fact: Fact) -> Decision:
        if isinstance(fact.event, AddLink | ChangeLink):
            return await carry_out_link_command(transaction, fact, decide=on_link_command)
        return await directory.carry_out(transaction, fact)

    return Resolver(
        read_raw=reader.on_raw_received,
        take_in=on_intake,
        tell_story=tell_story,
        command=carry_out,
        retell_contact=retell_contact,
        meter=metrics,
    )


def build(
    resources: Resources,
    *,
    settings: IngestSettings | None = None,
    authority: Authority | None = None,
    new_id: Callable[[], str] = new_record_id,
) -> Blueprint:
    """Return the service, not yet started."""
    settings = settings or load_settings(IngestSettings, environment=resources.environment)
    identity_key = resources.secrets.identity_key.reveal()
    pepper = resources.secrets.pepper.reveal()
    metrics = IngestMetrics(resources.registry)
    database = Database(resources.database_url, schema=NAME, application=f"leadmill/{NAME}")
    resolver = build_resolver(
        resources.config,
        identity_key=identity_key,
        metrics=metrics,
        default_region=settings.default_region,
        default_currency=settings.default_currency,
    )
    processing = Processing(resources, resolver, database)
    worker = processing.build_worker()
    commands = processing.build_commands()
    raw_log = RawLog(
        log=resources.log,
        partitions=resources.partitions,
        meter=metrics,
        spill=_spill_of(settings, resources.data) if settings.spill else None,
        patience=settings.log_patience,
    )
    turning_away = TurningAway(database, meter=metrics, per_minute=settings.turned_away_per_minute)
    book = Bookkeeping(database)
    edge = Edge(
        keys=WriteKeys(database, pepper=pepper),
        sink=raw_log,
        clock=resources.clock,
        stamper=Stamper(identity_key=identity_key, new_id=new_id),
        meter=metrics,
        turned_away=turning_away,
        limiter=Limiter(Rate(settings.requests_per_second, settings.burst)),
        book=book,
    )
    rulebook = read_rulebook(resources.config / NAME, default_region=settings.default_region)
    rules = rulebook.identity
    reader = RawReader(
        rulebook, hash_identifier=identifier_hasher(identity_key), currency=settings.default_currency
    )
    links = LinkTable(database)
    redirecting = Redirecting(
        edge,
        links=links,
        meter=metrics,
        new_id=new_id,
        click_ids=frozenset(name.lower() for name in rulebook.channels.click_ids),
        patience=settings.link_patience,
        public_url=settings.public_url.rstrip("/"),
    )
    desk = LinkDesk(database, commands=commands, public_url=settings.public_url.rstrip("/"), table=links)
    ways_in = _ways_in(resources, settings, database, reader=reader, rulebook=rulebook, authority=authority)
    replaying = Replaying(
        database,
        log=resources.log,
        partitions=resources.partitions,
        resend=Resending(ways_in, identity_key=identity_key).resend,
    )
    naming = PersonNaming(rules=rules, hash_identifier=identifier_hasher(identity_key))
    forgetting = Forgetting(
        database,
        clock=resources.clock,
        messages=settings.remember_messages,
        quarantine=settings.keep_quarantine,
    )
    tools = build_hook_tools(resources, database=database, metrics=metrics)
    checks = IngestChecks(database, resources.log, group=resolver.group)

    async def check(full: bool) -> Sequence[Finding]:  # noqa: FBT001 - the shape of the hook
        return await checks.check(full=full)

    async def tell(lead: str) -> Sequence[StoryLine]:
        return [
            StoryLine(row.at, NAME, row.kind, row.text, row.cause, row.event, row.message_id or "")
            for row in await find_story(database, lead)
        ]

    return Blueprint(
        name=NAME,
        schema=NAME,
        migrations=MIGRATIONS,
        database=database,
        group=resolver.group,
        topics=resolver.topics,
        outputs=(*resolver.outputs, resolver.dead_letters),
        workers=(worker,),
        activities=(
            repeatedly("ingest-forgetting", forgetting.forget, every=_FORGET_EVERY),
            repeatedly("ingest-purging", Purging(database).purge, every=_PURGE_EVERY),
            *hook_activities(
                tools,
                commands=commands,
                look_every=settings.hook_look_every,
                overlap=settings.hook_overlap,
                gives_up=settings.hook_gives_up,
            ),
        ),
        edge_activities=(
            Activity(name="ingest-raw-log", run=raw_log.run, stop=raw_log.stop),
            repeatedly("ingest-turned-away", turning_away.keep, every=_KEEP_EVERY, at_the_end=True),
            repeatedly("ingest-book", book.write, every=_KEEP_EVERY, at_the_end=True),
            repeatedly("ingest-links", links.refresh, every=_REFRESH_EVERY),
        ),
        edge_checks={"edge": raw_log.check},
        hot_routes=edge.refusals.watch([*ways_in(edge), *redirecting.routes()]),
        routers=(
            build_erasure_router(naming, commands),
            build_merge_router(commands),
            build_key_router(KeyRing(database, pepper=pepper, clock=resources.clock), resources.clock),
            build_link_router(desk),
            build_source_router(SourceReport(database).find_sources, resources.clock),
            build_quarantine_router(replaying),
        ),
        statuses={**STATUSES, **HOOK_STATUSES},
        start=database.start,
        stop=database.stop,
        check=check,
        tell=tell,
    )


def _ways_in(
    resources: Resources,
    settings: IngestSettings,
    database: Database,
    *,
    reader: RawReader,
    rulebook: Rulebook,
    authority: Authority | None,
) -> Callable[[Edge], list[HotRoute]]:
    """Return what makes every way in that needs a write key, for one edge or another."""
    pepper = resources.secrets.pepper.reveal()
    hasher = identifier_hasher(resources.secrets.identity_key.reveal())
    search = LeadSearch(database, rules=rulebook.identity, hash_identifier=hasher)
    secrets_of_hooks = StoredSecrets(database, sealing=sealing_of_hooks(pepper))
    once = NamedRequests(database, keep=settings.remember_answers)

    def ways_in(edge: Edge) -> list[HotRoute]:
        return [
            *sdk_routes(edge),
            *native_routes(edge, once=once, reader=reader, remembered=settings.remember_answers),
            *lead_routes(
                find_leads=search.find,
                authority=authority or Tokens(database, pepper=pepper),
                clock=resources.clock,
            ),
            *form_routes(edge, rulebook, origins=settings.origins, public_url=settings.public_url),
            *hook_routes(
                edge,
                providers=PROVIDERS,
                find_secrets=secrets_of_hooks.find,
                public_url=settings.public_url,
            ),
        ]

    return ways_in


def _spill_of(settings: IngestSettings, data: Path) -> Spill:
    reserved = settings.spill_bytes * settings.spill_reserve // 100
    return Spill(data / "spill", most_bytes=settings.spill_bytes, reserved=reserved)


def check_documents(config: Path) -> None:
    """Read every business document of this service and make of it what the service makes of it.

    :raises DocumentFaults: with every fault and its path.
    """
    build_resolver(config, identity_key=bytes(32), metrics=IngestMetrics(CollectorRegistry()))


def build_source_report(database: Database) -> SourceReport:
    """Return what tells how the sources are; ``database`` is ingest's, started."""
    return SourceReport(database)


def build_hook_tools(
    resources: Resources, *, database: Database, metrics: IngestMetrics | None = None
) -> HookTools:
    """Return what jobs and people act on hooks with; ``database`` is ingest's."""
    identity_key = resources.secrets.identity_key.reveal()
    return HookTools(
        database=database,
        log=resources.log,
        partitions=resources.partitions,
        clock=resources.clock,
        providers=PROVIDERS,
        sealing=sealing_of_hooks(resources.secrets.pepper.reveal()),
        stamp=FetchedItems(Stamper(identity_key=identity_key, new_id=new_record_id)).stamp,
        hash_identifier=identifier_hasher(identity_key),
        metrics=metrics or IngestMetrics(CollectorRegistry()),
    )


def build_hook_desk(resources: Resources, *, database: Database) -> HookDesk:
    """Return what people act on hooks with; ``database`` is ingest's, started."""
    settings = load_settings(IngestSettings, environment=resources.environment)
    return HookDesk(build_hook_tools(resources, database=database), public_url=settings.public_url)


def build_replaying(resources: Resources, *, database: Database) -> Replaying:
    """Return what sends quarantined messages round again; ``database`` is ingest's, started."""
    settings = load_settings(IngestSettings, environment=resources.environment)
    identity_key = resources.secrets.identity_key.reveal()
    rulebook = read_rulebook(resources.config / NAME, default_region=settings.default_region)
    reader = RawReader(
        rulebook, hash_identifier=identifier_hasher(identity_key), currency=settings.default_currency
    )
    ways_in = _ways_in(resources, settings, database, reader=reader, rulebook=rulebook, authority=None)
    return Replaying(
        database,
        log=resources.log,
        partitions=resources.partitions,
        resend=Resending(ways_in, identity_key=identity_key).resend,
    )


def build_link_desk(resources: Resources, *, database: Database) -> LinkDesk:
    """Return the desk where tracking links are made; ``database`` is ingest's, started."""
    settings = load_settings(IngestSettings, environment=resources.environment)
    resolver = build_resolver(
        resources.config,
        identity_key=resources.secrets.identity_key.reveal(),
        metrics=IngestMetrics(CollectorRegistry()),
    )
    processing = Processing(replace(resources, registry=CollectorRegistry()), resolver, database)
    return LinkDesk(
        database, commands=processing.build_commands(), public_url=settings.public_url.rstrip("/")
    )


HOOK_PROVIDERS: Final = PROVIDERS
"""The vendors that deliver, by name."""

describe_link: Final = show_link
"""Return a link as it is shown; ``base`` is where people reach us."""


def build_form_shelf(config: Path) -> FormShelf:
    """Return the forms in a folder of documents.

    :raises DocumentFaults: with every fault and its path.
    """
    settings = load_settings(IngestSettings)
    rulebook = read_rulebook(config / NAME, default_region=settings.default_region)
    return FormShelf(rulebook, public_url=settings.public_url)
