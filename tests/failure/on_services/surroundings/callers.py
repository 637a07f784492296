"""People who put leads right over HTTP, one or several at once, and who take merges back."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Final

from shared.kernel.errors import Unavailable
from shared.postgres.database import Database, Row
from tests.failure.on_services.surroundings.wishes import TOKEN, Wish, think_of
from tests.failure.surroundings.callers import Callers, Order

RIGHT: Final = "right"
"""How the key of a correction ends."""
MANY: Final = "many"
"""How the key of several corrections at once ends."""

CORRECTIONS: Final = 0.6
"""The share of corrections among what is asked; the rest takes merges back."""
_AT_ONCE: Final = 0.25
_BY_OWNERS: Final = 0.3
_MERGED: Final = "SELECT id FROM profile WHERE id <> lead ORDER BY id"
_KNOWN: Final = """
SELECT p.id, l.version, o.rep
FROM profile p JOIN lead l ON l.id = p.lead LEFT JOIN lead_owner o ON o.lead = l.id
WHERE l.is_captured ORDER BY md5(p.id || $1) LIMIT $2
"""
_OWNED: Final = """
SELECT p.id, l.version, o.rep FROM lead_owner o JOIN lead l ON l.id = o.lead JOIN profile p ON p.id = l.id
WHERE o.rep IS NOT NULL AND l.is_captured ORDER BY md5(p.id || $1) LIMIT $2
"""


class Correctors(Callers):
    """Put leads right, and take merges back of any lead that was merged away; some are late and are refused.

    Of leads that a rep owns some are put right by the rep, now and then by another, who may not.
    """

    refusals = frozenset(
        {
            "lead.not_merged",
            "lead.anonymous",
            "lead.version_changed",
            "lead.identifier_taken",
            "lead.not_yours",
            "lead.too_many_identifiers",
            "correction.value_unknown",
            "intake.erased",
        }
    )

    def __init__(
        self,
        addresses: Callable[[], Sequence[str]],
        *,
        database: Database,
        rate: float,
        seed: int,
        faults: list[str],
        corrections: float = CORRECTIONS,
    ) -> None:
        super().__init__(addresses, rate=rate, seed=seed, faults=faults)
        self._database = database
        self._corrections = corrections
        self._thought = 0

    async def choose(self, pick: random.Random) -> Sequence[Order]:
        """Return a lead to put right, several of them, or a merge to take back; nothing if there is none."""
        if pick.random() < self._corrections:
            return await self._choose_correction(pick)
        rows = await self._ask_database(_MERGED)
        if not rows:
            return []
        lead = str(pick.choice(rows)["id"])
        path = f"/v1/leads/{lead}/unmerge"
        return [Order(lead, "two", path, {"reason": "two"}, {"reason": "other"}, token="somebody")]

    def read(self, body: Any) -> object:
        """Return the answer as it is."""
        return body

    async def _choose_correction(self, pick: random.Random) -> Sequence[Order]:
        count = pick.randrange(2, 7) if pick.random() < _AT_ONCE else 1
        rows = await self._ask_database(_OWNED, str(pick.random()), 1) if pick.random() < _BY_OWNERS else []
        rows = rows or await self._ask_database(_KNOWN, str(pick.random()), count)
        wishes = [self._think(pick, row) for row in rows]
        if not wishes:
            return []
        if len(wishes) == 1:
            (wish,) = wishes
            return [
                Order(
                    wish.lead,
                    RIGHT,
                    f"/v1/leads/{wish.lead}",
                    wish.body(),
                    {"note": "something else"},
                    token=wish.by,
                    meaning=wishes,
                    method="PATCH",
                    headers=wish.headers(),
                )
            ]
        wishes = [wish._replace(by=TOKEN, owner=None, version=None) for wish in wishes]
        body = {"rows": [{"lead": wish.lead, **wish.body()} for wish in wishes]}
        return [Order(wishes[0].lead, MANY, "/v1/leads/bulk", body, None, token=TOKEN, meaning=wishes)]

    def _think(self, pick: random.Random, row: Row) -> Wish:
        self._thought += 1
        rep = row["rep"]
        if rep is not None and pick.random() < 0.1:
            rep = "rep-9"
        return think_of(pick, row["id"], version=row["version"], number=self._thought, rep=rep)

    async def _ask_database(self, sql: str, *arguments: object) -> Sequence[Row]:
        try:
            async with self._database.connection() as connection:
                return await connection.fetch(sql, *arguments)
        except Unavailable:
            return []
