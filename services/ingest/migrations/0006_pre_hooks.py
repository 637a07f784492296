"""What hooks need: sealed secrets, errands, positions of the lists that are looked through."""

from __future__ import annotations

from services.ingest.store.hooks.tables import CREATE
from shared.postgres.migrations import execute_script

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create everything."""
    execute_script(CREATE)
