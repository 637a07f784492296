"""The first filter: marks on leads, verdicts about profiles, and the acts of late."""

from __future__ import annotations

from services.ingest.store.validity.recent_acts import CREATE
from shared.postgres.migrations import execute_script

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Add the columns and the table."""
    execute_script(CREATE)
