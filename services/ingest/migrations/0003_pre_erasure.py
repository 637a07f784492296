"""Erasure: a mark on leads that stays, and what is still to be looked for in quarantine."""

from __future__ import annotations

from services.ingest.store.erasure import CREATE
from shared.postgres.migrations import execute_script

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column and the table."""
    execute_script(CREATE)
