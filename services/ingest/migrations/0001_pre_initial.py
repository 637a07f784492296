"""Ingest's tables: sources and write keys, the processor's own, the directory, quarantine."""

from __future__ import annotations

from services.ingest.store.tables import CREATE
from shared.postgres.migrations import execute_script
from shared.processor import tables
from shared.security.tables import SOURCE_TABLES

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    execute_script(SOURCE_TABLES + tables.CREATE + CREATE)
