"""What each source sent and what became of it."""

from __future__ import annotations

from services.ingest.store.sources import CREATE
from shared.postgres.migrations import execute_script

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the tables."""
    execute_script(CREATE)
