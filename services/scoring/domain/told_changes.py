"""Told tier changes: as they are appended, and as the stream shows them again."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from services.scoring.domain.effects import TierChange
from shared.kernel.instants import Instant


class TierChangeRow(msgspec.Struct, frozen=True):
    """What is appended beside the ledger when a change is told; ``event`` is the id of what is said."""

    lead: str
    cause: str
    told_at: Instant
    change: TierChange
    external_ids: dict[str, str]
    event: str = ""


class Details(msgspec.Struct, array_like=True):
    """What a change was told with: its heaviest lines (rule, thousandths, event), external ids, its event."""

    reasons: list[tuple[str, int, str]]
    external_ids: dict[str, str]
    event: str = ""


class ToldChange(NamedTuple):
    """A tier change as it was told: its place in the stream, and the fact or clock that caused it."""

    cursor: str
    lead: str
    told_at: Instant
    change: TierChange
    details: Details
    cause: str
