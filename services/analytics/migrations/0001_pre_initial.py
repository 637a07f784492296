"""Analytics' tables: the processor's own, facts with what they stand for, and what follows from them."""

from __future__ import annotations

from services.analytics.store import derived_rows, desk_rows, facts, sharings
from shared.postgres.migrations import execute_script
from shared.processor import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    execute_script(tables.CREATE + facts.CREATE + derived_rows.CREATE + desk_rows.CREATE + sharings.CREATE)
