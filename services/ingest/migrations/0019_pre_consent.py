"""Every word about consent, kept."""

from __future__ import annotations

from services.ingest.store.desk.consents import CREATE
from shared.postgres.migrations import execute_script

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Create the table."""
    execute_script(CREATE)
