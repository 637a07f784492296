"""A field on which scoring does all that it can: authors take steps, webhooks tell a receiver."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from services.scoring.domain.life.steps import RULING
from services.scoring.domain.webhooks.webhook import Wanted
from services.scoring.jobs.webhooks.desk import WebhookDesk
from services.scoring.queries.tier_stream import TierStream
from shared.kernel.errors import Unavailable
from tests.failure.on_models.authors import Authors
from tests.failure.on_models.documents import SHADOWED
from tests.failure.on_models.jobs import DDL, tools_of
from tests.failure.on_models.oracle.verdict import judge_models
from tests.failure.on_models.receiver import ReceiverPlan
from tests.failure.on_services.surroundings import field as services
from tests.failure.on_services.surroundings.callers import Correctors
from tests.failure.on_services.surroundings.clock import FastClock
from tests.failure.on_services.surroundings.crew import ServiceCrew
from tests.failure.on_services.surroundings.field import Front, ServicesField
from tests.failure.on_services.surroundings.load import Edge
from tests.failure.on_services.surroundings.topics import renew_topics
from tests.failure.surroundings.crew import Crew, Hand
from tests.failure.surroundings.ground import Ground, Outcome

STEPS: Final = 1.5
"""Steps in the life of models a second, if each is answered at once."""
_LEFT: Final = """
SELECT (SELECT done FROM model_pass),
    (SELECT coalesce(max(number), 0) FROM model_step WHERE kind = ANY($2)),
    (SELECT count(*) FROM shadow_due) + (SELECT count(*) FROM shadow_score WHERE due <= $1),
    (SELECT count(*) FROM model_preview WHERE NOT done),
    (SELECT count(*) FROM webhook_delivery WHERE state = 'waiting'),
    (SELECT count(*) FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook
        WHERE d.state = 'waiting' AND (d.next_attempt > $1 OR w.paused_until > $1)),
    (SELECT count(*) FROM webhook WHERE cursor <> $3)
"""
WANTED: Final = {
    "/all": Wanted(),
    "/some": Wanted(kinds=("tier_changed",), models=(SHADOWED,), directions=("down",)),
}
"""What the two webhooks want, by their path."""


class ModelsCrew(ServiceCrew):
    """Workers with everything beside them."""

    worker_module = "tests.failure.on_models.worker"


class ScoringCrew(ModelsCrew):
    """Scoring's, with those who take steps over HTTP."""

    commander_module = "tests.failure.on_models.commander"


@dataclass(slots=True)
class ScoringFront(Front):
    """Scoring, which is not at rest while anybody is to be renewed, looked at, or told."""

    desk: WebhookDesk | None = None

    @property
    def authors(self) -> Authors:
        """Who takes steps."""
        assert isinstance(self.callers, Authors)
        return self.callers

    async def waits_for(self) -> str:
        """Return what scoring has not done yet, or nothing."""
        return await super(ScoringFront, self).waits_for() or await self.waits_beside()

    async def waits_beside(self) -> str:
        """Return what the jobs have not done yet, or nothing."""
        assert self.whole is not None
        try:
            end = await TierStream(self.database).find_end()
        except Unavailable:
            return "the database is away"
        rows = await self.ask(_LEFT, self.whole.clock.now(), sorted(RULING), end)
        if rows is None:
            return "the database is away"
        done, number, due, previews, waiting, later, behind = rows[0]
        if done != number:
            return f"scoring's pass has come to step {done} of {number}"
        if due or previews:
            return f"scoring's shadows are to look at {due} leads, {previews} previews run"
        if later:
            await self._hasten()
        if waiting or behind:
            return f"webhooks wait with {waiting} deliveries, {later} for a later time, {behind} are behind"
        return ""

    async def _hasten(self) -> None:
        """Switch all webhooks on again, as somebody does who knows that the receiver is back."""
        rows = await self.ask("SELECT id FROM webhook")
        assert self.desk is not None
        for row in rows or ():
            await self.desk.enable(row["id"], by="matrix")


