"""What a write key opens, how fast it may be used, who made it and when it was used last."""

from __future__ import annotations

from shared.postgres.migrations import execute_script
from shared.security.tables import WRITE_KEY_LIFE

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns."""
    execute_script(WRITE_KEY_LIFE)
