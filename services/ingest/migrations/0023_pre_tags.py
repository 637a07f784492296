"""Tags and touches: what profiles bring along, what stands on leads, the catalogue, and work in bulk."""

from __future__ import annotations

from services.ingest.store.tags import book, bulk, catalogue
from shared.postgres.migrations import execute_script

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Create the tables."""
    execute_script(catalogue.CREATE + book.CREATE + bulk.CREATE)
