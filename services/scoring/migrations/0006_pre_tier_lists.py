"""Leads by tier."""

from __future__ import annotations

from services.scoring.store.tier_lists import table
from shared.postgres.migrations import execute_script

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the tables."""
    execute_script(table.CREATE)
