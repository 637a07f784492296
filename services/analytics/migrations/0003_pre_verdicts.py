"""Verdicts that come late: about leads, and about single acts that are touch points."""

from __future__ import annotations

from services.analytics.store import derived_rows
from shared.postgres.migrations import execute_script

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table and the column."""
    execute_script(derived_rows.CREATE_VERDICTS)
