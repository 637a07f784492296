"""Who asked to be forgotten, and what each service removed."""

from __future__ import annotations

from services.ingest.store.desk.erasures import CREATE
from shared.postgres.migrations import execute_script

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Create the tables."""
    execute_script(CREATE)
