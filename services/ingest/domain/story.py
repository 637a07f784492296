"""A lead's story as ingest can tell it: what came in, what became known, what was brought together."""

from __future__ import annotations

from typing import NamedTuple

from shared.kernel.instants import Instant


class StoryRow(NamedTuple):
    """One line, kept for good; nothing in it names a person.

    ``kind`` is the event's name, ``cause`` the id of the message that brought it about, ``event`` the
    id of the event that told the others, empty if none did. A line belongs to its profile and moves
    with it; ``lead`` is where the profile lived when it was written, of an un-merge where it had lived.
    """

    profile: str
    lead: str
    at: Instant
    kind: str
    text: str
    message_id: str | None
    cause: str
    event: str
