"""What is said when a lead does what its owner should know of at once (C11)."""

from __future__ import annotations

import msgspec

from services.scoring.domain.attention.wanting import Attention, Want
from services.scoring.domain.scored_lead import KeptFact, Working, counted_facts, facts_here
from services.scoring.domain.verdicts import without_withdrawn
from services.scoring.handlers.interpreting import FactsArrived
from shared.contracts.attributes import ExternalId
from shared.contracts.events.tier_changes import AttentionWanted
from shared.kernel.changes import Changes, Emission
from shared.kernel.changes import Fact as Learned
from shared.kernel.instants import to_datetime


def ask_for_attention(
    attention: Attention, before: Working, changes: Changes[Working], learned: Learned
) -> Changes[Working]:
    """Return the changes with what asks for attention because of them.

    A lead that lives elsewhere asks for nothing, and neither does one to which a profile has just moved:
    what that brings along was, or was not, told where it happened.
    """
    after = changes.state
    if after is None or after.kept.erased is not None:
        return changes
    kept = after.kept
    new = [row.fact for row in changes.rows if isinstance(row, KeptFact)]
    facts = without_withdrawn(facts_here(after.lead, kept, new)) if new else []
    if facts and kept.is_judged:
        counting = {fact.id for fact in counted_facts(after.lead, kept, after.all_facts)}
        facts = [fact for fact in facts if fact.id in counting]
    if not facts:
        return changes
    has_moved_in = isinstance(learned.event, FactsArrived) and before.kept.lodgers != kept.lodgers
    state, want = attention.learn(
        kept.attention, facts, now=learned.received, may_tell=not kept.lives_at and not has_moved_in
    )
    if state is kept.attention:
        return changes
    after = Working(after.lead, msgspec.structs.replace(kept, attention=state), after.history, after.ruling)
    said = () if want is None else (_announce(after, want, attention.version),)
    return msgspec.structs.replace(changes, state=after, emissions=(*changes.emissions, *said))


def _announce(lead: Working, want: Want, version: int) -> Emission:
    event = AttentionWanted(
        lead=lead.lead,
        sign=want.sign,
        at=to_datetime(want.at),
        acts=list(want.acts),
        rules=version,
        external_ids=[
            ExternalId(source=source, id=identity)
            for source, identity in sorted(lead.kept.external_ids.items())
        ],
    )
    return Emission(event, lead.lead, lead.lead, want.at)
