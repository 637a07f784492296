"""The sales floor of the story: reps and the office, who act over the platform's HTTP commands."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from random import Random
from types import TracebackType
from typing import Any, Final, Self

import httpx

from leadmill.demo.cast import CAST, HANDOVER, Deed
from leadmill.demo.clients import RequestFailed
from leadmill.demo.people import Person
from leadmill.demo.visits import BEGIN, Report
from shared.kernel.instants import DAY, HOUR, Instant

REPS: Final = ("rep-1", "rep-2", "rep-3", "rep-4", "rep-5", "rep-6")
_CLAIMING: Final = ("rep-5", "rep-6")
_AT_ONCE: Final = 12
RIVALS: Final = 8
_DAYS_OFF: Final = frozenset({5, 11, 12, 13})
"""Days of the fortnight that nobody works: a Saturday, a holiday and the weekend after it."""

_REFUSED: Final = 409
_OURS: Final = "lm-"
"""How the names begin that routing gives to opportunities."""


class SalesFloor:
    """Acts as reps, managers and the office at ``address``; an asynchronous context manager.

    ``refused`` counts the claims that were refused, by code; ``race`` is how many claimed one lead at
    once, and how many of them got it.
    """

    def __init__(self, address: str, *, tokens: Mapping[str, str], seed: int) -> None:
        self.refused: Counter[str] = Counter()
        self.race = (0, 0)
        self._tokens = tokens
        self._seed = seed
        self._people: dict[str, Person] = {}
        self._deals: dict[str, str] = {}
        self._contacted: dict[str, Instant] = {}
        self._seen: Counter[str] = Counter()
        self._http = httpx.AsyncClient(base_url=address, timeout=30, trust_env=False)
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def meet(self, people: Iterable[Person]) -> None:
        """Look up who these people are as leads; whoever is known already is not asked for again."""
        known = {person.number for person in self._people.values()}
        async with asyncio.TaskGroup() as tasks:
            for person in people:
                if person.number not in known or person in CAST:
                    tasks.create_task(self._meet(person))

    async def _meet(self, person: Person) -> None:
        for lead in (await self._get("/v1/leads", email=person.email, phone=person.phone))["leads"]:
            self._people[lead["id"]] = person

    async def do(self, deed: Deed) -> None:
        """Do what the script says. :raises RequestFailed: if the platform refuses."""
        match deed.kind:
            case "leave":
                await self._post(f"/routing/v1/reps/{deed.rep}/leave", deed.fields, by="manager")
            case "erase":
                await self._post("/v1/erasures", {"email": deed.person.email}, by="admin")
            case "unmerge":
                await self._unmerge(deed.person)
            case "claim":
                lead = await self._lead_of(deed.person)
                await self._post(f"/routing/v1/leads/{lead}/claim", {}, by=deed.rep)
            case "race":
                await self._race(await self._lead_of(deed.person))
            case "contact" | "handover" | "return":
                lead = await self._lead_of(deed.person)
                owner = (await self._get(f"/routing/v1/leads/{lead}"))["owner"]
                await self._act(deed.kind, lead, owner, deed.fields)

    async def name_deal(self, report: Report) -> Report:
        """Return an outcome under the name that the platform gave the opportunity, if it made it first.

        So do sales systems that take over what was converted; the name by which they begin is kept.
        """
        if report.what != "outcomes":
            return report
        given = str(report.body["opportunity"])
        if given not in self._deals:
            lead = await self._lead_of(report.person)
            deals = (await self._get(f"/routing/v1/leads/{lead}"))["opportunities"]
            ours = [deal["opportunity"] for deal in deals if deal["opportunity"].startswith(_OURS)]
            self._deals[given] = ours[-1] if ours else given
        return replace(report, body={**report.body, "opportunity": self._deals[given]})

    async def work(self, at: Instant) -> None:
        """Let the reps do what they do on a working day; whom the script speaks of is left to it."""
        day, hour = divmod(at - BEGIN, DAY)
        if day in _DAYS_OFF or hour > 18 * HOUR:
            return
        async with asyncio.TaskGroup() as tasks:
            for row in await self._pages("/routing/v1/expiring", within_hours="1000"):
                person = self._people.get(row["lead"])
                if person is not None and person not in CAST:
                    tasks.create_task(self._handle(row, person, at))
        if hour == 15 * HOUR:
            await self._take_from_pool()

    async def _handle(self, row: Mapping[str, Any], person: Person, at: Instant) -> None:
        lead, rep = row["lead"], row["rep"]
        random = Random(f"{self._seed}-{person.number}-{rep}")
        patience, is_interested, is_returned = random.random(), random.random(), random.random()
        if row["awaits"] == "first_response":
            self._seen[lead] += 1
            waits = 0 if patience < 0.7 else 1 if patience < 0.88 else 1_000
            if self._seen[lead] > waits:
                self._contacted[lead] = at
                await self._act("contact", lead, rep, {})
        elif at - self._contacted.get(lead, at) >= DAY:
            del self._contacted[lead]
            if is_returned < 0.15:
                await self._act("return", lead, rep, {"reason": "not_ready"})
            elif is_interested < 0.5:
                await self._act("handover", lead, rep, HANDOVER)

    async def _act(self, kind: str, lead: str, rep: str, fields: Mapping[str, str]) -> None:
        path = f"/routing/v1/leads/{lead}"
        if kind == "contact":
            told = {"way": "phone", "result": "reached", "note": "talked about their project"}
            await self._post(f"{path}/follow-ups", told, by=rep)
        elif kind == "handover":
            await self._post(f"{path}/handover", {"fields": dict(fields)}, by=rep)
        else:
            await self._post(f"{path}/return", fields, by=rep)

    async def _take_from_pool(self) -> None:
        """Two reps take two leads each, those that lie there longest; whom the script needs stay."""
        pooled = [row["lead"] for row in await self._pages("/routing/v1/pool")]
        free = [lead for lead in pooled if self._people.get(lead) not in CAST][: 2 * len(_CLAIMING)]
        for number, lead in enumerate(free):
            await self._claim(lead, _CLAIMING[number % len(_CLAIMING)])

    async def _race(self, lead: str) -> None:
        """Everybody claims one lead in the same moment, several times over."""
        async with asyncio.TaskGroup() as tasks:
            claims = [tasks.create_task(self._claim(lead, rep)) for rep in REPS for _ in range(RIVALS)]
        self.race = (len(claims), sum(claim.result() for claim in claims))

    async def _claim(self, lead: str, rep: str) -> bool:
        async with self._room:
            response = await self._http.post(
                f"/routing/v1/leads/{lead}/claim", json={}, headers=self._headers(rep)
            )
        if response.status_code == _REFUSED:
            self.refused[_code_of(response)] += 1
            return False
        _expect(response, "claim")
        return True

    async def _unmerge(self, person: Person) -> None:
        stayed = await self._lead_of(person)
        (went,) = [lead for lead, who in self._people.items() if who == person and lead != stayed]
        await self._post(f"/v1/leads/{went}/unmerge", {"reason": "two people of one name"}, by="marketer")

    async def _lead_of(self, person: Person) -> str:
        await self._meet(person)
        lead: str = (await self._get("/v1/leads", email=person.email))["leads"][0]["id"]
        return lead

    async def _pages(self, path: str, **query: str) -> Sequence[Mapping[str, Any]]:
        rows: list[Mapping[str, Any]] = []
        cursor: Mapping[str, str] = {}
        while True:
            page = await self._get(path, limit="200", **query, **cursor)
            rows += page["items"]
            if page["next"] is None:
                return rows
            cursor = {"cursor": page["next"]}

    async def _get(self, path: str, **query: str) -> Any:
        async with self._room:
            response = await self._http.get(path, params=query, headers=self._headers("manager"))
        return _expect(response, path.rpartition("/")[0])

    async def _post(self, path: str, body: Mapping[str, object], *, by: str) -> Any:
        async with self._room:
            response = await self._http.post(path, json=dict(body), headers=self._headers(by))
        return _expect(response, path.rpartition("/")[2])

    def _headers(self, by: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self._tokens[by]}"}


def _code_of(response: httpx.Response) -> str:
    return str(response.json().get("code", response.status_code))


def _expect(response: httpx.Response, what: str) -> Any:
    if response.status_code >= 300:
        raise RequestFailed(f"{what} answered {response.status_code} {_code_of(response)}")
    return response.json()
