"""With whom a profile lived before it moved, so that a merge can be taken back with all that came along."""

from __future__ import annotations

from shared.postgres.migrations import execute_script

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column."""
    execute_script("""
        ALTER TABLE profile ADD COLUMN came_from text COLLATE "C" NOT NULL DEFAULT '';
        COMMENT ON COLUMN profile.came_from IS 'the lead it lived with before it moved last';
    """)
