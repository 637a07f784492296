"""Scoring as it runs, on either log and under a simulated clock, and ways to look at what it did."""

from __future__ import annotations

import asyncio
from typing import NamedTuple, TypeVar

from services.scoring.bootstrap import (
    build,
    build_ruled_stage,
    load_attention,
    load_company_models,
    load_models,
)
from services.scoring.store.scoring_models.rulings import RegisteredRulings
from services.scoring.store.scoring_models.shelf import Shelf
from shared.contracts.declarations import Event
from shared.contracts.envelope import Envelope, decode_envelope, decode_event
from shared.contracts.events.scores import ScoresUpdated
from shared.contracts.events.tier_changes import CompanyTierChanged, LeadActivated, TierChanged
from shared.contracts.topics import SCORES, TIER_CHANGES
from shared.kernel.clock import SimulatedClock
from shared.kernel.instants import Instant
from shared.log.port import Log
from tests.services.scoring.deeds import Deed, lead_id
from tests.services.surroundings.logs import PARTITIONS
from tests.services.surroundings.stand import ServiceStand, resources_of
from tests.unit.scoring.stories import CONFIG

E = TypeVar("E", bound=Event)


class Told(NamedTuple):
    """A tier change as it was said: of which model, in short, and whether it restates."""

    model: str
    change: str
    at: Instant
    restated: bool


class Killed(Exception):
    """A worker ends in the middle."""


class Stand(ServiceStand):
    """Scoring on one database and one log."""

    def __init__(self, log: Log, url: str, clock: SimulatedClock) -> None:
        self.models = load_models(CONFIG.parent)
        self.rulings = RegisteredRulings(Shelf(CONFIG))
        companies = load_company_models(CONFIG.parent)
        self.stage = build_ruled_stage(
            self.rulings,
            partitions=PARTITIONS,
            companies=companies,
            attention=load_attention(CONFIG.parent),
        )
        self.resources = resources_of(log, url, clock, config=CONFIG.parent)
        blueprint = build(self.resources)
        super().__init__(self.stage, blueprint, log=log, clock=clock)

    async def learn_and_die(self, place: str, *words: Deed) -> None:
        """Let a worker learn this and die at a place, and a successor go on."""

        def die(where: str) -> None:
            if where == place:
                raise Killed

        await self.start_worker(f"dies {place}", tripwire=die)
        await self.feed(*words)
        _, task = self.workers.pop(f"dies {place}")
        async with asyncio.timeout(90):
            await asyncio.wait([task])
        assert isinstance(task.exception(), Killed)
        await self.start_worker(f"after {place}")
        await self.settle()
        await self.stop_worker(f"after {place}")

    async def said(self, topic: str, event: type[E]) -> list[tuple[Envelope, E]]:
        """The events of one kind on a topic, each with its envelope."""
        found = []
        for record in await self.records(topic):
            if record.value is not None:
                envelope = decode_envelope(record.value)
                data = decode_event(envelope)
                if isinstance(data, event):
                    found.append((envelope, data))
        return found

    async def changes_of(self, who: str, *, model: str = "five_step") -> list[Told]:
        """The tier changes that were said of one lead in one model, in order."""
        return [
            Told(
                data.model,
                f"{data.from_tier} > {data.to_tier}",
                envelope.occurred,
                data.restated,
            )
            for envelope, data in await self.said(TIER_CHANGES.name, TierChanged)
            if data.lead == lead_id(who) and data.model == model
        ]

    async def company_changes_of(self, company: str) -> list[Told]:
        """The tier changes that were said of one company, in order, records published again dropped."""
        said = {one.id: (one, data) for one, data in await self.said(TIER_CHANGES.name, CompanyTierChanged)}
        return [
            Told(data.model, f"{data.from_tier} > {data.to_tier}", envelope.occurred, data.restated)
            for envelope, data in said.values()
            if data.company == company
        ]

    async def activations_of(self, who: str) -> list[LeadActivated]:
        """The activations that were said of one lead, in order."""
        said = await self.said(TIER_CHANGES.name, LeadActivated)
        return [data for _, data in said if data.lead == lead_id(who)]

    async def latest_scores(self) -> dict[str, ScoresUpdated]:
        """The last record per lead of the compacted topic, as whoever reads it now would see it."""
        latest: dict[str, ScoresUpdated] = {}
        for record in await self.records(SCORES.name):
            if record.value is None:
                latest.pop((record.key or b"").decode(), None)
                continue
            data = decode_event(decode_envelope(record.value))
            assert isinstance(data, ScoresUpdated)
            assert data.lead not in latest or latest[data.lead].version <= data.version
            latest[data.lead] = data
        return latest
