"""Builds what the commands of the product work with, outside a running service."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry

from services.ingest.api.desk.resending import Resending
from services.ingest.api.desk.validity import ValidityDesk
from services.ingest.api.forms.shelf import FormShelf
from services.ingest.api.hooks.items import FetchedItems
from services.ingest.api.links.desk import LinkDesk, show_link
from services.ingest.api.stamping import Stamper
from services.ingest.bootstrap.resolving import NAME, build_resolver, new_record_id
from services.ingest.bootstrap.ways_in import build_ways_in
from services.ingest.domain.identifiers import identifier_hasher
from services.ingest.handlers.reading import RawReader
from services.ingest.jobs.hooks.bringing import HookTools
from services.ingest.jobs.hooks.desk import HookDesk
from services.ingest.jobs.replaying import Replaying
from services.ingest.metrics import IngestMetrics
from services.ingest.providers.roster import PROVIDERS
from services.ingest.queries.sources import SourceReport
from services.ingest.settings import IngestSettings
from services.ingest.store.documents import read_rulebook
from services.ingest.store.hooks.secrets import sealing_of_hooks
from shared.postgres.database import Database
from shared.processor.commands import Commands
from shared.runtime.blueprint import Resources
from shared.runtime.processing import Processing
from shared.runtime.settings.environment import load_settings


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
    ways_in = build_ways_in(resources, settings, database, reader=reader, rulebook=rulebook, authority=None)
    return Replaying(
        database,
        log=resources.log,
        partitions=resources.partitions,
        resend=Resending(ways_in, identity_key=identity_key).resend,
    )


def build_link_desk(resources: Resources, *, database: Database) -> LinkDesk:
    """Return the desk where tracking links are made; ``database`` is ingest's, started."""
    settings = load_settings(IngestSettings, environment=resources.environment)
    return LinkDesk(
        database,
        commands=_build_commands(resources, database),
        public_url=settings.public_url.rstrip("/"),
    )


def build_validity_desk(resources: Resources, *, database: Database) -> ValidityDesk:
    """Return the desk where leads are called invalid and valid; ``database`` is ingest's, started."""
    settings = load_settings(IngestSettings, environment=resources.environment)
    rulebook = read_rulebook(resources.config / NAME, default_region=settings.default_region)
    return ValidityDesk(_build_commands(resources, database), reasons=rulebook.validity.reasons)


def _build_commands(resources: Resources, database: Database) -> Commands[Any]:
    resolver = build_resolver(
        resources.config,
        identity_key=resources.secrets.identity_key.reveal(),
        metrics=IngestMetrics(CollectorRegistry()),
    )
    return Processing(replace(resources, registry=CollectorRegistry()), resolver, database).build_commands()


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
