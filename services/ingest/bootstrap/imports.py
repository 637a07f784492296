"""Builds what imports work with, for the service and for the commands of the product."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from services.ingest.api.imports.stamping import ImportedRows
from services.ingest.api.stamping import Stamper
from services.ingest.bootstrap.resolving import NAME, new_record_id
from services.ingest.domain.dialects.rulebook import Rulebook
from services.ingest.domain.identifiers import identifier_hasher
from services.ingest.domain.imports.definitions import KINDS
from services.ingest.domain.imports.faults import Advice, Language, advise
from services.ingest.domain.imports.options import ImportOptions
from services.ingest.domain.imports.template import make_template
from services.ingest.domain.traits import FieldNames
from services.ingest.domain.validity.judging import Judge
from services.ingest.handlers.judging import Judging
from services.ingest.handlers.reading import RawReader
from services.ingest.handlers.resolution import IntakeHandler
from services.ingest.jobs.imports.desk import ImportDesk
from services.ingest.jobs.imports.tools import Forecast, ImportTools, forecast_nothing
from services.ingest.providers.spreadsheets.templates import write_template
from services.ingest.settings import IngestSettings
from services.ingest.store.documents import read_rulebook
from services.ingest.store.imports.documents import read_import_rules
from shared.postgres.database import Database
from shared.runtime.blueprint import Resources
from shared.runtime.settings.environment import load_settings
from shared.working_time.zones import load_zone


class ImportTexts(NamedTuple):
    """What commands need of imports without a database."""

    options: type[ImportOptions]
    advise: Callable[[str, Any], Advice]
    template: Callable[..., bytes | None]


def _template(config: Path, kind: str, *, language: Language, event: str, is_xlsx: bool) -> bytes | None:
    if kind not in KINDS:
        return None
    rules = read_import_rules(config / NAME)
    template = make_template(rules, kind, language=language, event=event)
    return write_template(template, language=language, is_xlsx=is_xlsx)


IMPORT_TEXTS: Final = ImportTexts(ImportOptions, advise, _template)
"""What commands need of imports without a database."""


def build_import_desk(
    resources: Resources,
    *,
    database: Database,
    settings: IngestSettings | None = None,
    rulebook: Rulebook | None = None,
    forecast: Forecast | None = None,
) -> ImportDesk:
    """Return the desk for imports; ``database`` is ingest's, started.

    With a ``forecast`` previews tell what would start in the other services.
    """
    settings = settings or load_settings(IngestSettings, environment=resources.environment)
    rulebook = rulebook or read_rulebook(resources.config / NAME, default_region=settings.default_region)
    identity_key = resources.secrets.identity_key.reveal()
    hasher = identifier_hasher(identity_key)
    reader = RawReader(rulebook, hash_identifier=hasher, currency=settings.default_currency)
    judging = Judging(Judge(rulebook.validity, rulebook.identity, hash_identifier=hasher))
    taking_in = IntakeHandler(rulebook.matching, hash_identifier=hasher, judge=judging.on_message)
    return ImportDesk(
        ImportTools(
            database=database,
            log=resources.log,
            partitions=resources.partitions,
            clock=resources.clock,
            rules=read_import_rules(resources.config / NAME),
            names=FieldNames(rulebook.field_names),
            stamp=ImportedRows(Stamper(identity_key=identity_key, new_id=new_record_id)),
            read_raw=reader.on_raw_received,
            zone=load_zone(settings.zone),
            take_in=taking_in.on_intake,
            new_id=new_record_id,
            forecast=forecast or forecast_nothing,
        )
    )
