"""Builds the desk at which leads are read and put right."""

from __future__ import annotations

from fastapi import APIRouter

from services.ingest.api.desk.leads import build_lead_router
from services.ingest.domain.choices import Choices
from services.ingest.domain.desk.corrections import CorrectionReader
from services.ingest.domain.dialects.rulebook import Rulebook
from services.ingest.domain.identifiers import HashIdentifier
from services.ingest.domain.traits import FieldNames, TraitReader
from services.ingest.queries.lead_file import LeadFiles
from shared.http.commands import CommandRunner
from shared.postgres.database import Database


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


def build_desk(
    rulebook: Rulebook, database: Database, commands: CommandRunner, *, hash_identifier: HashIdentifier
) -> APIRouter:
    """Return the routes at which leads are read and put right."""
    reader = build_correction_reader(rulebook, hash_identifier=hash_identifier)
    return build_lead_router(LeadFiles(database).find_file, reader, commands)
