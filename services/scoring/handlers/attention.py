"""What is said when a lead does what its owner should know of at once (C11), and what to ask it for (C10)."""

from __future__ import annotations

from typing import Final

import msgspec

from services.scoring.domain.attention.wanting import Attention, Want
from services.scoring.domain.scored_lead import (
    FirstContact,
    KeptFact,
    ScoredLead,
    Working,
    counted_facts,
    facts_here,
)
from services.scoring.domain.verdicts import without_withdrawn
from services.scoring.handlers.interpreting import FactsArrived
from shared.contracts.attributes import ExternalId
from shared.contracts.envelope import event_id, type_of
from shared.contracts.events.tier_changes import AttentionWanted, FieldsWanted
from shared.kernel.changes import Changes, Emission
from shared.kernel.changes import Fact as Learned
from shared.kernel.instants import to_datetime

_ATTENTION_WANTED: Final = type_of(AttentionWanted)
_FIELDS_WANTED: Final = type_of(FieldsWanted)


def ask_for_attention(
    attention: Attention, before: Working, changes: Changes[Working], learned: Learned
) -> Changes[Working]:
    """Return the changes with what asks for attention because of them.

    A lead that lives elsewhere asks for nothing, and neither does one to which a profile has just moved:
    what that brings along was, or was not, told where it happened.
    """
    if isinstance(learned.event, FirstContact):
        return _ask_for_fields(attention, before, changes, learned)
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
        kept.attention,
        facts,
        now=learned.received,
        may_tell=not kept.lives_at and not has_moved_in,
        said=event_id(learned.id, _ATTENTION_WANTED, len(changes.emissions)),
    )
    if state is kept.attention:
        return changes
    after = Working(after.lead, msgspec.structs.replace(kept, attention=state), after.history, after.ruling)
    said = () if want is None else (_announce(after, want, attention.version),)
    return msgspec.structs.replace(changes, state=after, emissions=(*changes.emissions, *said))


def _ask_for_fields(
    attention: Attention, before: Working, changes: Changes[Working], learned: Learned
) -> Changes[Working]:
    """Return the changes of a first contact: the owner is asked for wanted fields that are not known.

    A lead that lives elsewhere, or is forgotten, is asked for nothing.
    """
    contact = learned.event
    assert isinstance(contact, FirstContact)
    lead = before if changes.state is None else changes.state
    kept = lead.kept
    if kept.erased is not None or kept.lives_at:
        return changes
    known = kept.score.attributes if kept.score is not None else {}
    asked = attention.ask(
        kept.attention,
        known,
        at=contact.at,
        assignment=contact.assignment,
        cause=learned.id,
        said=event_id(learned.id, _FIELDS_WANTED, len(changes.emissions)),
    )
    if asked is kept.attention:
        return changes
    event = FieldsWanted(
        lead=lead.lead,
        fields=list(asked.asked[-1].fields),
        at=to_datetime(contact.at),
        rep=contact.rep,
        assignment=contact.assignment,
        rules=attention.version,
        external_ids=_external_ids(kept),
    )
    after = Working(lead.lead, msgspec.structs.replace(kept, attention=asked), lead.history, lead.ruling)
    said = Emission(event, lead.lead, lead.lead, contact.at)
    return msgspec.structs.replace(changes, state=after, emissions=(*changes.emissions, said))


def _external_ids(kept: ScoredLead) -> list[ExternalId]:
    return [ExternalId(source=source, id=identity) for source, identity in sorted(kept.external_ids.items())]


def _announce(lead: Working, want: Want, version: int) -> Emission:
    event = AttentionWanted(
        lead=lead.lead,
        sign=want.sign,
        at=to_datetime(want.at),
        acts=list(want.acts),
        rules=version,
        external_ids=_external_ids(lead.kept),
    )
    return Emission(event, lead.lead, lead.lead, want.at)
