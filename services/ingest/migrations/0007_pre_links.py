"""Tracking links."""

from __future__ import annotations

from services.ingest.store.links import CREATE
from shared.postgres.migrations import execute_script

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the table."""
    execute_script(CREATE)
