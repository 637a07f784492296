"""Steps in the life of scoring models, the pass that follows them, previews and shadows."""

from __future__ import annotations

from services.scoring.store.scoring_models import passes, previews, shadows, steps
from shared.postgres.migrations import execute_script

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables."""
    execute_script(steps.CREATE + passes.CREATE + previews.CREATE + shadows.CREATE)
