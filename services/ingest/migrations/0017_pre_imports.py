"""Imports: tables that people bring in, what became of their rows, and whom they hold."""

from __future__ import annotations

from services.ingest.store.imports.tables import CREATE
from shared.postgres.migrations import execute_script

revision = "0017"
down_revision = "0013"


def upgrade() -> None:
    """Create the tables, and the column that says what holds a lead."""
    execute_script(CREATE)
