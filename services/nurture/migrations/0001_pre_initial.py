"""Nurture's tables and the processor's own."""

from __future__ import annotations

from services.nurture.store.tables import CREATE
from shared.postgres.migrations import execute_script
from shared.processor import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    execute_script(tables.CREATE + CREATE)
