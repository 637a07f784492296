"""Webhooks: addresses of other systems, what is on its way to them, and what was tried."""

from __future__ import annotations

from services.scoring.store.webhooks import deliveries, webhooks
from shared.postgres.migrations import execute_script

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables."""
    execute_script(webhooks.CREATE + deliveries.CREATE)
