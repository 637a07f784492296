"""The reps: they look for what is theirs or lies in the pool, and answer it by commands over HTTP.

Each command has a key of its own. No answer, whatever the reason, or "unavailable": the same again
under the same key, until it is answered. Several reps reach for one lead of the pool at once.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import httpx

from services.routing.domain.commands import (
    ClaimLead,
    Command,
    FillHandover,
    RecordFollowUp,
    ReturnLead,
    SetStatus,
)
from shared.postgres.database import Row

_REPS: Final = tuple(f"rep-{number}" for number in range(1, 7))
_CALLERS: Final = 4
_LONGEST_WAIT: Final = 4.0
_FIND: Final = (
    "SELECT id, rep FROM lead WHERE place = ANY(ARRAY['owned', 'pool']) ORDER BY md5(id || $1) LIMIT 1"
)
_ALSO_REFUSED: Final = frozenset({"access.forbidden"})

Ask = Callable[[str, str], Awaitable[Sequence[Row] | None]]


@dataclass(slots=True)
class Ordered:
    """One command, and whether it took effect; None while nobody has answered."""

    key: str
    lead: str
    command: Command
    took_effect: bool | None = None


class Reps:
    """Together ``rate`` commands a second; ``ask`` looks leads up, ``addresses`` tells whom they may ask."""

    def __init__(
        self,
        ask: Ask,
        addresses: Callable[[], Sequence[str]],
        *,
        rate: float,
        seed: int,
        faults: list[str],
    ) -> None:
        self.ordered: list[Ordered] = []
        self.again: Counter[str] = Counter()
        self._ask_database = ask
        self._addresses = addresses
        self._rate = rate
        self._random = random.Random(f"{seed}-reps")
        self._faults = faults
        self._stopping = False
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to work."""
        self._running = asyncio.get_running_loop().create_task(self._run())

    async def stop(self, *, within: float) -> None:
        """Begin nothing new, and wait until all is answered; if not, that is a fault."""
        self._stopping = True
        if self._running is None:
            return
        try:
            async with asyncio.timeout(within):
                await self._running
        except TimeoutError:
            waiting = [one.key for one in self.ordered if one.took_effect is None]
            self._faults.append(f"stuck: commands without an answer for {within:g} s: {waiting}")
        self._running = None

    async def close(self) -> None:
        """End at once."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def _run(self) -> None:
        async with (
            httpx.AsyncClient(timeout=_LONGEST_WAIT, trust_env=False) as client,
            asyncio.TaskGroup() as all_,
        ):
            for _ in range(_CALLERS):
                all_.create_task(self._work(client))

    async def _work(self, client: httpx.AsyncClient) -> None:
        pick = self._random
        while not self._stopping:
            rows = await self._ask_database(_FIND, str(pick.random()))
            if rows:
                orders = self._decide(rows[0]["id"], rows[0]["rep"])
                await asyncio.gather(*(self._order(client, one) for one in orders))
            await asyncio.sleep(pick.uniform(0, 2 * _CALLERS / self._rate))

    def _decide(self, lead: str, owner: str | None) -> list[Ordered]:
        """Return what to do about a lead: of one in the pool a race, of an owned one what an owner does."""
        pick = self._random
        if owner is None:
            return [self._note(lead, ClaimLead(by=rep, rep=rep)) for rep in pick.sample(_REPS, 3)]
        rep = owner if pick.random() < 0.95 else pick.choice(_REPS)
        dice = pick.random()
        command: Command
        if dice < 0.55:
            results = ("reached", "message_left", "no_answer")
            command = RecordFollowUp(by=rep, rep=rep, way="phone", result=pick.choice(results))
        elif dice < 0.7:
            command = ReturnLead(by=rep, rep=rep, reason=pick.choice(("not_ready", "no_need")))
        elif dice < 0.85:
            known = {"budget": "yes", "decision_maker": "yes", "purchase_time": "3_months"}
            known |= {"pain_point": "dust", "current_solution": "by hand"}
            command = FillHandover(by=rep, rep=rep, fields=known)
        else:
            command = SetStatus(by=rep, rep=rep, status=pick.choice(("contacted", "interested")))
        return [self._note(lead, command)]

    def _note(self, lead: str, command: Command) -> Ordered:
        ordered = Ordered(f"r{len(self.ordered) + 1}", lead, command)
        self.ordered.append(ordered)
        return ordered

    async def _order(self, client: httpx.AsyncClient, ordered: Ordered) -> None:
        path, body = _request_of(ordered.command)
        answer = await self._answer(client, ordered, path, body)
        code = _code_of(answer)
        if answer.status_code == 200:
            ordered.took_effect = True
        elif 400 <= answer.status_code < 500 and (code.startswith("routing.") or code in _ALSO_REFUSED):
            ordered.took_effect = False
        else:
            self._faults.append(
                f"command: {ordered.key} was answered {answer.status_code} {answer.text[:300]}"
            )

    async def _answer(
        self, client: httpx.AsyncClient, ordered: Ordered, path: str, body: dict[str, Any]
    ) -> httpx.Response:
        while True:
            addresses = self._addresses()
            if not addresses:
                await asyncio.sleep(0.1)
                continue
            wait = 0.1
            try:
                answer = await client.post(
                    f"{self._random.choice(addresses)}/routing/v1/leads/{ordered.lead}/{path}",
                    json=body,
                    headers={
                        "Idempotency-Key": f'"{ordered.key}"',
                        "Authorization": f"Bearer {ordered.command.by}",
                    },
                )
            except httpx.TransportError as error:
                is_late = isinstance(error, httpx.TimeoutException)
                self.again["HTTP timeout" if is_late else "HTTP connection broken"] += 1
            else:
                if answer.status_code != 503:
                    return answer
                self.again["HTTP 503"] += 1
                wait = float(answer.headers.get("retry-after", "0.5"))
            await asyncio.sleep(wait * self._random.uniform(0.5, 1.5))


def _request_of(command: Command) -> tuple[str, dict[str, Any]]:
    match command:
        case ClaimLead():
            return "claim", {}
        case RecordFollowUp():
            return "follow-ups", {"way": command.way, "result": command.result}
        case ReturnLead():
            return "return", {"reason": command.reason}
        case FillHandover():
            return "handover", {"fields": command.fields}
        case SetStatus():
            return "status", {"status": command.status}
        case _:
            raise TypeError(type(command).__name__)


def _code_of(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError):
        return ""
