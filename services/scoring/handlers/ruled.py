"""Each lead is handled under the versions that rule it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from services.scoring.domain.checkpoints.checkpoint import EVERY
from services.scoring.domain.life.ruling import Ruled, Ruling
from services.scoring.domain.scored_lead import ScoredLead, Working
from services.scoring.handlers.scoring import ScoringHandlers
from shared.kernel.changes import Changes
from shared.kernel.changes import Fact as Learned


class RuledHandlers:
    """Hands each lead to the handlers of its versions; ``newest`` gives the ruling for one that is new."""

    def __init__(self, newest: Callable[[], Ruling], *, checkpoint_every: int = EVERY) -> None:
        self._newest = newest
        self._every = checkpoint_every
        self._ruling: Ruling | None = None
        self._handlers: dict[Ruled, ScoringHandlers] = {}

    def begin(self, key: str) -> Working:
        """Return a lead of which nothing is known."""
        return Working(key, ScoredLead(), (), self._newest())

    def handle(self, stored: Working, learned: Learned) -> Changes[Working]:
        """Answer one thing learnt; the state after is under the ruling of the state before."""
        ruling = stored.ruling or self._newest()
        changes = self._handlers_of(ruling, stored.lead).handle(stored, learned)
        after = changes.state
        if after is None or after.ruling is ruling:
            return changes
        ruled = Working(after.lead, after.kept, after.history, ruling)
        return msgspec.structs.replace(changes, state=ruled)

    def _handlers_of(self, ruling: Ruling, lead: str) -> ScoringHandlers:
        if ruling is not self._ruling:
            self._ruling, self._handlers = ruling, {}
        ruled = ruling.ruled(lead)
        found = self._handlers.get(ruled)
        if found is None:
            found = self._handlers[ruled] = ScoringHandlers(
                ruled.models, tells_past=ruled.tells_past, checkpoint_every=self._every
            )
        return found
