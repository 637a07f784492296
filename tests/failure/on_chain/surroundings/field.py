"""A field of the whole chain: a front for each of the five services, its callers, and the mail server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from services.analytics.bootstrap import MIGRATIONS as ANALYTICS_MIGRATIONS
from services.nurture.bootstrap import MIGRATIONS as NURTURE_MIGRATIONS
from services.routing.bootstrap import MIGRATIONS as ROUTING_MIGRATIONS
from tests.failure.on_chain.oracle import nurture
from tests.failure.on_chain.oracle.verdict import judge_chain
from tests.failure.on_chain.surroundings.crew import SENDER, NurtureCrew
from tests.failure.on_chain.surroundings.forgetters import Forgetters
from tests.failure.on_chain.surroundings.people import BuyersEdge
from tests.failure.on_chain.surroundings.post import Post
from tests.failure.on_chain.surroundings.reps import Reps
from tests.failure.on_services.surroundings import field as services
from tests.failure.on_services.surroundings.callers import CORRECTIONS
from tests.failure.on_services.surroundings.clock import FastClock
from tests.failure.on_services.surroundings.crew import ServiceCrew
from tests.failure.on_services.surroundings.field import Front, ServicesField
from tests.failure.on_services.surroundings.topics import renew_topics
from tests.failure.surroundings.ground import Ground, Outcome

WORKER: Final = "worker-0"
"""The name of each service's one worker."""
SENDERS: Final = (f"{SENDER}-0", f"{SENDER}-1")
"""The names of the processes that send mail."""
SPEED: Final = 28_800
"""A second is eight hours: a run is a fortnight, and a mail has time to go out before it is too late."""
FORGETTING: Final = 1.0
"""Merges taken back and people forgotten, together, a second."""
ASKING: Final = 2.0
"""The same with leads put right."""
TABLES: Final = 0.4
"""Tables brought in a second."""
_WITHOUT_KEYS: Final = """
ALTER TABLE stay DROP CONSTRAINT stay_pkey;
ALTER TABLE said DROP CONSTRAINT said_pkey;
DROP INDEX stay_open;
DROP INDEX stay_assignment;
"""
"""Takes away what stops a second owner of a lead even where no lock does."""
_MIGRATIONS: Final = {
    **services.MIGRATIONS,
    "routing": ROUTING_MIGRATIONS,
    "nurture": NURTURE_MIGRATIONS,
    "analytics": ANALYTICS_MIGRATIONS,
}


@dataclass(slots=True, kw_only=True)
class ChainField(ServicesField):
    """One run on the chain."""

    routing: Front
    nurture: Front
    analytics: Front
    post: Post

    @property
    def everyone(self) -> tuple[Front, ...]:
        """All five, in the order in which a lead meets them."""
        return self.ingest, self.scoring, self.routing, self.nurture, self.analytics

    def man(self) -> None:
        """Have a worker run of each service, senders, and somebody who takes commands."""
        for front in self.everyone:
            front.crew.man(WORKER)
            if front.callers and not any(hand.is_running for hand in front.crew.commanders.values()):
                front.crew.start_commander()
        self.nurture.crew.man(*SENDERS)

    def look(self) -> None:
        """Whoever has ended by himself is a fault."""
        for front in self.everyone:
            front.crew.look()

    async def progress(self, *, transactions: int = 5, within: float = 90.0) -> None:
        """Wait until every service has committed so many more batches."""
        await asyncio.gather(
            *(front.progress(transactions=transactions, within=within) for front in self.everyone)
        )

    async def compare(self) -> Outcome:
        """Work everything out again and compare."""
        return await judge_chain(self)


@dataclass(slots=True)
class NurtureFront(Front):
    """Nurture, which is not at rest while a mail is under way."""

    async def waits_for(self) -> str:
        """Return what nurture has not done yet, or nothing."""
        waits_for = await super(NurtureFront, self).waits_for()
        rows = await self.ask("SELECT count(*) FROM message WHERE state = ANY(ARRAY['planned', 'sending'])")
        if waits_for or not rows or not rows[0][0]:
            return waits_for
        return f"nurture has {rows[0][0]} mails under way"


@contextlib.asynccontextmanager
async def open_chain(
    ground: Ground, *, seed: int, rate: float, commands: float, plant: str = "", has_desks: bool = True
) -> AsyncIterator[ChainField]:
    """Open a fresh database and fresh topics, man the chain, feed it, and let everybody ask.

    Without desks nobody puts leads right or brings tables in.
    """
    await renew_topics(ground.log, ground.broker.address)
    url, folder = await services.fresh_database(ground)
    file = folder / "clock"
    clock = FastClock.wind(file, speed=SPEED)
    feeder = BuyersEdge(ground.log, rate=rate, seed=seed, clock=clock)
    async with Post(seed=seed) as post:
        fronts: dict[str, Front] = {}
        beside: ServiceCrew | None = None
        for service, scripts in _MIGRATIONS.items():
            ways: dict[str, Any] = {
                "service": service,
                "database": url,
                "kafka": ground.broker.address,
                "clock": file,
                "folder": folder,
                "seed": seed,
                "beside": beside,
            }
            crew = NurtureCrew(post=post.port, **ways) if service == "nurture" else ServiceCrew(**ways)
            crew.plant = plant
            beside = crew
            kind = NurtureFront if service == "nurture" else Front
            fronts[service] = await services.open_front(ground, crew, feeder, scripts=scripts, kind=kind)
        async with fronts["nurture"].database.connection() as connection:
            await connection.execute(nurture.DDL)
        if plant == "second_owner":
            async with fronts["routing"].database.connection() as connection:
                await connection.execute(_WITHOUT_KEYS)
        opened = ChainField(
            ground=ground,
            clock=clock,
            url=url,
            feeder=feeder,
            post=post,
            ingest=fronts["ingest"],
            scoring=fronts["scoring"],
            routing=fronts["routing"],
            nurture=fronts["nurture"],
            analytics=fronts["analytics"],
        )
        for front in opened.everyone:
            front.whole = opened
        _invite_callers(opened, rate=commands, seed=seed, has_desks=has_desks)
        feeding = asyncio.create_task(feeder.run())
        opened.man()
        for front in opened.everyone:
            for callers in front.everybody:
                callers.start()
        try:
            yield opened
        finally:
            feeder.stop()
            for front in opened.everyone:
                for callers in front.everybody:
                    await callers.close()
                front.crew.close()
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await feeding
            for front in opened.everyone:
                await front.database.stop()


def _invite_callers(field: ChainField, *, rate: float, seed: int, has_desks: bool) -> None:
    ingest, routing = field.ingest, field.routing
    ingest.callers = Forgetters(
        ingest.crew.addresses,
        database=ingest.database,
        rate=ASKING if has_desks else FORGETTING,
        seed=seed,
        faults=ingest.crew.faults,
        corrections=CORRECTIONS if has_desks else 0.0,
    )
    ingest.others = [services.importers_of(ingest, rate=TABLES, seed=seed)] if has_desks else []
    routing.callers = Reps(
        routing.ask, routing.crew.addresses, rate=rate, seed=seed, faults=routing.crew.faults
    )
