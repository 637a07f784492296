"""Events that we declare ourselves, and what one of them means when somebody else sends it.

Acts, outcomes, costs and leads may come from anywhere; what only the platform can know, such as a merge
or a tier, is not taken from others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.ingest.domain.dialects.event_types import EventKind, Meaning
from services.ingest.domain.outcomes import OutcomeKind
from services.ingest.handlers.resolution import ACTS
from shared.contracts.declarations import DECLARED, Event
from shared.contracts.events import DECLARATIONS, behaviour, leads, outcomes

_OUTCOMES: Final[Mapping[type[Event], OutcomeKind]] = {
    outcomes.OpportunityCreated: OutcomeKind.CREATED,
    outcomes.OpportunityStageChanged: OutcomeKind.STAGE_CHANGED,
    outcomes.OpportunityWon: OutcomeKind.WON,
    outcomes.OpportunityLost: OutcomeKind.LOST,
    outcomes.PaymentReceived: OutcomeKind.PAID,
}


def _meanings() -> dict[str, Meaning]:
    ours = {declaration.type: Meaning(EventKind.NOT_FOR_OTHERS) for declaration in DECLARATIONS}
    said: dict[type[Event], Meaning] = {
        **{struct: Meaning(EventKind.ACT, name, is_own=True) for name, struct in ACTS.items()},
        **{struct: Meaning(EventKind.OUTCOME, kind, is_own=True) for struct, kind in _OUTCOMES.items()},
        behaviour.PageViewed: Meaning(EventKind.PAGE, is_own=True),
        behaviour.ActRecorded: Meaning(EventKind.ACT, is_own=True),
        outcomes.CostRecorded: Meaning(EventKind.COST, is_own=True),
        leads.LeadCaptured: Meaning(EventKind.LEAD, is_own=True),
        leads.LeadChanged: Meaning(EventKind.LEAD, is_own=True),
    }
    return ours | {DECLARED.type_of(struct): meaning for struct, meaning in said.items()}


OWN_EVENTS: Final[Mapping[str, Meaning]] = _meanings()
"""The type of each event that we declare, and what it means at the front door."""
