"""Conflicts for people to settle, companies, and forms that came twice."""

from __future__ import annotations

from services.ingest.store.identity.tables import CREATE
from shared.postgres.migrations import execute_script

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Create the tables."""
    execute_script(CREATE)
