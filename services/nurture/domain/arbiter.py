"""The arbiter: which one sequence a lead belongs into, and why not into the others.

It looks at how the lead stands now, never at what happened last, so that the order in which facts of
different topics arrive makes no difference to where the lead ends up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from services.nurture.domain.enrolments import Enrolment, history_of
from services.nurture.domain.leads import CONSENT_REFUSED, LOST, OWNED, Standing
from services.nurture.domain.schedule import has_more
from services.nurture.domain.sequences import SequenceDocument, SequenceSet, TierEntry

HELD = "held"
"""An import holds the lead: it enters nothing, and whatever it is in already goes on (I11)."""


class Choice(NamedTuple):
    """The sequence that a lead belongs into, None if into none, and the reason for each other one."""

    sequence: SequenceDocument | None
    refusals: Mapping[str, str]


def choose(sequences: SequenceSet, standing: Standing, enrolments: Iterable[Enrolment]) -> Choice:
    """Return where a lead belongs that is in no sequence; ``enrolments`` are all its runs so far."""
    runs = list(enrolments)
    chosen: SequenceDocument | None = None
    refusals: dict[str, str] = {}
    for sequence in sequences.live:
        refusal = why_not(sequence, standing) or (HELD if standing.is_held else "")
        if not refusal and not has_more(sequence, history_of(runs, sequence)):
            refusal = "completed"
        if refusal:
            refusals[sequence.name] = refusal
        elif chosen is None:
            chosen = sequence
        else:
            refusals[sequence.name] = "another_sequence"
    return Choice(chosen, refusals)


def why_not(sequence: SequenceDocument, standing: Standing) -> str:
    """Return why a lead may not be in a sequence as it stands, empty if it may.

    The same words are the reason of an exit: ``promoted`` and ``cooled`` where it has left the tier.
    """
    if standing.obstacle:
        return standing.obstacle
    if sequence.wanted_for in standing.refused:
        return CONSENT_REFUSED
    entry = sequence.entry
    if isinstance(entry, TierEntry):
        tier = standing.tiers.get(entry.model)
        if tier is None or tier.name != entry.tier:
            if tier is None:
                return "no_tier"
            return "promoted" if tier.direction == "up" else "cooled"
    elif standing.deal != LOST:
        return standing.deal or "no_deal_lost"
    stops = [hold for hold in sequence.stops_for if hold in standing.holds]
    if stops:
        return "assigned" if stops[0] == OWNED else stops[0]
    return ""


def entry_of(sequence: SequenceDocument) -> str:
    """Return what fulfils the entry, as events tell it: ``mql/B``."""
    entry = sequence.entry
    return f"{entry.model}/{entry.tier}" if isinstance(entry, TierEntry) else LOST
