"""Requests that their senders named by an Idempotency-Key, and what they were answered."""

from __future__ import annotations

from services.ingest.store.idempotency import CREATE
from shared.postgres.migrations import execute_script

revision = "0010"
down_revision = "0007"


def upgrade() -> None:
    """Add the table."""
    execute_script(CREATE)
