"""How a lead stands with budget, authority, need and timeline, and by what (C16)."""

from __future__ import annotations

from collections.abc import Sequence

from services.scoring.domain.bant.judging import Bant, Finding, judge_bant
from services.scoring.queries.scores import ScoreQueries
from shared.kernel.instants import Instant


class BantQueries:
    """Answers from a lead's facts, by one document."""

    def __init__(self, scores: ScoreQueries, bant: Bant) -> None:
        self._scores = scores
        self.bant = bant

    async def explain_bant(
        self, lead: str, *, as_of: Instant, known_at: Instant | None
    ) -> tuple[str, Sequence[Finding]]:
        """Return the lead (where it lives after merges) and how it stands with each part.

        ``as_of``: facts that occurred by then. ``known_at``: only those received by then.

        :raises LeadUnknown: if scoring knows no such lead.
        """
        home, facts = await self._scores.find_facts(lead, known_at=known_at)
        return home, judge_bant(self.bant, facts, as_of=as_of)
