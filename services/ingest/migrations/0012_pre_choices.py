"""Spellings that people add, what stood for nothing, and what is read anew by them."""

from __future__ import annotations

from services.ingest.store.choices import unmatched
from services.ingest.store.respelling import anew, spellings
from shared.postgres.migrations import execute_script

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Create the tables."""
    execute_script(spellings.CREATE + unmatched.CREATE + anew.CREATE)
