"""The stream of told tier changes and activations, for other systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.scoring.domain.webhooks.webhook import Said
from services.scoring.store.activations import load_numbered_activations, load_told_activations
from services.scoring.store.tier_changes import (
    FIRST_CURSOR,
    is_cursor,
    load_latest_cursor,
    load_numbered_changes,
    load_told_changes,
)
from shared.kernel.errors import Rejected
from shared.postgres.database import Database
from shared.postgres.snapshots import snapshot

BEGINNING = FIRST_CURSOR
"""The cursor before the first change that was ever told."""

_CHANGES_PER_READ = 200


class CursorMalformed(Rejected):
    """Last-Event-ID is the id of an event of this stream; leave it out to begin anew."""

    code = "scoring.cursor_malformed"


def check_cursor(text: str | None) -> str | None:
    """Return the cursor that a client has named, None if it named none.

    :raises CursorMalformed: if it is none of ours.
    """
    if text and not is_cursor(text):
        raise CursorMalformed
    return text or None


class TierStream:
    """Reads what was told from a cursor on; a cursor stays valid for good."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_changes(self, after: str) -> Sequence[Said]:
        """Return the next tier changes and activations after a cursor, oldest first.

        Both tables are read as of one moment: what one shows and the other not yet would be skipped.
        """
        async with snapshot(self._database) as transaction:
            changes = await load_told_changes(transaction, after=after, limit=_CHANGES_PER_READ)
            activations = await load_told_activations(transaction, after=after, limit=_CHANGES_PER_READ)
        told: list[Said] = [*changes, *activations]
        return sorted(told, key=_place)[:_CHANGES_PER_READ]

    async def find_numbered(self, numbers: Sequence[int]) -> Mapping[int, Said]:
        """Return what was told under these numbers, the second part of a cursor."""
        async with self._database.connection() as connection:
            changes = await load_numbered_changes(connection, numbers)
            activations = await load_numbered_activations(connection, numbers)
        return {**changes, **activations}

    async def find_end(self) -> str:
        """Return the cursor of the newest change."""
        async with self._database.connection() as connection:
            return await load_latest_cursor(connection)


def number_of(told: Said) -> int:
    """Return the number of what was told: of one lead numbers rise as things were told."""
    return _place(told)[1]


def _place(told: Said) -> tuple[int, int]:
    written, _, number = told.cursor.partition(".")
    return int(written), int(number)
