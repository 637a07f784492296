"""Every event of the platform, one module per topic; importing this package declares them all."""

from typing import Final

from shared.contracts.declarations import Event
from shared.contracts.events import (
    behaviour,
    contacts,
    dead_letters,
    internal_scoring,
    leads,
    raw,
    scores,
    tier_changes,
)

__all__ = [
    "EXAMPLES",
    "behaviour",
    "contacts",
    "dead_letters",
    "internal_scoring",
    "leads",
    "raw",
    "scores",
    "tier_changes",
]

EXAMPLES: Final[tuple[Event, ...]] = (
    *raw.EXAMPLES,
    *leads.EXAMPLES,
    *behaviour.EXAMPLES,
    *contacts.EXAMPLES,
    *scores.EXAMPLES,
    *tier_changes.EXAMPLES,
    *internal_scoring.EXAMPLES,
    *dead_letters.EXAMPLES,
)
"""At least one invented instance of every event; the files in ``examples/`` are made from them."""
