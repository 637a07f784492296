"""The story of each profile, so that anybody can follow a request to what it brought about."""

from __future__ import annotations

from services.ingest.store.story import CREATE
from shared.postgres.migrations import execute_script

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table."""
    execute_script(CREATE)
