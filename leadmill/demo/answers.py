"""What a manager would ask, answered over the public APIs with an access token."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import httpx

from leadmill.demo.clients import RequestFailed
from leadmill.demo.people import Person
from leadmill.demo.visits import BEGIN, DAYS
from shared.kernel.instants import DAY, Instant, format_instant, parse_instant

_AT_ONCE: Final = 12

Score = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLead:
    """A person of the story as the platform knows them: the lead, and per model the score with its lines."""

    lead: str
    person: Person
    created: Instant
    is_merged: bool
    scores: Mapping[str, Score]

    def points(self, model: str) -> float:
        """Return the points under a model."""
        return float(self.scores[model]["points"])

    def tier(self, model: str) -> str:
        """Return the tier under a model."""
        return str(self.scores[model]["tier"])


@dataclass(slots=True)
class Movement:
    """One model's tiers over time: who was where at each day's end, and how often leads moved."""

    tiers: Sequence[str]
    by_day: list[Counter[str]] = field(default_factory=list)
    rises: int = 0
    falls: int = 0


class Answers:
    """Asks the platform at ``address``; an asynchronous context manager."""

    def __init__(self, address: str, *, token: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=address,
            timeout=30,
            trust_env=False,
            headers={"authorization": f"Bearer {token}"},
            limits=httpx.Limits(max_connections=_AT_ONCE),
        )
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def find_leads(self, people: Sequence[Person]) -> list[KnownLead]:
        """Return those of these people whom the platform knows by their address, with their scores."""
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(self._find_lead(person)) for person in people]
        return [lead for task in asked if (lead := task.result()) is not None]

    async def _find_lead(self, person: Person) -> KnownLead | None:
        found = (await self._get("/v1/leads", email=person.email))["leads"]
        if not found:
            return None
        lead = found[0]["id"]
        answer = await self._get(f"/scoring/v1/leads/{lead}/why")
        return KnownLead(
            lead=lead,
            person=person,
            created=int(found[0]["created"]),
            is_merged=len(found[0]["external_ids"]) > 1,
            scores={score["model"]: score for score in answer["scores"]},
        )

    async def count_parted(self, people: Sequence[Person]) -> int:
        """Return how many of these are found as one lead by their address and as another by their number."""
        found = [
            {(await self._get("/v1/leads", **asked))["leads"][0]["id"] for asked in ways}
            for ways in ([{"email": person.email}, {"phone": person.phone}] for person in people)
        ]
        return sum(len(leads) == 2 for leads in found)

    async def count_erased(self, people: Sequence[Person]) -> int:
        """Return how many of these are found neither by their address nor by their number."""
        answers = [await self._get("/v1/leads", email=one.email, phone=one.phone) for one in people]
        return sum(not answer["leads"] for answer in answers)

    async def explain(self, lead: str, *, model: str, as_of: Instant) -> Score:
        """Return a model's score of a lead with its lines, as of an instant."""
        answer = await self._get(f"/scoring/v1/leads/{lead}/why", model=model, as_of=format_instant(as_of))
        score: Score = answer["scores"][0]
        return score

    async def find_tiers(self) -> dict[str, list[str]]:
        """Return the tiers of every live model, highest first."""
        models = await self._get("/scoring/v1/models")
        return {model["model"]: model["tiers"] for model in models}

    async def find_movements(self, leads: Sequence[KnownLead]) -> dict[str, Movement]:
        """Return how the tiers of these leads moved over the fortnight, by model."""
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(self._get(f"/scoring/v1/leads/{lead.lead}/history")) for lead in leads]
        histories = [task.result() for task in asked]
        movements = {}
        for model, tiers in (await self.find_tiers()).items():
            movement = movements[model] = Movement(tiers)
            for day in range(1, DAYS + 1):
                end = BEGIN + day * DAY
                movement.by_day.append(
                    Counter(
                        _tier_at(history["tiers"][model], end) or tiers[-1]
                        for lead, history in zip(leads, histories, strict=True)
                        if lead.created <= end
                    )
                )
            told = Counter(
                change["direction"]
                for history in histories
                for change in history["told"]
                if change["model"] == model
            )
            movement.rises, movement.falls = told["up"], told["down"]
        return movements

    async def ask(self, path: str, **query: str) -> Any:
        """Return what the platform answers to any other question."""
        return await self._get(path, **query)

    async def _get(self, path: str, **query: str) -> Any:
        async with self._room:
            response = await self._http.get(path, params=query)
        if response.status_code != 200:
            raise RequestFailed(f"{path.partition('/leads/')[0]} answered {response.status_code}")
        return response.json()


def _tier_at(crossings: Sequence[Mapping[str, Any]], instant: Instant) -> str:
    tier = ""
    for crossing in crossings:
        if parse_instant(crossing["at"]) > instant:
            break
        tier = crossing["to_tier"]
    return tier


def sum_up_rules(leads: Sequence[KnownLead], model: str) -> list[tuple[str, int, float]]:
    """Return the rules that brought a model's points: name, for how many leads, points now; most first."""
    counts: Counter[str] = Counter()
    points: dict[str, float] = defaultdict(float)
    for lead in leads:
        for rule in {line["rule"] for line in lead.scores[model]["lines"]}:
            counts[rule] += 1
        for line in lead.scores[model]["lines"]:
            points[line["rule"]] += line["points"]
    return sorted(((rule, counts[rule], total) for rule, total in points.items()), key=lambda row: -row[2])


def choose_example(leads: Sequence[KnownLead], model: str) -> KnownLead:
    """Return the lead whose score is worth explaining: much in it, and something in it has cooled."""

    def worth(lead: KnownLead) -> tuple[bool, int, float]:
        lines = lead.scores[model]["lines"]
        has_cooled = any(line["points"] != line["granted_points"] for line in lines)
        return has_cooled, len(lines), lead.points(model)

    return max(leads, key=worth)


END: Final = BEGIN + DAYS * DAY
WEEK_AGO: Final = END - 7 * DAY
