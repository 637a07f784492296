"""What an attempt came to, and what follows for the delivery: it is done, waits, or is dead."""

from __future__ import annotations

from typing import Literal, NamedTuple

from services.scoring.domain.webhooks.document import WebhooksDocument
from shared.kernel.instants import SECOND, Instant

DeliveryState = Literal["waiting", "delivered", "dead"]

_GONE = 410


class Attempt(NamedTuple):
    """One attempt: what was answered (None: nothing was), and the code of what went wrong, if anything did.

    ``retry_after`` are the seconds that the receiver asks us to wait.
    """

    at: Instant
    status: int | None
    code: str
    retry_after: float | None = None

    @property
    def is_delivered(self) -> bool:
        """Return whether the receiver has it, by its word."""
        return not self.code

    @property
    def is_gone(self) -> bool:
        """Return whether the receiver wants nothing any more."""
        return self.status == _GONE


def code_of_status(status: int) -> str:
    """Return what an answer means: nothing for 2xx, else the code of the failure."""
    if 200 <= status < 300:
        return ""
    if status == _GONE:
        return "webhook.gone"
    if status == 429:
        return "webhook.slowed"
    if 300 <= status < 400:
        return "webhook.redirected"
    return "webhook.refused" if 400 <= status < 500 else "webhook.failed"


class Course(NamedTuple):
    """How a delivery goes on: its state, when it is tried again if it waits, and its tries of this round."""

    state: DeliveryState
    next_attempt: Instant
    tries: int


def course_after(attempt: Attempt, *, before: Course, rules: WebhooksDocument, draw: float) -> Course:
    """Return how a delivery goes on after an attempt.

    ``draw`` is a lot from 0 to 1, by which the wait is lengthened. What the receiver asks for is waited
    at the least. Somebody who is gone leaves its deliveries waiting, for it may be switched on again. An
    attempt before its time only asks whether the receiver is back, and a failure of it counts for nothing.
    """
    tries = before.tries + 1
    if attempt.is_delivered:
        return Course("delivered", attempt.at, tries)
    if attempt.is_gone or attempt.at < before.next_attempt:
        return before
    if tries > len(rules.wait_seconds):
        return Course("dead", attempt.at, tries)
    wait = rules.wait_seconds[tries - 1] * (1 + rules.jitter * draw)
    return Course("waiting", attempt.at + round(max(wait, attempt.retry_after or 0.0) * SECOND), tries)
