"""Checkpoints of leads with many facts, and facts in order, so that late ones need not read all of them."""

from __future__ import annotations

from services.scoring.store import checkpoints, facts
from shared.postgres.migrations import execute_script

revision = "0008"
down_revision = "0006"


def upgrade() -> None:
    """Create the table and the index."""
    execute_script(checkpoints.CREATE + facts.ORDER)
