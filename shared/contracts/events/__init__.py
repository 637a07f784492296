"""Every event of the platform, one module per topic; importing this package declares them all."""

from typing import Final

from shared.contracts.declarations import DECLARED, Declaration, Event
from shared.contracts.events import (
    assignments,
    behaviour,
    contacts,
    dead_letters,
    erasures,
    internal_scoring,
    leads,
    nurture,
    outcomes,
    raw,
    scores,
    tier_changes,
)

__all__ = [
    "DECLARATIONS",
    "EXAMPLES",
    "assignments",
    "behaviour",
    "contacts",
    "dead_letters",
    "erasures",
    "internal_scoring",
    "leads",
    "nurture",
    "outcomes",
    "raw",
    "scores",
    "tier_changes",
]

DECLARATIONS: Final[tuple[Declaration, ...]] = DECLARED.all()
"""The platform's events. What others declare later, as tests of the engine do, is not among them."""

EXAMPLES: Final[tuple[Event, ...]] = (
    *raw.EXAMPLES,
    *leads.EXAMPLES,
    *erasures.EXAMPLES,
    *behaviour.EXAMPLES,
    *contacts.EXAMPLES,
    *scores.EXAMPLES,
    *tier_changes.EXAMPLES,
    *assignments.EXAMPLES,
    *nurture.EXAMPLES,
    *outcomes.EXAMPLES,
    *internal_scoring.EXAMPLES,
    *dead_letters.EXAMPLES,
)
"""At least one invented instance of every event; the files in ``examples/`` are made from them."""
