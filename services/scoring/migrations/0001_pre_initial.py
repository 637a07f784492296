"""Scoring's tables: the processor's own, facts, leads and told changes."""

from __future__ import annotations

from services.scoring.store import facts, leads, tier_changes
from shared.postgres.migrations import execute_script
from shared.processor import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    execute_script(tables.CREATE + facts.CREATE + leads.CREATE + tier_changes.CREATE)
