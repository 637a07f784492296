"""Who gives the commands: clients that ask over HTTP until they are answered, under one key each.

They ask any process that takes commands, as behind a load balancer that notices only who has ended.
No answer, whatever the reason, or "unavailable": the same again under the same key, wherever.
"""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, NamedTuple

import httpx

from tests.failure.surroundings.load import choose_key

_CALLERS: Final = 4
_DONE: Final = (200, 201)
LONGEST_WAIT: Final = 4.0
"""Seconds until a caller gives an answer up; longer than a lock is waited for."""


class Order(NamedTuple):
    """What is to be asked; ``tag`` ends its key, ``other`` is something else for the same address.

    ``token`` says who asks, where that matters; ``meaning`` is the command in the service's own words.
    With a ``file``, its name and what is in it, that is sent as a form instead of the body.
    """

    lead: str
    tag: str
    path: str
    body: dict[str, Any]
    other: dict[str, Any] | None
    token: str = ""
    meaning: object = None
    method: str = "POST"
    headers: Mapping[str, str] | None = None
    file: tuple[str, bytes] | None = None


@dataclass(slots=True)
class Asked:
    """One command: when it was first asked and first answered (loop time), and all that was answered.

    A refusal is answered with None.
    """

    name: str
    lead: str
    began: float
    answered: float | None = None
    replies: list[object] = field(default_factory=list)
    meaning: object = None

    @property
    def is_refused(self) -> bool:
        """Whether the answer was a refusal."""
        return self.replies[:1] == [None]


class Callers(ABC):
    """Four callers, together ``rate`` commands a second; ``addresses`` tells whom they may ask."""

    refusals: ClassVar[frozenset[str]] = frozenset()
    """Codes with which a command may be refused."""
    at_once: ClassVar[float] = 0.0
    """The share of commands that are asked at two places at once from the beginning."""

    def __init__(
        self, addresses: Callable[[], Sequence[str]], *, rate: float, seed: int, faults: list[str]
    ) -> None:
        self.asked: list[Asked] = []
        self.again: Counter[str] = Counter()
        """How often a command was asked again, by why."""
        self._addresses = addresses
        self._rate = rate
        self._random = random.Random(f"{seed}-callers")
        self._faults = faults
        self._stopping = False
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to ask."""
        self._running = asyncio.get_running_loop().create_task(self._run())

    async def stop(self, *, within: float) -> None:
        """Ask for nothing new, and wait until all that was asked is answered; if not, that is a fault."""
        self._stopping = True
        if self._running is None:
            return
        try:
            async with asyncio.timeout(within):
                await self._running
        except TimeoutError:
            waiting = [asked.name for asked in self.asked if asked.answered is None]
            self._faults.append(f"stuck: commands without an answer for {within:g} s: {waiting}")
        self._running = None

    async def close(self) -> None:
        """End at once."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    @abstractmethod
    async def choose(self, pick: random.Random) -> Sequence[Order]:
        """Return what to ask next, all of it at once; nothing if there is nothing now."""

    @abstractmethod
    def read(self, body: Any) -> object:
        """Return the reply of a command that took effect from the answer's body."""

    @property
    def pause(self) -> float:
        """How long each of the callers rests on the average, in seconds."""
        return _CALLERS / self._rate

    async def _run(self) -> None:
        async with (
            httpx.AsyncClient(timeout=LONGEST_WAIT, trust_env=False) as client,
            asyncio.TaskGroup() as callers,
        ):
            for _ in range(_CALLERS):
                callers.create_task(self._call(client))

    async def _call(self, client: httpx.AsyncClient) -> None:
        """Give one command after the other; some are asked once more when they have taken effect."""
        pick, pause = self._random, self.pause
        while not self._stopping:
            orders = await self.choose(pick)
            await asyncio.gather(*(self._carry_through(client, order) for order in orders))
            await asyncio.sleep(pick.uniform(0, 2 * pause))

    async def _carry_through(self, client: httpx.AsyncClient, order: Order) -> None:
        pick, loop = self._random, asyncio.get_running_loop()
        name = f"c{len(self.asked) + 1}:{order.lead}:{order.tag}"
        asked = Asked(name, order.lead, loop.time(), meaning=order.meaning)
        self.asked.append(asked)
        dice = pick.random()
        first = [self._ask(client, asked, order) for _ in range(2 if dice < self.at_once else 1)]
        asked.replies += await asyncio.gather(*first)
        asked.answered = loop.time()
        if dice > 0.8 and not asked.is_refused:
            both = [self._ask(client, asked, order) for _ in range(2)]
            asked.replies += await asyncio.gather(*both)
            if order.other is not None:
                await self._reuse(client, asked, order._replace(body=order.other))

    async def _ask(self, client: httpx.AsyncClient, asked: Asked, order: Order) -> object:
        answer = await self._answer(client, asked, order)
        if answer.status_code in _DONE:
            return self.read(answer.json())
        if not 400 <= answer.status_code < 500 or not self.may_refuse(_code_of(answer)):
            self._wonder(asked, answer)
        return None

    def may_refuse(self, code: str) -> bool:
        """Return whether a command may be refused with this code."""
        return code in self.refusals

    async def _reuse(self, client: httpx.AsyncClient, asked: Asked, order: Order) -> None:
        """Ask for something else under a key that was used; it must be refused."""
        answer = await self._answer(client, asked, order)
        if (answer.status_code, _code_of(answer)) != (422, "command.key_reused"):
            self._wonder(asked, answer)

    async def _answer(self, client: httpx.AsyncClient, asked: Asked, order: Order) -> httpx.Response:
        headers = {"Idempotency-Key": f'"{asked.name}"', **(order.headers or {})}
        if order.token:
            headers["Authorization"] = f"Bearer {order.token}"
        sent: dict[str, Any] = {} if order.method == "GET" else {"json": order.body}
        if order.file is not None:
            sent = {"files": {"file": (*order.file, "text/csv")}}
        while True:
            addresses = self._addresses()
            if not addresses:
                await asyncio.sleep(0.1)
                continue
            wait = 0.1
            try:
                answer = await client.request(
                    order.method, self._random.choice(addresses) + order.path, headers=headers, **sent
                )
            except httpx.TransportError as error:
                is_late = isinstance(error, httpx.TimeoutException)
                self.again["HTTP timeout" if is_late else "HTTP connection broken"] += 1
            else:
                if answer.status_code != 503:
                    return answer
                self.again["HTTP 503"] += 1
                wait = float(answer.headers["retry-after"])
            await asyncio.sleep(wait * self._random.uniform(0.5, 1.5))

    def _wonder(self, asked: Asked, answer: httpx.Response) -> None:
        self._faults.append(f"command: {asked.name} was answered {answer.status_code} {answer.text[:300]}")


class TallyCallers(Callers):
    """Ask tally to count; one in fifty of what they ask is refused."""

    refusals = frozenset({"tally.thirteen"})
    at_once = 0.1

    async def choose(self, pick: random.Random) -> Sequence[Order]:
        """Return what to add to which lead."""
        lead, amount = choose_key(pick), 13 if pick.random() < 0.02 else pick.randrange(20, 30)
        path = f"/tally/v1/leads/{lead}/add"
        return [Order(lead, str(amount), path, {"amount": amount}, {"amount": amount + 1})]

    def read(self, body: Any) -> int:
        """Return the count."""
        count: int = body["count"]
        return count


def _code_of(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError):
        return ""
