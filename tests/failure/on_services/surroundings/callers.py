"""People who find that two leads are two, and have the merge taken back over HTTP."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from shared.kernel.errors import Unavailable
from shared.postgres.database import Database
from tests.failure.surroundings.callers import Callers, Order


class Correctors(Callers):
    """Take merges back, of any lead that has been merged away; some are late and are refused."""

    refusals = frozenset({"lead.not_merged", "intake.erased"})

    def __init__(
        self,
        addresses: Callable[[], Sequence[str]],
        *,
        database: Database,
        rate: float,
        seed: int,
        faults: list[str],
    ) -> None:
        super().__init__(addresses, rate=rate, seed=seed, faults=faults)
        self._database = database

    async def choose(self, pick: random.Random) -> Sequence[Order]:
        """Return a merge to take back; nothing while there is none, or nobody can be asked."""
        try:
            async with self._database.connection() as connection:
                rows = await connection.fetch("SELECT id FROM profile WHERE id <> lead ORDER BY id")
        except Unavailable:
            return []
        if not rows:
            return []
        lead = str(pick.choice(rows)["id"])
        path = f"/v1/leads/{lead}/unmerge"
        return [Order(lead, "two", path, {"reason": "two"}, {"reason": "other"}, token="somebody")]

    def read(self, body: Any) -> object:
        """Return who stands by itself again, who it was part of, and which profiles went home."""
        return body
