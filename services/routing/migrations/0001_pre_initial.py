"""Routing's tables: the processor's own, leads, people, stays and everything that is kept about decisions."""

from __future__ import annotations

from services.routing.store.tables import CREATE
from shared.postgres.migrations import execute_script
from shared.processor import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    execute_script(tables.CREATE + CREATE)
