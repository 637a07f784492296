"""A field of the whole chain: a front for each of four services, and the reps."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from services.analytics.bootstrap import MIGRATIONS as ANALYTICS_MIGRATIONS
from services.routing.bootstrap import MIGRATIONS as ROUTING_MIGRATIONS
from tests.failure.on_chain.oracle.verdict import judge_chain
from tests.failure.on_chain.surroundings.crew import RoutingCrew
from tests.failure.on_chain.surroundings.people import BuyersEdge
from tests.failure.on_chain.surroundings.reps import Reps
from tests.failure.on_services.surroundings import field as services
from tests.failure.on_services.surroundings.clock import FastClock
from tests.failure.on_services.surroundings.crew import ServiceCrew
from tests.failure.on_services.surroundings.field import Front, ServicesField
from tests.failure.on_services.surroundings.topics import renew_topics
from tests.failure.surroundings.ground import Ground, Outcome

WORKER: Final = "worker-0"
"""The name of each service's one worker."""
_MIGRATIONS: Final = {
    **services.MIGRATIONS,
    "routing": ROUTING_MIGRATIONS,
    "analytics": ANALYTICS_MIGRATIONS,
}


@dataclass(slots=True, kw_only=True)
class ChainField(ServicesField):
    """One run on the chain."""

    routing: Front
    analytics: Front
    reps: Reps

    @property
    def everyone(self) -> tuple[Front, ...]:
        """All four, in the order in which a lead meets them."""
        return self.ingest, self.scoring, self.routing, self.analytics

    def man(self) -> None:
        """Have a worker run of each service, and somebody who takes commands."""
        for front in self.everyone:
            front.crew.man(WORKER)
        crew = self.routing.crew
        if not any(hand.is_running for hand in crew.commanders.values()):
            crew.start_commander()

    def look(self) -> None:
        """Whoever has ended by himself is a fault."""
        for front in self.everyone:
            front.crew.look()

    async def progress(self, *, transactions: int = 5, within: float = 90.0) -> None:
        """Wait until every service has committed so many more batches."""
        await asyncio.gather(
            *(front.progress(transactions=transactions, within=within) for front in self.everyone)
        )

    async def settle(self, *, within: float = 90.0) -> None:
        """End the load and the commands, then the time; let all finish, and stop them in good order."""
        self.feeder.stop()
        self.man()
        await self.reps.stop(within=60)
        self.crew.struck.update(self.reps.again)
        for name, hand in self.routing.crew.commanders.items():
            if hand.is_running:
                await self.routing.crew.stop(name)
        await self.quiet(within=within)
        for front in self.everyone:
            for name in list(front.crew.workers):
                await front.crew.stop(name)

    async def compare(self) -> Outcome:
        """Work everything out again and compare."""
        return await judge_chain(self)


@contextlib.asynccontextmanager
async def open_chain(ground: Ground, *, seed: int, rate: float, commands: float) -> AsyncIterator[ChainField]:
    """Open a fresh database and fresh topics, man the chain, feed it, and let the reps begin."""
    await renew_topics(ground.log, ground.broker.address)
    url, folder = await services.fresh_database(ground)
    file = folder / "clock"
    clock = FastClock.wind(file)
    feeder = BuyersEdge(ground.log, rate=rate, seed=seed, clock=clock)
    fronts: dict[str, Front] = {}
    beside: ServiceCrew | None = None
    for service, scripts in _MIGRATIONS.items():
        kind = RoutingCrew if service == "routing" else ServiceCrew
        crew = kind(
            service=service,
            database=url,
            kafka=ground.broker.address,
            clock=file,
            folder=folder,
            seed=seed,
            beside=beside,
        )
        beside = crew
        fronts[service] = await services.open_front(ground, crew, feeder, scripts=scripts)
    routing = fronts["routing"]
    reps = Reps(routing.ask, routing.crew.addresses, rate=commands, seed=seed, faults=routing.crew.faults)
    opened = ChainField(
        ground=ground,
        clock=clock,
        url=url,
        feeder=feeder,
        reps=reps,
        ingest=fronts["ingest"],
        scoring=fronts["scoring"],
        routing=routing,
        analytics=fronts["analytics"],
    )
    for front in opened.everyone:
        front.whole = opened
    feeding = asyncio.create_task(feeder.run())
    opened.man()
    reps.start()
    try:
        yield opened
    finally:
        feeder.stop()
        await reps.close()
        for front in opened.everyone:
            front.crew.close()
        feeding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await feeding
        for front in opened.everyone:
            await front.database.stop()
