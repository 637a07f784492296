"""People who bring tables in over HTTP: upload them, sometimes twice, start them, and release who is held.

An upload has no key: who got no answer sends the table again, and it is another import of the same rows.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import httpx

from tests.failure.on_services.surroundings.tables import Portion, Table, TableMaker
from tests.failure.on_services.surroundings.wishes import TOKEN
from tests.failure.surroundings.callers import Asked, Callers, Order

_AGAIN: Final = 0.25
_LOOK_SECONDS: Final = 0.3


class Refused(Exception):
    """Something that must be possible was refused; that is noted already."""


class Importers(Callers):
    """Bring tables in; ``newest`` tells the number of the person who came last."""

    def __init__(
        self,
        addresses: Callable[[], Sequence[str]],
        *,
        newest: Callable[[], int],
        rate: float,
        seed: int,
        faults: list[str],
    ) -> None:
        super().__init__(addresses, rate=rate, seed=seed, faults=faults)
        self.tables: list[Table] = []
        self._random = random.Random(f"{seed}-importers")
        self._maker = TableMaker(random.Random(f"{seed}-tables"))
        self._newest = newest

    async def choose(self, pick: random.Random) -> Sequence[Order]:
        """Return nothing: a table takes more than one question."""
        return []

    def read(self, body: Any) -> object:
        """Return the answer as it is."""
        return body

    async def _call(self, client: httpx.AsyncClient) -> None:
        """Bring one table in after the other."""
        pick, pause = self._random, self.pause
        while not self._stopping:
            table = self._maker.compose(newest=self._newest())
            self.tables.append(table)
            with suppress(Refused):
                await self._bring(client, table)
            await asyncio.sleep(pick.uniform(0, 2 * pause))

    async def _bring(self, client: httpx.AsyncClient, table: Table) -> None:
        pick = self._random
        query = f"?source={table.source}&mode={table.mode}{'&start=true' if table.starts else ''}"
        order = Order(
            table.name,
            "upload",
            f"/v1/imports/{table.kind}{query}",
            {},
            None,
            token=TOKEN,
            file=(table.name, table.content()),
        )
        uploads = 2 if pick.random() < _AGAIN else 1
        one = (await self._tell(client, order))["id"]
        for _ in range(uploads - 1):
            await self._tell(client, order)
        if not table.starts:
            if not await self._reached(client, one, {"checked"}):
                return
            table.started.add(one)
            start = Order(one, "start", f"/v1/imports/{one}/start", {}, None, token=TOKEN)
            await asyncio.gather(*(self._tell(client, start) for _ in range(pick.choice((1, 1, 2)))))
        if table.mode == "history" and await self._reached(client, one, {"done"}):
            await self._release(client, table, one)

    async def _release(self, client: httpx.AsyncClient, table: Table, import_id: str) -> None:
        """Release who is held in portions; the last of them may wait for good."""
        pick = self._random
        for _ in range(pick.randrange(4)):
            portion = Portion(import_id=import_id, count=pick.choice((1, 2, 5, 10, None)))
            table.portions.append(portion)
            body = {} if portion.count is None else {"count": portion.count}
            order = Order(import_id, "release", f"/v1/imports/{import_id}/release", body, None, token=TOKEN)
            asked = self._name(order)
            for _ in range(2 if pick.random() < _AGAIN else 1):
                portion.answers.append(await self._tell(client, order, asked=asked))
            await asyncio.sleep(pick.uniform(0, 1.0))

    async def _reached(self, client: httpx.AsyncClient, import_id: str, states: set[str]) -> bool:
        """Wait until an import is in one of these states; False if nothing is waited for any more."""
        order = Order(import_id, "look", f"/v1/imports/{import_id}", {}, None, token=TOKEN, method="GET")
        while not self._stopping:
            told = await self._tell(client, order)
            if told["state"] in states:
                return True
            await asyncio.sleep(_LOOK_SECONDS)
        return False

    def _name(self, order: Order) -> Asked:
        asked = Asked(
            f"i{len(self.asked) + 1}-{order.lead}-{order.tag}", order.lead, asyncio.get_running_loop().time()
        )
        self.asked.append(asked)
        return asked

    async def _tell(self, client: httpx.AsyncClient, order: Order, *, asked: Asked | None = None) -> Any:
        """Ask until there is an answer, and return what it says.

        :raises Refused: if it says anything but success, which is a fault.
        """
        asked = asked or self._name(order)
        answer = await self._answer(client, asked, order)
        asked.answered = asyncio.get_running_loop().time()
        if not answer.is_success:
            self._wonder(asked, answer)
            raise Refused
        return answer.json()
