"""The schema of ingest, from nothing."""

from __future__ import annotations

from alembic import op

from services.ingest.store.tables import CREATE
from shared.processor import tables as processor_tables
from shared.security.tables import SOURCE_TABLES

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(SOURCE_TABLES)
    op.execute(CREATE)
    op.execute(processor_tables.CREATE)
