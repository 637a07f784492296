"""Builds the service: the only room that knows every room, and the only one that the product may enter."""

from __future__ import annotations

from services.ingest.bootstrap.resolving import NAME, build_resolver, check_documents, new_record_id
from services.ingest.bootstrap.service import MIGRATIONS, QUARANTINE_CHOICE, SETTINGS, build
from services.ingest.bootstrap.tools import (
    HOOK_PROVIDERS,
    build_form_shelf,
    build_hook_desk,
    build_hook_tools,
    build_link_desk,
    build_replaying,
    build_source_report,
    describe_link,
)

__all__ = [
    "HOOK_PROVIDERS",
    "MIGRATIONS",
    "NAME",
    "QUARANTINE_CHOICE",
    "SETTINGS",
    "build",
    "build_form_shelf",
    "build_hook_desk",
    "build_hook_tools",
    "build_link_desk",
    "build_replaying",
    "build_resolver",
    "build_source_report",
    "check_documents",
    "describe_link",
    "new_record_id",
]
