"""The services there are: one line each. Nothing else in the product names a service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from leadmill.platform.rehearsal.forecasting import Forecast, foresee
from services.analytics import bootstrap as analytics
from services.ingest import bootstrap as ingest
from services.nurture import bootstrap as nurture
from services.routing import bootstrap as routing
from services.scoring import bootstrap as scoring
from shared.kernel.errors import Rejected
from shared.postgres.database import Database
from shared.runtime.blueprint import Blueprint, Resources
from shared.runtime.settings.environment import Settings


class Entry(NamedTuple):
    """One service: how it is built, what checks its documents, its path, the settings it reads.

    The path is empty for the one service that answers at the root; ``also`` are further paths.
    """

    build: Callable[[Resources], Blueprint]
    check_documents: Callable[[Path], None]
    path: str
    settings: type[Settings] | None = None
    also: tuple[str, ...] = ()


REHEARSALS: Final[Mapping[str, Callable[[Path], Callable[..., Any]]]] = {
    "scoring": scoring.build_rehearsal,
    "routing": routing.build_rehearsal,
    "nurture": nurture.build_rehearsal,
}
"""What these services would say of a lead of whom nothing but some events is known; takes the documents."""


def _foresee(resources: Resources) -> Forecast | None:
    """Return the forecast by the documents, and by the scoring models that are live on this deployment."""
    score = partial(scoring.build_rehearsal, database_url=resources.database_url)
    return foresee(resources.config, {**REHEARSALS, "scoring": score})


def _build_ingest(resources: Resources) -> Blueprint:
    """Return the service; its previews tell what would start in the others."""
    return ingest.build(resources, forecast=_foresee(resources))


ROSTER: Final[Mapping[str, Entry]] = {
    "ingest": Entry(_build_ingest, ingest.check_documents, "", ingest.SETTINGS),
    "scoring": Entry(scoring.build, scoring.check_documents, "/scoring", scoring.SETTINGS),
    "routing": Entry(routing.build, routing.check_documents, "/routing"),
    "nurture": Entry(nurture.build, nurture.check_documents, "/nurture", nurture.SETTINGS, ("/t",)),
    "analytics": Entry(analytics.build, analytics.check_documents, "/analytics"),
}
"""In the order in which a lead meets them."""

QUARANTINE: Final = ingest.build_replaying
"""Sends round again what could not be used when it came in; takes the resources and the owner's database."""


def open_imports(resources: Resources, *, database: Database) -> Any:
    """Return the desk where tables are brought in; its previews tell what would start."""
    return ingest.build_import_desk(resources, database=database, forecast=_foresee(resources))


IMPORT_TEXTS: Final = ingest.IMPORT_TEXTS
"""What commands need of imports without a database."""
TAGS: Final = ingest.build_tag_desk
"""Builds the desk of tags, from resources and the database of :data:`KEYS_OWNER`."""

LINKS: Final = ingest.build_link_desk
"""Where tracking links are made; takes the resources and the owner's database."""

LEAD_QUESTIONS: Final = scoring.build_lead_questions
"""Answers why a lead has its points and what it would take; takes the resources and scoring's database."""

MODELS: Final = scoring.build_model_desk
"""Where steps are taken in the life of scoring models; takes the resources and the owner's database."""

MODELS_OWNER: Final = "scoring"
"""The service that keeps scoring models."""

MODEL_COMMANDS: Final = scoring.MODEL_COMMANDS
"""What may be asked of a model's life, by the word for it."""

SHOW_MODEL: Final = scoring.SHOW_MODEL
"""Returns a model's life as it is shown."""

SHOW_COMPARISON: Final = scoring.SHOW_COMPARISON
"""Returns a version in shadow beside the live one as it is shown."""

EDITOR_SCHEMAS: Final[Mapping[str, Callable[[], Mapping[str, Any]]]] = {
    "scoring/schemas/scoring_model.json": scoring.MODEL_SCHEMA,
    "scoring/schemas/company_model.json": scoring.COMPANY_MODEL_SCHEMA,
}
"""JSON Schemas by which editors know documents, by their path in a configuration folder."""

CHOICES: Final = ingest.build_choice_desk
"""Where people say what spellings stand for; takes the resources and the owner's database."""

FORMS: Final = ingest.build_form_shelf
"""The forms of a folder of documents."""

SHOW_LINK: Final = ingest.describe_link
"""Returns a tracking link as it is shown."""

HOOKS: Final = ingest.build_hook_desk
"""Where hooks are set up; takes the resources and the owner's database."""

HOOK_PROVIDERS: Final = ingest.HOOK_PROVIDERS
"""The vendors that deliver, by name."""

WEBHOOKS: Final = scoring.build_webhooks
"""Where other systems are told of tier changes; takes the resources and the database of scoring."""

WEBHOOKS_OWNER: Final = scoring.NAME
"""Whose database that is."""

QUARANTINE_CHOICE: Final = ingest.QUARANTINE_CHOICE
"""Says which messages of those are meant."""

SOURCES: Final = ingest.build_source_report
"""Tells how the sources are; takes the owner's database."""

LEADS: Final = ingest.build_lead_tools
"""What leads are read and put right with; takes the resources and the owner's database."""

VALIDITY: Final = ingest.build_validity_desk
"""Where leads are called invalid and valid; takes the resources and the owner's database."""

LEAD_ROW: Final = ingest.RowIn
"""A correction and whose it is."""

MOST_LEAD_ROWS: Final = ingest.MOST_ROWS
"""How many of them go at once."""

SHOW_LEAD: Final = ingest.show_file
"""Returns a lead as it is shown."""

ARRIVALS_ASKED: Final = ingest.Asked
"""What is known of something that was sent."""

SHOW_ARRIVALS: Final = ingest.show_arrivals
"""Returns what became of it as it is shown."""

CONFLICTS: Final = ingest.build_conflict_desk
"""Where conflicts about who is who are settled; takes the resources and the owner's database."""

SHOW_CONFLICT: Final = ingest.show_conflict
"""Returns a conflict as it is shown."""

SHOW_CERTIFICATE: Final = ingest.show_certificate
"""Returns what an erasure removed as it is shown, sealed."""

HANDOVER: Final = routing.fill_handover
"""Fills in the hand-over list of a lead; takes the resources and routing's database."""

HANDOVER_OWNER: Final = "routing"
"""The service that keeps hand-over lists."""

KEYS_OWNER: Final = "ingest"
"""The service that takes data in, and whose schema therefore holds the write keys."""


class ServiceUnknown(Rejected):
    """There is no such service."""

    code = "platform.service_unknown"

    def __init__(self) -> None:
        super().__init__(f"there is no such service; there are {', '.join(ROSTER)}")


def entry_of(name: str) -> Entry:
    """Return the entry of a service. :raises ServiceUnknown: if there is none of this name."""
    entry = ROSTER.get(name)
    if entry is None:
        raise ServiceUnknown
    return entry


def settings_kinds() -> tuple[type[Settings], ...]:
    """Return the settings that services read for themselves."""
    return tuple(entry.settings for entry in ROSTER.values() if entry.settings is not None)
