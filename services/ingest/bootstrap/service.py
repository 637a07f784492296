"""Builds the service: edge, worker, jobs and desks of one process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from services.ingest.api.admission.limiter import Limiter
from services.ingest.api.desk.certificates import Sealing, build_certificate_router
from services.ingest.api.desk.choices import CHOICE_STATUSES, build_choice_router
from services.ingest.api.desk.keys import build_key_router
from services.ingest.api.desk.quarantine import build_quarantine_router
from services.ingest.api.desk.resending import Resending
from services.ingest.api.desk.sources import build_source_router
from services.ingest.api.desk.validity import ValidityDesk, build_validity_router
from services.ingest.api.edge import Edge
from services.ingest.api.erasures import PersonNaming, build_erasure_router
from services.ingest.api.hooks.routes import HOOK_STATUSES
from services.ingest.api.imports.routes import build_import_router
from services.ingest.api.imports.uploading import Uploading, upload_routes
from services.ingest.api.links.desk import LinkDesk, build_link_router
from services.ingest.api.links.redirecting import Redirecting
from services.ingest.api.merges import build_merge_router
from services.ingest.api.stamping import Stamper
from services.ingest.api.statuses import STATUSES
from services.ingest.api.tags.catalogue import TAG_STATUSES
from services.ingest.bootstrap.choices import build_choices
from services.ingest.bootstrap.desk import build_desk
from services.ingest.bootstrap.imports import build_import_desk
from services.ingest.bootstrap.resolving import NAME, build_resolver, new_record_id
from services.ingest.bootstrap.tags import TagDesk
from services.ingest.bootstrap.tools import build_hook_tools
from services.ingest.bootstrap.ways_in import build_ways_in
from services.ingest.domain.admission.quarantine import Choice
from services.ingest.domain.admission.token_bucket import Rate
from services.ingest.domain.identifiers import identifier_hasher
from services.ingest.handlers.reading import RawReader
from services.ingest.jobs.bookkeeping import Bookkeeping
from services.ingest.jobs.forgetting import Forgetting
from services.ingest.jobs.hooks.activities import hook_activities
from services.ingest.jobs.imports.tools import Forecast
from services.ingest.jobs.imports.working import Working
from services.ingest.jobs.purging import Purging
from services.ingest.jobs.replaying import Replaying
from services.ingest.jobs.respelling import Respelling
from services.ingest.jobs.turning_away import TurningAway
from services.ingest.jobs.wiping import Wiping
from services.ingest.metrics import IngestMetrics
from services.ingest.queries.checks import IngestChecks
from services.ingest.queries.erasures import ErasureFiles
from services.ingest.queries.links import LinkTable
from services.ingest.queries.sources import SourceReport
from services.ingest.queries.story import find_story
from services.ingest.settings import IngestSettings
from services.ingest.store.documents import read_rulebook
from services.ingest.store.raw_log import RawLog
from shared.http.access import Authority
from shared.log.spill import Spill
from shared.postgres.database import Database
from shared.processor.checks import Finding
from shared.runtime.blueprint import Blueprint, Resources, StoryLine
from shared.runtime.processing import Processing
from shared.runtime.service import Activity, repeatedly, until_stopped
from shared.runtime.settings.environment import load_settings
from shared.security.entrances import WriteKeys
from shared.security.key_ring import KeyRing
from shared.security.tokens import Tokens

MIGRATIONS: Final = Path(__file__).parents[1] / "migrations"
SETTINGS: Final = IngestSettings
"""What this service reads from the environment, for whoever lists settings."""
QUARANTINE_CHOICE: Final = Choice
"""Says which messages in quarantine are meant."""
_FORGET_EVERY: Final = timedelta(minutes=10)
_PURGE_EVERY: Final = timedelta(seconds=10)
_TAG_EVERY: Final = timedelta(seconds=1)
_KEEP_EVERY: Final = timedelta(seconds=2)
_RESPELL_EVERY: Final = timedelta(seconds=1)
_REFRESH_EVERY: Final = timedelta(seconds=5)
_READ_KEYS_EVERY: Final = timedelta(seconds=30)


def build(
    resources: Resources,
    *,
    settings: IngestSettings | None = None,
    authority: Authority | None = None,
    new_id: Callable[[], str] = new_record_id,
    forecast: Forecast | None = None,
) -> Blueprint:
    """Return the service, not yet started.

    With a ``forecast`` the previews of imports tell what would start in the other services.
    """
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
    keys = WriteKeys(database, pepper=pepper)
    edge = Edge(
        keys=keys,
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
    ways_in = build_ways_in(
        resources, settings, database, reader=reader, rulebook=rulebook, authority=authority
    )
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
    files = ErasureFiles(database, log=resources.log, quarantine=settings.keep_quarantine)
    wiping = Wiping(database, commands=commands, clock=resources.clock)
    respelling = Respelling(database, commands=commands, clock=resources.clock)
    imports = build_import_desk(
        resources, database=database, settings=settings, rulebook=rulebook, forecast=forecast
    )
    uploads = upload_routes(
        Uploading(
            edge=edge,
            desk=imports,
            authority=authority or Tokens(database, pepper=pepper),
        )
    )
    tools = build_hook_tools(resources, database=database, metrics=metrics)
    tag_desk = TagDesk(rulebook, database, commands, clock=resources.clock)
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
            repeatedly("ingest-wiping", wiping.wipe, every=_FORGET_EVERY),
            repeatedly("ingest-respelling", respelling.work_off, every=_RESPELL_EVERY),
            repeatedly("ingest-unmatched", respelling.tidy, every=_FORGET_EVERY),
            until_stopped("ingest-imports", Working(imports).run),
            repeatedly("ingest-purging", Purging(database, clock=resources.clock).purge, every=_PURGE_EVERY),
            repeatedly("ingest-tagging", tag_desk.bulk.run, every=_TAG_EVERY),
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
            repeatedly("ingest-keys", keys.read_all, every=_READ_KEYS_EVERY),
        ),
        edge_checks={"edge": raw_log.check, "keys": keys.check},
        hot_routes=edge.refusals.watch([*ways_in(edge), *redirecting.routes(), *uploads]),
        routers=(
            build_erasure_router(naming, commands),
            build_import_router(imports),
            build_certificate_router(files.find_certificate, Sealing(pepper)),
            build_merge_router(commands),
            *tag_desk.routers(),
            build_desk(rulebook, database, commands, hash_identifier=identifier_hasher(identity_key)),
            build_validity_router(ValidityDesk(commands, reasons=rulebook.validity.reasons)),
            build_key_router(KeyRing(database, pepper=pepper, clock=resources.clock), resources.clock),
            build_link_router(desk),
            build_choice_router(
                build_choices(rulebook, database, commands, currency=settings.default_currency)
            ),
            build_source_router(SourceReport(database).find_sources, resources.clock),
            build_quarantine_router(replaying),
        ),
        statuses={**STATUSES, **HOOK_STATUSES, **CHOICE_STATUSES, **TAG_STATUSES},
        start=database.start,
        stop=database.stop,
        check=check,
        tell=tell,
    )


def _spill_of(settings: IngestSettings, data: Path) -> Spill:
    reserved = settings.spill_bytes * settings.spill_reserve // 100
    return Spill(data / "spill", most_bytes=settings.spill_bytes, reserved=reserved)