@dataclass(slots=True, kw_only=True)
class ModelsField(ServicesField):
    """One run with everything switched on."""

    receiver: Hand
    records: Path
    secrets: dict[str, str] = field(default_factory=dict)
    wanted: Mapping[str, Wanted] = field(default_factory=lambda: WANTED)

    @property
    def models(self) -> ScoringFront:
        """Scoring's front."""
        assert isinstance(self.scoring, ScoringFront)
        return self.scoring

    async def kill_receiver(self, pick: random.Random) -> None:
        """Kill the receiver and start it again after a while."""
        self.receiver.process.kill()
        self.receiver.process.wait()
        self.crew.struck["SIGKILL of the receiver"] += 1
        await asyncio.sleep(pick.uniform(0, 1.5))
        self.revive_receiver()

    def revive_receiver(self) -> None:
        """Start the receiver where it was, if it is dead."""
        if not self.receiver.is_running:
            port = int(self.receiver.told("ready"))
            self.receiver = start_receiver(self.crew, self.records, port=port)

    async def wait_for_steps(self, *, left: int = 0, within: float = 150.0) -> None:
        """Wait until every step but so many has been taken; if not, that is a fault."""
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while self.models.authors.left > left and loop.time() < end:
            for front in self.fronts:
                front.crew.look()
            await asyncio.sleep(0.1)
        if self.models.authors.left > left:
            self.crew.faults.append(
                f"stuck: {self.models.authors.left} steps are not taken within {within:g} s;"
                f" {await self.models.waits_beside()}"
            )

    async def quiet(self, *, within: float = 90.0) -> None:
        """Let the pass come to its end, then stop the clock, and wait until nothing is left to do."""
        self.receiver.signal(signal.SIGUSR1)
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while "webhooks" not in (waits_for := await self.models.waits_beside() or "webhooks"):
            for front in self.everyone:
                front.crew.look()
            if loop.time() > end:
                self.crew.faults.append(f"stuck: {waits_for} after {within:g} s")
                break
            await asyncio.sleep(0.2)
        await super(ModelsField, self).quiet(within=within)

    async def compare(self) -> Outcome:
        """Work everything out again and compare."""
        return await judge_models(self)


def start_receiver(crew: Crew, records: Path, *, port: int = 0) -> Hand:
    """Start the process that is told."""
    plan = ReceiverPlan(records=str(records), seed=crew.seed, parent=os.getpid(), port=port)
    command = [sys.executable, "-m", "tests.failure.on_models.receiver", msgspec.json.encode(plan).decode()]
    return Hand("receiver", command, crew.folder)


@contextlib.asynccontextmanager
async def open_models(
    ground: Ground, *, seed: int, rate: float, commands: float, plant: str = ""
) -> AsyncIterator[ModelsField]:
    """Open a fresh database and fresh topics, set webhooks up, and begin to feed; no worker runs yet."""
    await renew_topics(ground.log, ground.broker.address)
    url, folder = await services.fresh_database(ground)
    file = folder / "clock"
    clock = FastClock.wind(file)
    feeder = Edge(ground.log, rate=rate, seed=seed, clock=clock)
    fronts: dict[str, Any] = {}
    beside: Crew | None = None
    for service, kind in (("ingest", Front), ("scoring", ScoringFront)):
        crew_kind = ScoringCrew if service == "scoring" else ModelsCrew
        crew = crew_kind(
            service=service,
            database=url,
            kafka=ground.broker.address,
            clock=file,
            folder=folder,
            seed=seed,
            beside=beside,
        )
        crew.plant = plant
        beside = crew
        scripts = services.MIGRATIONS[service]
        fronts[service] = await services.open_front(ground, crew, feeder, scripts=scripts, kind=kind)
    ingest, scoring = fronts["ingest"], fronts["scoring"]
    records = folder / "heard.jsonl"
    opened = ModelsField(
        ground=ground,
        clock=clock,
        url=url,
        feeder=feeder,
        ingest=ingest,
        scoring=scoring,
        receiver=start_receiver(ingest.crew, records),
        records=records,
    )
    for front in opened.fronts:
        front.whole = opened
    await _set_up_webhooks(opened)
    _invite_callers(opened, rate=commands, seed=seed)
    feeding = asyncio.create_task(feeder.run())
    try:
        yield opened
    finally:
        feeder.stop()
        for front in opened.fronts:
            for callers in front.everybody:
                await callers.close()
            front.crew.close()
        opened.receiver.process.kill()
        opened.receiver.process.wait()
        feeding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await feeding
        for front in opened.fronts:
            await front.database.stop()


async def _set_up_webhooks(opened: ModelsField) -> None:
    front = opened.models
    async with front.database.connection() as connection:
        await connection.execute(DDL)
    tiers: dict[str, tuple[str, ...]] = {SHADOWED: ("hot", "warm", "cold")}

    async def find_tiers() -> dict[str, tuple[str, ...]]:
        return tiers

    front.desk = WebhookDesk(tools_of(front.database, opened.clock, holder="matrix"), tiers=find_tiers)
    await opened.receiver.ready(30)
    address = f"http://127.0.0.1:{opened.receiver.told('ready')}"
    for path, wanted in WANTED.items():
        made = await front.desk.create(
            address + path, name=path, wanted=wanted, from_the_first=True, by="matrix"
        )
        opened.secrets[path] = made.secret.reveal()


def _invite_callers(opened: ModelsField, *, rate: float, seed: int) -> None:
    ingest, scoring = opened.ingest, opened.scoring
    ingest.callers = Correctors(
        ingest.crew.addresses,
        database=ingest.database,
        rate=rate,
        seed=seed,
        faults=ingest.crew.faults,
        corrections=0.0,
    )
    scoring.callers = Authors(
        scoring.crew.addresses, ask=scoring.ask, rate=STEPS, seed=seed, faults=scoring.crew.faults
    )
    for front in opened.fronts:
        front.crew.start_commander()
        for callers in front.everybody:
            callers.start()
