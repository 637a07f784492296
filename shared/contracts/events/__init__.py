"""Every event of the platform, one module per topic; importing this package declares them all."""

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
    "behaviour",
    "contacts",
    "dead_letters",
    "internal_scoring",
    "leads",
    "raw",
    "scores",
    "tier_changes",
]
