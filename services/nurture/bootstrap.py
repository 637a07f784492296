"""Builds the service: the only file that knows every room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from services.nurture.api.routes import build_router
from services.nurture.api.tracking import Tracking
from services.nurture.domain.course import Rules
from services.nurture.domain.desk import Desk
from services.nurture.domain.messages import PLANNED
from services.nurture.domain.signing import signing_key
from services.nurture.handlers.interpreting import interpret, interpret_tombstone
from services.nurture.handlers.nurturing import NurtureHandlers, leads_of
from services.nurture.jobs.forwarding import Forwarding
from services.nurture.jobs.keeping import Keeping
from services.nurture.jobs.letters import Layouts, Letterhead, Letters, check_letters
from services.nurture.jobs.measuring import Measuring
from services.nurture.jobs.sending import Pace, Sending
from services.nurture.metrics import NurtureMetrics
from services.nurture.queries.checks import NurtureChecks
from services.nurture.queries.leads import LeadQueries
from services.nurture.queries.messages import MessageQueries
from services.nurture.queries.story import tell_story
from services.nurture.settings import NurtureSettings
from services.nurture.store.desk_rows import open_desk, save_desk
from services.nurture.store.documents import FOLDER, read_rulebook
from services.nurture.store.engagements import count_waiting
from services.nurture.store.sending import is_under_way
from shared.contracts.envelope import Envelope
from shared.contracts.topics import (
    ASSIGNMENTS,
    BEHAVIOUR,
    CONTACTS,
    DEAD_LETTERS,
    ERASURES,
    LEADS,
    NURTURE,
    OUTCOMES,
    TIER_CHANGES,
)
from shared.delivery.mail import MailLine, MailServer
from shared.kernel.changes import Emission, Fact
from shared.kernel.redacted import Redacted
from shared.log.port import Record
from shared.log.spill import Spill
from shared.postgres.database import Database, DatabaseLimits
from shared.processor.checks import Finding
from shared.processor.locked import LockedStage
from shared.runtime.blueprint import Blueprint, Resources, StoryLine
from shared.runtime.processing import Processing
from shared.runtime.service import Activity, repeatedly
from shared.runtime.settings.environment import load_settings
from shared.security.internal_keys import internal_key

NAME: Final = "nurture"
MIGRATIONS: Final = Path(__file__).parent / "migrations"
SETTINGS: Final = NurtureSettings
"""What this service reads from the environment, for whoever lists settings."""

SPILL_FOLDER: Final = "nurture-spill"
"""Below the data folder: clicks and opens that wait for the database; ids only."""

STATUSES: Final = {"nurture.lead_unknown": 404, "nurture.link_unknown": 404}

_CONNECTIONS: Final = 8
_MEASURE_EVERY: Final = timedelta(seconds=15)
_FLUSH_EVERY: Final = timedelta(seconds=1)
_SEND_PATIENCE: Final = timedelta(seconds=60)


def build_rehearsal(
    config: Path, *, calendar: str = ""
) -> Callable[[Sequence[Envelope]], tuple[Sequence[Emission], int]]:
    """Return what tells what nurture would say of a lead of whom nothing but these events is known.

    The number is that of mails that would go out at once. Nothing is read or written.
    """
    calendar = calendar or load_settings(NurtureSettings).calendar
    handlers = NurtureHandlers(read_rulebook(config, calendar=calendar).rules)

    def rehearse(envelopes: Sequence[Envelope]) -> tuple[Sequence[Emission], int]:
        desk = Desk()
        said: list[Emission] = []
        for learned in filter(None, map(interpret, envelopes)):
            desk.begin_fact()
            said += handlers.handle(desk, learned).emissions
        return said, sum(one.state == PLANNED for one in desk.messages)

    return rehearse


def build_stage(rules: Rules, *, partitions: int) -> LockedStage[Desk]:
    """Return nurture's stage: what it reads, decides and saves."""
    return LockedStage(
        name=NAME,
        group=NAME,
        topics=(
            LEADS.name,
            CONTACTS.name,
            BEHAVIOUR.name,
            TIER_CHANGES.name,
            ASSIGNMENTS.name,
            OUTCOMES.name,
        ),
        outputs=(NURTURE.name, ERASURES.name),
        dead_letters=DEAD_LETTERS[NAME].name,
        partitions=partitions,
        interpret=interpret,
        interpret_tombstone=_interpret_tombstone,
        open_desk=open_desk,
        leads_of=leads_of,
        handler=NurtureHandlers(rules).handle,
        save_desk=save_desk,
    )


def _interpret_tombstone(record: Record) -> Fact:
    return interpret_tombstone(
        record.topic,
        record.partition,
        record.offset,
        key=record.key or b"",
        timestamp=record.timestamp,
    )


