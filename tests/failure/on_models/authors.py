"""A manager who drafts, tries, shares, publishes and takes back, over HTTP, and repeats what was asked."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from services.scoring.domain.life.preview import Tally
from shared.postgres.database import Row
from tests.failure.on_models.documents import NEW, PUBLISHED, SHADOWED, SHARED, changed
from tests.failure.surroundings.callers import Asked, Callers, Order

MANAGER: Final = "ann"
_PREVIEW: Final = "SELECT done, tally FROM model_preview WHERE model = $1 AND version = $2"
_PREPARED: Final = ("drafts", "validate")

Ask = Callable[..., Awaitable[Sequence[Row] | None]]


class Move(NamedTuple):
    """One step: about which model, of which kind, and what is said besides why."""

    model: str
    step: str
    said: dict[str, Any]

    @property
    def path(self) -> str:
        """Where it is asked for."""
        return f"/scoring/v1/models/{self.model}/{self.step}"


def _moves() -> list[Move]:
    moves = [
        Move(model, step, {"document": changed(model)} if step == "drafts" else {"version": NEW})
        for model in (SHADOWED, SHARED, PUBLISHED)
        for step in _PREPARED
    ]
    version = {"version": NEW}
    return [
        *moves,
        Move(SHADOWED, "shadow", version),
        Move(SHARED, "share", {**version, "percent": 40}),
        Move(PUBLISHED, "publish", version),
        Move(SHARED, "share", {**version, "percent": 70}),
        Move(PUBLISHED, "rollback", {}),
        Move(PUBLISHED, "preview", version),
        Move(PUBLISHED, "publish", {**version, "tell_past": True}),
        Move(SHARED, "rollback", {}),
        Move(PUBLISHED, "rollback", {}),
        Move(SHARED, "share", {**version, "percent": 30}),
    ]


class Authors(Callers):
    """Take one step after the other; what is refused because the past is still being told is asked again."""

    refusals = frozenset({"scoring.still_telling", "scoring.counted_otherwise"})
    at_once = 0.3

    def __init__(
        self, addresses: Callable[[], Sequence[str]], *, ask: Ask, rate: float, seed: int, faults: list[str]
    ) -> None:
        super().__init__(addresses, rate=rate, seed=seed, faults=faults)
        self._moves = _moves()
        self._ask_database = ask
        self._under_way: tuple[Move, int] | None = None

    @property
    def left(self) -> int:
        """How many steps are still to be taken."""
        return len(self._moves)

    async def choose(self, pick: random.Random) -> Sequence[Order]:
        """Return the next step, once the one before is answered."""
        if self._under_way is not None:
            move, place = self._under_way
            if len(self.asked) <= place or self.asked[place].answered is None:
                return []
            if not self.asked[place].is_refused and self._moves and self._moves[0] is move:
                self._moves.pop(0)
            self._under_way = None
        if not self._moves:
            return []
        move = self._moves[0]
        self._under_way = move, len(self.asked)
        said: dict[str, Any] = {} if move.step == "preview" else {"why": f"step {len(self.asked)}"}
        said |= move.said
        if "tell_past" in said:
            counted = await self._counted(move)
            if counted is None:
                self._under_way = None
                return []
            said["expected"] = counted.affected
            self._under_way = move, len(self.asked)
        other = None if move.step == "preview" else {**said, "why": "another reason"}
        tag = f"{move.step}{pick.randrange(100)}"
        return [Order(move.model, tag, move.path, said, other, token=MANAGER, meaning=move)]

    async def _counted(self, move: Move) -> Tally | None:
        rows = await self._ask_database(_PREVIEW, move.model, move.said["version"])
        if not rows or not rows[0]["done"]:
            return None
        return msgspec.json.decode(rows[0]["tally"], type=Tally)

    def read(self, body: Any) -> object:
        """Return the answer as it is."""
        return body

    async def _ask(self, client: Any, asked: Asked, order: Order) -> object:
        """Ask; a preview has no key and is answered 202, however often it is asked for."""
        if order.other is not None:
            return await super()._ask(client, asked, order)
        answer = await self._answer(client, asked, order)
        if not answer.is_success:
            self._wonder(asked, answer)
            return None
        return {}
