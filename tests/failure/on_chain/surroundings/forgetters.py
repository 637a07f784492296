"""People who have merges taken back, and people who ask to be forgotten, over HTTP."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from shared.kernel.errors import Unavailable
from tests.failure.on_services.surroundings.callers import Correctors
from tests.failure.surroundings.callers import Order

FORGET = "forget"
"""How the key of a wish to be forgotten ends."""
_SHARE = 0.4
_AGAIN = 0.2


class Forgetters(Correctors):
    """Take merges back as correctors do; of every five commands two forget somebody, a few once more."""

    async def choose(self, pick: random.Random) -> Sequence[Order]:
        """Return a merge to take back, or somebody to forget."""
        if pick.random() > _SHARE:
            return await super().choose(pick)
        condition = "IS NOT NULL" if pick.random() < _AGAIN else "IS NULL"
        try:
            async with self._database.connection() as connection:
                rows = await connection.fetch(
                    f"SELECT id FROM lead WHERE erased {condition} ORDER BY md5(id || $1) LIMIT 2",
                    str(pick.random()),
                )
        except Unavailable:
            return []
        if len(rows) < 2:  # one to forget, and another for the same key
            return []
        one, other = (str(row["id"]) for row in rows)
        body: dict[str, Any] = {"lead": one}
        return [Order(one, FORGET, "/v1/erasures", body, {"lead": other}, token="somebody")]
