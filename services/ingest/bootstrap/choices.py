"""Builds what reads choices and what people say about their spellings."""

from __future__ import annotations

from dataclasses import replace

from prometheus_client import CollectorRegistry

from services.ingest.api.desk.choices import ChoiceDesk
from services.ingest.bootstrap.resolving import NAME, build_resolver
from services.ingest.domain.dialects.rulebook import Rulebook
from services.ingest.metrics import IngestMetrics
from services.ingest.queries.choices import ChoiceReport
from services.ingest.settings import IngestSettings
from services.ingest.store.documents import read_rulebook
from shared.http.commands import CommandRunner
from shared.postgres.database import Database
from shared.runtime.blueprint import Resources
from shared.runtime.processing import Processing
from shared.runtime.settings.environment import load_settings


def build_choices(
    rulebook: Rulebook, database: Database, commands: CommandRunner, *, currency: str
) -> ChoiceDesk:
    """Return the desk of choices of a running service."""
    return ChoiceDesk(ChoiceReport(database, rulebook.choices, currency=currency), commands)


def build_choice_desk(resources: Resources, *, database: Database) -> ChoiceDesk:
    """Return the desk of choices for the command line; ``database`` is ingest's, started."""
    settings = load_settings(IngestSettings, environment=resources.environment)
    resolver = build_resolver(
        resources.config,
        identity_key=resources.secrets.identity_key.reveal(),
        metrics=IngestMetrics(CollectorRegistry()),
        default_currency=settings.default_currency,
    )
    processing = Processing(replace(resources, registry=CollectorRegistry()), resolver, database)
    rulebook = read_rulebook(resources.config / NAME, default_region=settings.default_region)
    return build_choices(rulebook, database, processing.build_commands(), currency=settings.default_currency)
