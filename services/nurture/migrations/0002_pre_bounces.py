"""Bounces: what came back from a mail may be that there is no such mailbox."""

from __future__ import annotations

from services.nurture.store.engagements import WITH_BOUNCES
from shared.postgres.migrations import execute_script

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Allow for bounces."""
    execute_script(WITH_BOUNCES)
