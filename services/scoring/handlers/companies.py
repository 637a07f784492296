"""What companies make of what leads tell them: pure, one message after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from services.scoring.domain.companies.company import (
    COMPANY_CLOCK,
    CompanyChange,
    CompanyChangeRow,
    CompanyFactGone,
    CompanyFactKept,
    CompanyHeard,
    CompanyWorking,
    adopt,
    changes_to_tell,
    take_in,
)
from services.scoring.domain.companies.compiler import CompanyModel
from services.scoring.domain.scored_lead import digest_of
from shared.contracts.envelope import event_id, type_of
from shared.contracts.events.tier_changes import CompanyTierChanged, Reason
from shared.kernel.changes import Changes, Emission, TimerFired
from shared.kernel.changes import Fact as Learned
from shared.kernel.instants import to_datetime

_TIER_CHANGED: Final = type_of(CompanyTierChanged)
_MOST_LEADS: Final = 10_000


class CompanyHandlers:
    """Handles what companies learn under the models that are kept per company (C7)."""

    def __init__(self, models: Sequence[CompanyModel]) -> None:
        self._models = tuple(models)

    def handle(self, stored: CompanyWorking, learned: Learned) -> Changes[CompanyWorking]:
        """Answer one thing learnt."""
        kept = adopt(self._models, stored)
        working = CompanyWorking(stored.company, kept, stored.facts)
        match learned.event:
            case CompanyHeard() as heard:
                return self._on_heard(stored, working, learned, heard)
            case TimerFired():
                rung = msgspec.structs.replace(stored.kept, wake=None)
                before = CompanyWorking(stored.company, rung, stored.facts)
                return self._tell(before, working, learned, rows=(), is_restated=False)
            case other:
                raise TypeError(f"a company does not know {type(other).__name__}")

    def _on_heard(
        self, stored: CompanyWorking, working: CompanyWorking, learned: Learned, heard: CompanyHeard
    ) -> Changes[CompanyWorking]:
        taken = take_in(working, heard)
        if taken is None:
            return Changes()
        after, new, gone, is_restated = taken
        rows: list[object] = [CompanyFactKept(working.company, fact) for fact in new]
        rows += [CompanyFactGone(working.company, fact.id) for fact in gone]
        ids = [fact.id for fact in (*new, *gone)]
        kept = msgspec.structs.replace(
            after.kept, facts=len(after.facts), digest=digest_of(ids, start=after.kept.digest)
        )
        after = CompanyWorking(working.company, kept, after.facts)
        return self._tell(stored, after, learned, rows=rows, is_restated=is_restated)

    def _tell(
        self,
        before: CompanyWorking,
        after: CompanyWorking,
        learned: Learned,
        *,
        rows: Sequence[object],
        is_restated: bool,
    ) -> Changes[CompanyWorking]:
        changes, kept = changes_to_tell(self._models, after, now=learned.received, is_restated=is_restated)
        said: list[Emission] = []
        for change in changes:
            event = event_id(learned.id, _TIER_CHANGED, len(said))
            said.append(_announce(CompanyWorking(after.company, kept, after.facts), change))
            rows = (*rows, CompanyChangeRow(after.company, learned.id, learned.received, change, event))
        timers = {} if kept.wake == before.kept.wake else {COMPANY_CLOCK: kept.wake}
        return Changes(CompanyWorking(after.company, kept, after.facts), said, timers, tuple(rows))


def _announce(working: CompanyWorking, change: CompanyChange) -> Emission:
    holdings = working.kept.holdings
    leads = sorted({holdings[fact.profile].lead for fact in working.facts if fact.profile in holdings})
    event = CompanyTierChanged(
        company=working.company,
        model=change.model,
        model_version=change.version,
        direction=change.direction,
        from_tier=change.from_tier,
        to_tier=change.to_tier,
        points=change.points,
        at=to_datetime(change.at),
        restated=change.restated,
        reasons=[Reason(rule=line.rule, points=line.points, event=line.event) for line in change.reasons],
        leads=leads[:_MOST_LEADS],
    )
    return Emission(event, working.company, working.company, change.at)
