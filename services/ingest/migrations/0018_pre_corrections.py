"""What people put down by hand: notes; and which rep owns which lead."""

from __future__ import annotations

from services.ingest.store.desk import notes, owners
from shared.postgres.migrations import execute_script

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Create the tables."""
    execute_script(notes.CREATE + owners.CREATE)
