"""Builds the desk at which leads are read and put right."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from fastapi import APIRouter
from prometheus_client import CollectorRegistry

from services.ingest.api.desk.arrivals import build_arrival_router
from services.ingest.api.desk.certificates import Sealing
from services.ingest.api.desk.conflicts import ConflictDesk, build_conflict_router
from services.ingest.api.desk.correcting import CorrectionDesk, build_bulk_router
from services.ingest.api.desk.leads import build_lead_router
from services.ingest.bootstrap.resolving import NAME, build_resolver
from services.ingest.domain.choices import Choices
from services.ingest.domain.desk.corrections import CorrectionReader
from services.ingest.domain.dialects.rulebook import Rulebook
from services.ingest.domain.identifiers import HashIdentifier, identifier_hasher
from services.ingest.domain.tag_rules.rules import TagRules
from services.ingest.domain.traits import FieldNames, TraitReader
from services.ingest.metrics import IngestMetrics
from services.ingest.queries.arrivals import ArrivalSearch
from services.ingest.queries.conflicts import ConflictBook
from services.ingest.queries.erasures import ErasureFiles
from services.ingest.queries.lead_file import LeadFiles
from services.ingest.queries.leads import LeadSearch
from services.ingest.settings import IngestSettings
from services.ingest.store.documents import read_rulebook
from shared.http.commands import CommandRunner
from shared.postgres.database import Database
from shared.runtime.blueprint import Resources
from shared.runtime.processing import Processing
from shared.runtime.settings.environment import load_settings


def build_correction_reader(rulebook: Rulebook, *, hash_identifier: HashIdentifier) -> CorrectionReader:
    """Return what reads corrections by the documents by which messages are read."""
    rules = rulebook.choices
    return CorrectionReader(
        traits=TraitReader(
            names=FieldNames(rulebook.field_names), choices=Choices(rules), rules=rulebook.identity
        ),
        values_of={rule.attribute: tuple(rule.values) for rule in rules},
        numbers_of={rule.attribute: rule.number for rule in rules if rule.number},
        rules=rulebook.identity,
        hash_identifier=hash_identifier,
    )


def build_correction_desk(
    rulebook: Rulebook, database: Database, commands: CommandRunner, *, hash_identifier: HashIdentifier
) -> CorrectionDesk:
    """Return what puts leads right."""
    return CorrectionDesk(
        search=LeadSearch(database, rules=rulebook.identity, hash_identifier=hash_identifier),
        reader=build_correction_reader(rulebook, hash_identifier=hash_identifier),
        commands=commands,
    )


def build_desk(
    rulebook: Rulebook, database: Database, commands: CommandRunner, *, hash_identifier: HashIdentifier
) -> APIRouter:
    """Return the routes at which leads are read and put right."""
    desk = build_correction_desk(rulebook, database, commands, hash_identifier=hash_identifier)
    arrivals = ArrivalSearch(database, rules=rulebook.identity, hash_identifier=hash_identifier)
    router = APIRouter()
    router.include_router(build_bulk_router(desk))
    router.include_router(build_arrival_router(arrivals.find))
    router.include_router(build_conflict_router(ConflictDesk(ConflictBook(database), commands)))
    files = LeadFiles(database, TagRules(rulebook.tags))
    router.include_router(build_lead_router(files.find_file, desk.reader, commands))
    return router


def build_conflict_desk(resources: Resources, *, database: Database) -> ConflictDesk:
    """Return what conflicts are listed and settled with; ``database`` is ingest's, started."""
    return ConflictDesk(ConflictBook(database), _commands_of(resources, database))


class LeadTools(NamedTuple):
    """What the command line reads leads and puts them right with."""

    desk: CorrectionDesk
    files: LeadFiles
    arrivals: ArrivalSearch
    erasures: ErasureFiles
    sealing: Sealing


def build_lead_tools(resources: Resources, *, database: Database) -> LeadTools:
    """Return what people read leads and put them right with; ``database`` is ingest's, started."""
    settings = load_settings(IngestSettings, environment=resources.environment)
    rulebook = read_rulebook(resources.config / NAME, default_region=settings.default_region)
    hasher = identifier_hasher(resources.secrets.identity_key.reveal())
    commands = _commands_of(resources, database)
    desk = build_correction_desk(rulebook, database, commands, hash_identifier=hasher)
    arrivals = ArrivalSearch(database, rules=rulebook.identity, hash_identifier=hasher)
    sealing = Sealing(resources.secrets.pepper.reveal())
    files = LeadFiles(database, TagRules(rulebook.tags))
    erasures = ErasureFiles(database, log=resources.log, quarantine=settings.keep_quarantine)
    return LeadTools(desk, files, arrivals, erasures, sealing)


def _commands_of(resources: Resources, database: Database) -> CommandRunner:
    """Return what carries out commands in a process without a worker."""
    identity_key = resources.secrets.identity_key.reveal()
    metrics = IngestMetrics(CollectorRegistry())
    resolver = build_resolver(resources.config, identity_key=identity_key, metrics=metrics)
    processing = Processing(replace(resources, registry=CollectorRegistry()), resolver, database)
    return processing.build_commands()
