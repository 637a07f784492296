"""The same questions about a lead for whoever asks without HTTP, answered as the API answers them."""

from __future__ import annotations

from typing import Any

from services.scoring.api.leads.plans import outlook_out
from services.scoring.api.schemas import why_out
from services.scoring.domain.plans.asking import Asked
from services.scoring.queries.scores import ScoreQueries
from shared.kernel.clock import Clock


class LeadQuestions:
    """Why a lead has its points, and what it would take, as of now."""

    def __init__(self, scores: ScoreQueries, clock: Clock) -> None:
        self._scores = scores
        self._clock = clock

    async def why(self, lead: str, *, model: str | None) -> dict[str, Any]:
        """Return the scores with their lines.

        :raises Rejected: as ``ScoreQueries.explain_scores``.
        """
        now = self._clock.now()
        home, answers = await self._scores.explain_scores(lead, model=model, as_of=now, known_at=None)
        return why_out(home, answers).model_dump(mode="json")

    async def what_would_it_take(
        self, lead: str, *, model: str, tier: str | None, activation: bool
    ) -> dict[str, Any]:
        """Return what it would take.

        :raises Rejected: as ``ScoreQueries.find_outlook``.
        """
        asked = Asked(model, self._clock.now(), tier, activation)
        home, outlook = await self._scores.find_outlook(lead, asked=asked, known_at=None)
        return outlook_out(home, outlook).model_dump(mode="json")
