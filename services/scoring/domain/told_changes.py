"""A told tier change as it is kept, under the id of the fact that brought it about."""

from __future__ import annotations

import msgspec

from services.scoring.domain.effects import TierChange
from shared.kernel.instants import Instant


class TierChangeRow(msgspec.Struct, frozen=True):
    """What is appended beside the ledger when a change is told."""

    lead: str
    cause: str
    told_at: Instant
    change: TierChange
    external_ids: dict[str, str]
