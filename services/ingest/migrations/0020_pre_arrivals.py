"""What came in when is found by its time."""

from __future__ import annotations

from services.ingest.store.desk.arrivals import CREATE
from shared.postgres.migrations import execute_script

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Create the indexes."""
    execute_script(CREATE)
