"""Builds the service: the only room that knows every room, and the only one that the product may enter."""

from __future__ import annotations

from services.ingest.api.desk.arrivals import show_arrivals
from services.ingest.api.desk.certificates import show_certificate
from services.ingest.api.desk.conflicts import show_conflict
from services.ingest.api.desk.correcting import MOST_ROWS, RowIn
from services.ingest.api.desk.leads import show_file
from services.ingest.bootstrap.choices import build_choice_desk
from services.ingest.bootstrap.desk import LeadTools, build_conflict_desk, build_lead_tools
from services.ingest.bootstrap.imports import IMPORT_TEXTS, build_import_desk
from services.ingest.bootstrap.resolving import NAME, build_resolver, check_documents, new_record_id
from services.ingest.bootstrap.service import MIGRATIONS, QUARANTINE_CHOICE, SETTINGS, build
from services.ingest.bootstrap.tags import build_tag_desk
from services.ingest.bootstrap.tools import (
    HOOK_PROVIDERS,
    build_form_shelf,
    build_hook_desk,
    build_hook_tools,
    build_link_desk,
    build_replaying,
    build_source_report,
    build_validity_desk,
    describe_link,
)
from services.ingest.queries.arrivals import Asked

__all__ = [
    "HOOK_PROVIDERS",
    "IMPORT_TEXTS",
    "MIGRATIONS",
    "MOST_ROWS",
    "NAME",
    "QUARANTINE_CHOICE",
    "SETTINGS",
    "Asked",
    "LeadTools",
    "RowIn",
    "build",
    "build_choice_desk",
    "build_conflict_desk",
    "build_form_shelf",
    "build_hook_desk",
    "build_hook_tools",
    "build_import_desk",
    "build_lead_tools",
    "build_link_desk",
    "build_replaying",
    "build_resolver",
    "build_source_report",
    "build_tag_desk",
    "build_validity_desk",
    "check_documents",
    "describe_link",
    "new_record_id",
    "show_arrivals",
    "show_certificate",
    "show_conflict",
    "show_file",
]
