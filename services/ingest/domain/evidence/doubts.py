"""Doubts: evidence that contradicts what is known, and what looks like one person and is not merged.

The rules decide at once and never guess; what they decided against is listed, so that a person can
settle it. Nothing here names anybody: profiles, kinds, keyed hashes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant


class Reason(StrEnum):
    """Why something is listed.

    The first five are contradictions: an identifier in a message was not followed, because the user ids
    differ, a number came under another name or belongs to a switchboard, somebody has too many of its
    kind, or too many leads have become one already. The others are likenesses.
    """

    USERS_DIFFER = "user_ids_differ"
    NAMES_DIFFER = "names_differ"
    SWITCHBOARD = "switchboard"
    TOO_MANY = "too_many_identifiers"
    TOO_LARGE = "too_many_profiles"
    SAME_MAILBOX = "same_mailbox"
    SAME_NAME_AND_COMPANY = "same_name_and_company"


class Doubt(NamedTuple):
    """One doubt: ``profile`` is whose message it was, ``other`` who else it may be, empty if nobody.

    ``identifier`` is the keyed hash of what was not followed, or of what is alike.
    """

    reason: Reason
    kind: str
    identifier: str
    profile: str
    other: str

    @property
    def id(self) -> str:
        """The same doubt has the same id, whoever of the two comes first."""
        pair = sorted((self.profile, self.other))
        return deterministic_id("conflict", self.reason, self.identifier, *pair)


class Likeness(NamedTuple):
    """What a profile has that others may have, too; the first who had it is who they are compared with."""

    key: str
    reason: Reason
    profile: str


class Conflict(NamedTuple):
    """A conflict as it is kept, and with whom its two profiles live now.

    ``other_lead`` is empty where there is nobody else. ``settled`` is merge, apart, dismiss, or None while
    it is open.
    """

    id: str
    reason: str
    kind: str
    profile: str
    other: str
    lead: str
    other_lead: str
    cause: str
    message_id: str | None
    at: Instant
    settled: str | None
    settled_at: Instant | None
    settled_by: str | None
    note: str | None