def build(resources: Resources, *, settings: NurtureSettings | None = None) -> Blueprint:
    """Return the service, not yet started."""
    settings = settings or load_settings(NurtureSettings, environment=resources.environment)
    rulebook = read_rulebook(resources.config, calendar=settings.calendar)
    rules = rulebook.rules
    key = Redacted(signing_key(resources.secrets.identity_key.reveal()))
    front_door = (settings.front_door or resources.front_door).rstrip("/")
    metrics = NurtureMetrics(resources.registry)
    database = Database(
        resources.database_url,
        schema=NAME,
        application=f"leadmill/{NAME}",
        limits=DatabaseLimits(connections=_CONNECTIONS + settings.connections),
    )
    stage = build_stage(rules, partitions=resources.partitions)
    processing = Processing(resources, stage, database)
    worker = processing.build_worker()
    commands = processing.build_commands()
    letters = Letters(
        rules.contents,
        Layouts(resources.config / FOLDER / "layouts"),
        Letterhead(
            sender_address=settings.sender_address,
            sender_name=settings.sender_name,
            organisation=settings.organisation,
            postal_address=settings.postal_address,
            public_url=(settings.public_url or front_door).rstrip("/"),
        ),
        signing_key=key,
    )
    sendings = [
        Sending(
            database=database,
            clock=resources.clock,
            commands=commands,
            letters=letters,
            line=MailLine(_server_of(settings)) if settings.sends else None,
            sender=settings.sender_address,
            pace=Pace(
                batch=settings.batch,
                lease=settings.lease,
                longest_send=settings.longest_send,
                poll=resources.loop.poll,
            ),
            metrics=metrics,
            may_send=resources.may_send,
        )
        for _ in range(settings.connections if settings.sends else 1)
    ]
    spill = Spill(resources.data / SPILL_FOLDER, most_bytes=settings.spill_bytes) if settings.spill else None
    keeping = Keeping(database, spill=spill, metrics=metrics)
    forwarding = Forwarding(
        database,
        address=front_door,
        key=internal_key(resources.secrets.pepper.reveal(), NAME),
        contents=rules.contents,
        scanners=rulebook.scanners,
        metrics=metrics,
    )
    measuring = Measuring(database, metrics=metrics)
    checks = NurtureChecks(database, rules, partitions=resources.partitions)
    tracking = Tracking(key=key, keep=keeping.keep, scanners=rulebook.scanners, clock=resources.clock)

    async def check(full: bool) -> Sequence[Finding]:  # noqa: FBT001 - the shape of the hook
        return await checks.check(full=full)

    async def tell(lead: str) -> Sequence[StoryLine]:
        return [
            StoryLine(line.at, NAME, line.kind, line.text, line.cause, line.event)
            for line in await tell_story(database, lead)
        ]

    async def is_at_rest() -> bool:
        if keeping.is_spilling:
            return False
        async with database.connection() as connection:
            if await is_under_way(connection, sends=settings.sends):
                return False
        return await has_heard_out()

    async def has_heard_out() -> bool:
        async with database.connection() as connection:
            return await count_waiting(connection) == 0

    async def stop() -> None:
        await forwarding.close()
        await keeping.close()
        await database.stop()

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
            *(_activity_of(sending, number) for number, sending in enumerate(sendings)),
            repeatedly("nurture-forwarding", forwarding.forward, every=resources.loop.poll),
            repeatedly("nurture-measuring", measuring.measure, every=_MEASURE_EVERY),
        ),
        edge_activities=(repeatedly("nurture-keeping", keeping.flush, every=_FLUSH_EVERY),),
        routers=(build_router(leads=LeadQueries(database, rules), messages=MessageQueries(database, rules)),),
        hot_routes=tracking.routes(),
        statuses=STATUSES,
        start=database.start,
        stop=stop,
        check=check,
        find_missing=checks.find_missing,
        tell=tell,
        is_at_rest=is_at_rest,
        has_heard_out=has_heard_out,
    )


def _server_of(settings: NurtureSettings) -> MailServer:
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        username=settings.smtp_username,
        password=Redacted(settings.smtp_password.get_secret_value()),
        timeout=settings.smtp_timeout,
        name=settings.sender_address.rpartition("@")[2],
    )


def _activity_of(sending: Sending, number: int) -> Activity:
    return Activity(
        name=f"nurture-sending-{number}",
        run=sending.run,
        stop=sending.stop,
        beat=lambda: sending.beat,
        patience=_SEND_PATIENCE,
    )


def check_documents(config: Path) -> None:
    """Read every business document of this service and make of it what the service makes of it.

    :raises Rejected: with every fault and its path.
    """
    rulebook = read_rulebook(config, calendar=NurtureSettings.model_fields["calendar"].default)
    check_letters(rulebook.rules.contents, Layouts(config / FOLDER / "layouts"))
