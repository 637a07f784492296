"""Told activations, in one stream with the tier changes."""

from __future__ import annotations

from services.scoring.store import activations
from shared.postgres.migrations import execute_script

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table."""
    execute_script(activations.CREATE)
