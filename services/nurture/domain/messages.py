"""A message's line in the ledger: it is written before anything is sent, and says how the sending ended.

::

    planned ──► sending ──► sent
       │           ├──────► failed          refused for good
       │           └──────► unconfirmed     the answer was lost; never sent again by itself
       └──────────────────► suppressed      not sent, for a stated reason

A server that cannot take it now leads from ``sending`` back to ``planned``. A lost answer may still be
found later: ``unconfirmed`` can become ``sent`` or ``failed``. Everything else is for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import msgspec

from shared.kernel.ids import deterministic_id
from shared.kernel.instants import Instant

State = Literal["planned", "sending", "sent", "failed", "unconfirmed", "suppressed"]

PLANNED: Final = "planned"
SENDING: Final = "sending"
SENT: Final = "sent"
FAILED: Final = "failed"
UNCONFIRMED: Final = "unconfirmed"
SUPPRESSED: Final = "suppressed"

UNDER_WAY: Final = frozenset({PLANNED, SENDING})
"""States in which the run waits for the message."""

MAILED: Final = frozenset({SENT, UNCONFIRMED})
"""States in which the person has the message, or may have it."""

_NEXT: Final[Mapping[str, frozenset[str]]] = {
    PLANNED: frozenset({SUPPRESSED, FAILED}),
    SENDING: frozenset({SENT, FAILED, UNCONFIRMED}),
    UNCONFIRMED: frozenset({SENT, FAILED}),
    SENT: frozenset(),
    FAILED: frozenset(),
    SUPPRESSED: frozenset(),
}


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One message to one lead. ``reason`` says why it failed or was suppressed.

    ``due`` is when the plan had it, ``too_late`` from when on it is dropped. ``variant`` and
    ``language`` say which words were chosen (N2). ``cause`` is the fact that planned it, ``settled_by``
    the one by which it is known how it ended.
    """

    id: str
    enrolment: str
    lead: str
    sequence: str
    sequence_version: int
    step: str
    content: str
    content_version: int
    variant: str
    language: str
    due: Instant
    too_late: Instant
    planned_at: Instant
    cause: str
    state: State = "planned"
    settled_at: Instant | None = None
    settled_by: str = ""
    reason: str = ""

    @property
    def chosen(self) -> str:
        """Which words were chosen, in one name: ``practice.manufacturing.zh``."""
        return ".".join(part for part in (self.content, self.variant, self.language) if part)


class LedgerLine(NamedTuple):
    """A message with how often its sending was tried, and what came in between last."""

    message: Message
    attempts: int
    last_fault: str | None


def message_id(enrolment: str, step: str) -> str:
    """Return the id of the message of one step in one run; there is never another."""
    return deterministic_id("nurture_message", enrolment, step)


def settle(message: Message, state: State, *, at: Instant, cause: str, reason: str = "") -> Message:
    """Return the message as it is after learning how its sending ended; itself if that cannot be."""
    if state not in _NEXT[message.state]:
        return message
    return msgspec.structs.replace(message, state=state, settled_at=at, settled_by=cause, reason=reason)
