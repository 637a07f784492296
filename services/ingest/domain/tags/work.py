"""Tagging in bulk, the history of tags, and places in a list: what travels between rooms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant


class TagWork(NamedTuple):
    """Tagging in bulk, and how far it has come; ``refused`` is the code for which it ended early."""

    id: str
    asked: Instant
    who: str
    owner: str | None
    put: Sequence[str]
    take: Sequence[str]
    reason: str
    leads: int
    done: int
    changed: int
    finished: Instant | None
    refused: str | None


class WorkUnknown(Rejected):
    """There is no tagging in bulk with this id; the answer to POST /v1/leads/tags holds it."""

    code = "tag.work_unknown"


class WorkKeyReused(Rejected):
    """This idempotency key was used to ask for other tags; choose a new key."""

    code = "command.key_reused"


class TagChange(NamedTuple):
    """One change of a tag: when, what and by whom, and how the tag was afterwards."""

    at: Instant
    what: str
    who: str
    reason: str
    zh: str
    en: str
    state: str
    into: str


class Place(NamedTuple):
    """Where a page of leads begins: after this lead, the newest being first."""

    created: Instant
    id: str
