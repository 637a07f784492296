"""The document ``config/scoring/webhooks.yaml``: how patient we are with receivers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

Seconds = Annotated[int, Meta(ge=1, le=30 * 86_400)]
Days = Annotated[int, Meta(ge=1, le=3_660)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys that no part knows are faults."""


class AttemptRules(_Part, frozen=True, kw_only=True):
    """How long a connection and a whole attempt may take, and how much of an answer is read."""

    connect_seconds: Annotated[int, Meta(ge=1, le=10)]
    whole_seconds: Annotated[int, Meta(ge=1, le=30)]
    answer_bytes: Annotated[int, Meta(ge=0, le=1_048_576)]


class PauseRules(_Part, frozen=True, kw_only=True):
    """After so many failures in a row a webhook rests, longer each time; then one attempt tells more."""

    after_failures: Annotated[int, Meta(ge=1, le=1_000)]
    first_seconds: Seconds
    longest_seconds: Seconds


class KeepRules(_Part, frozen=True, kw_only=True):
    """How long a delivery and its attempts can be looked up after its end."""

    delivered_days: Days
    dead_days: Days


class WebhooksDocument(_Part, frozen=True, kw_only=True):
    """How deliveries are tried. ``wait_seconds`` are the waits after the first failure, the second, …

    A delivery has one attempt more than there are waits; then it is dead. Each wait is lengthened at
    random by up to ``jitter`` of it. ``at_once`` leads of one webhook are served beside each other.
    While ``waiting_at_most`` deliveries of a webhook wait, no further ones are written down for it.
    """

    name: str
    version: Annotated[int, Meta(ge=1)]
    description: str = ""
    wait_seconds: Annotated[tuple[Seconds, ...], Meta(min_length=1, max_length=50)]
    jitter: Annotated[float, Meta(ge=0, le=1)]
    at_once: Annotated[int, Meta(ge=1, le=100)]
    attempt: AttemptRules
    pause: PauseRules
    disable_after_days: Days
    secret_overlap_hours: Annotated[int, Meta(ge=1, le=24 * 365)]
    waiting_at_most: Annotated[int, Meta(ge=1, le=1_000_000)]
    keep: KeepRules


def find_faults(document: WebhooksDocument) -> Iterator[tuple[str, str]]:
    """Yield what does not fit together: the path, and what to do."""
    if list(document.wait_seconds) != sorted(document.wait_seconds):
        yield "wait_seconds", "a later wait is no shorter than the one before; put them in order"
    if document.attempt.connect_seconds > document.attempt.whole_seconds:
        yield "attempt.connect_seconds", "is part of attempt.whole_seconds; it can be no longer"
    if document.pause.first_seconds > document.pause.longest_seconds:
        yield "pause.first_seconds", "can be no longer than pause.longest_seconds"
    if document.disable_after_days * 86_400 < sum(document.wait_seconds):
        problem = "is no shorter than all waits together, or a webhook is given up before its deliveries"
        yield "disable_after_days", problem
