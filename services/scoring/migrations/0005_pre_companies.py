"""Companies: what leads tell them, and what is told of their tiers."""

from __future__ import annotations

from services.scoring.store.companies import states
from shared.postgres.migrations import execute_script

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the tables."""
    execute_script(states.CREATE)
