"""Who is in a tier: pages by points or by since when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.scoring.domain.ledger import total
from services.scoring.domain.life.deciding import ModelUnknown
from services.scoring.domain.plans.outlook import TierUnknown
from services.scoring.domain.running_score import is_current
from services.scoring.domain.scored_lead import ScoredLead
from services.scoring.domain.scoring_models.compiled import CompiledModel, ModelSet
from services.scoring.domain.tier_lists.place import Order, Place, Range
from services.scoring.store.leads import load_leads
from services.scoring.store.scoring_models.rulings import Rulings
from services.scoring.store.tier_lists.table import find_places
from shared.kernel.instants import Instant
from shared.postgres.database import Database
from shared.postgres.snapshots import snapshot


class Listed(NamedTuple):
    """A lead in a list: its place, who has it (empty: nobody), and its points now.

    ``points_now`` is None where the lead is about to come under another version.
    """

    place: Place
    owner: str
    points_now: int | None


class TierLists:
    """Answers who is in a tier."""

    def __init__(self, database: Database, rulings: Rulings) -> None:
        self._database = database
        self._rulings = rulings

    async def find_leads(
        self,
        model: str,
        tier: str,
        *,
        order: Order,
        within: Range,
        after: tuple[int, str] | None,
        limit: int,
        now: Instant,
    ) -> tuple[CompiledModel, Sequence[Listed]]:
        """Return the live model and the leads of a tier after a place in the order.

        :raises ModelUnknown: if no model of this name is live.
        :raises TierUnknown: if it has no such tier.
        """
        async with snapshot(self._database) as transaction:
            ruling = await self._rulings.current(transaction)
            live = ruling.live.by_name.get(model)
            if live is None:
                raise ModelUnknown
            if tier not in [one.name for one in live.tiers]:
                raise TierUnknown
            places = await find_places(
                transaction, model=model, tier=tier, order=order, within=within, after=after, limit=limit
            )
            kept = await load_leads(transaction, [place.lead for place in places])
        listed = []
        for place in places:
            found = kept.get(place.lead, ScoredLead())
            points = _points_now(ruling.ruled(place.lead).models, model, found, now)
            listed.append(Listed(place, found.owner, points))
        return live, listed


def _points_now(models: ModelSet, model: str, kept: ScoredLead, now: Instant) -> int | None:
    score = kept.score
    if score is None or not is_current(models, score) or model not in score.models:
        return None
    return total(models.by_name[model], score.models[model].slots, max(now, score.last_occurred))
