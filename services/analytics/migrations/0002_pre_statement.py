"""By which documents everything was derived."""

from __future__ import annotations

from services.analytics.store import statements
from shared.postgres.migrations import execute_script

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table."""
    execute_script(statements.CREATE)
