"""Nurture as it runs: a worker on either log, senders, a mail server, a front door, simulated time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import httpx
from prometheus_client import CollectorRegistry

from leadmill.demo.mail_sink import MailSink, Received
from services.nurture.bootstrap import build
from services.nurture.settings import NurtureSettings
from shared.contracts.declarations import Event
from shared.contracts.envelope import decode_envelope, decode_event
from shared.contracts.topics import NURTURE
from shared.http.app import build_app
from shared.kernel.clock import SimulatedClock
from shared.kernel.instants import Instant
from shared.log.port import Log
from shared.processor.loop import LoopSettings
from shared.runtime.blueprint import Resources
from shared.runtime.service import Activity
from shared.runtime.settings.environment import load_settings
from shared.security.tokens import Principal, Role
from tests.services.nurture.front_door import FrontDoor
from tests.services.nurture.words import Word
from tests.services.surroundings.logs import PARTITIONS
from tests.services.surroundings.stand import SECRETS, Onlooker
from tests.unit.nurture.stories import CONFIG

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"


class RoleByName:
    """Takes a token for the role that it names."""

    async def principal_of(self, token: str, *, now: Instant) -> Principal | None:
        return Principal(id=token, name=token, role=cast(Role, token))


class Stand(Onlooker):
    """Nurture on one database and one log: a worker, senders, and whom they meet."""

    def __init__(
        self,
        log: Log,
        url: str,
        clock: SimulatedClock,
        *,
        data: Path,
        sink: MailSink,
        door: FrontDoor,
        **settings: Any,
    ) -> None:
        self.sink = sink
        self.door = door
        self.url = url
        self.registry = CollectorRegistry()
        self.settings = load_settings(
            NurtureSettings,
            environment={},
            **{
                "smtp_host": "127.0.0.1",
                "smtp_port": sink.port,
                "smtp_security": "none",
                "smtp_timeout": timedelta(seconds=1),
                "lease": timedelta(seconds=30),
                "sender_address": "news@mill.example",
                "sender_name": "Mill & Co",
                "organisation": "Mill & Co Ltd",
                "postal_address": "1 Mill Lane, Shanghai",
                "public_url": "https://news.mill.example",
                **settings,
            },
        )
        self.resources = Resources(
            log=log,
            clock=clock,
            database_url=url,
            registry=self.registry,
            secrets=SECRETS,
            config=CONFIG,
            data=data,
            member="nurture-1",
            loop=LoopSettings(partitions=PARTITIONS, poll=timedelta(milliseconds=20)),
            front_door=door.address,
        )
        super().__init__(build(self.resources, settings=self.settings), log=log, clock=clock)
        self.http = self._client()
        self._running: dict[str, tuple[Any, asyncio.Task[None]]] = {}

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app()),
            base_url="https://news.mill.example",
            headers={"authorization": "Bearer read", "user-agent": BROWSER},
        )

    def _app(self) -> Any:
        return build_app(
            title="nurture",
            service="nurture",
            version="0",
            registry=CollectorRegistry(),
            clock=self.clock,
            stopping=asyncio.Event(),
            routers=self.blueprint.routers,
            hot_routes=self.blueprint.hot_routes,
            authority=RoleByName(),
            statuses=self.blueprint.statuses,
        )

    # --- running ---------------------------------------------------------------------------------------

    async def start(self, *, jobs: bool = True) -> None:
        """Let the worker and the jobs run."""
        (worker,) = self.blueprint.workers
        self._running["worker"] = worker, asyncio.create_task(worker.run())
        for activity in (*self.blueprint.activities, *self.blueprint.edge_activities) if jobs else ():
            self.start_activity(activity)

    def start_activity(self, activity: Activity) -> None:
        """Let one job run."""
        self._running[activity.name] = activity, asyncio.create_task(activity.run())

    async def stop_one(self, name: str) -> None:
        """Let the worker or a job finish."""
        running, task = self._running.pop(name)
        running.stop()
        async with asyncio.timeout(30):
            await task

    async def kill(self, name: str) -> None:
        """End a job in the middle of whatever it does."""
        _, task = self._running.pop(name)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def restart(self) -> None:
        """Let this process die, with whatever it holds in memory, and another one start in its place."""
        for name in list(self._running):
            await self.kill(name)
        await self.blueprint.stop()
        await self.http.aclose()
        self.registry = CollectorRegistry()
        self.resources = replace(self.resources, registry=self.registry)
        self.blueprint = build(self.resources, settings=self.settings)
        self.database = self.blueprint.database
        self.http = self._client()
        await self.blueprint.start()
        await self.start()

    async def end(self) -> None:
        """Let go of the service that runs in the end."""
        await self.blueprint.stop()

    async def stop(self) -> None:
        """Stop everything."""
        for name in list(self._running):
            await self.stop_one(name)
        await self.http.aclose()

    # --- what happens ----------------------------------------------------------------------------------

    async def learn(self, *words: Word, rests: bool = True) -> None:
        """Append records and wait until they have had their effect."""
        await self.feed(*words)
        await self.settle(rests=rests)

    async def pass_to(self, instant: Instant) -> None:
        """Let time pass, stopping wherever a clock rings, until everything is sent that is due."""
        while True:
            await self.settle()
            due = await self.value("SELECT min(due) FROM timer")
            if due is None or due > instant:
                break
            self.clock.advance_to(max(due, self.clock.now()))
        self.clock.advance_to(instant)
        await self.settle()

    async def settle(self, *, rests: bool = True, within: float = 120.0) -> None:
        """Wait until everything is read and published, no clock is due, and (unless told) no job is busy."""
        calm = 0
        async with asyncio.timeout(within):
            while calm < 2:
                for _, task in self._running.values():
                    if task.done():
                        task.result()
                is_calm = await self.is_calm() and (not rests or await self.blueprint.is_at_rest())
                calm = calm + 1 if is_calm else 0
                await asyncio.sleep(0.02)

    async def until(self, sql: str, *arguments: object, within: float = 120.0) -> None:
        """Wait until a question to the database is answered with yes."""
        async with asyncio.timeout(within):
            while not await self.value(sql, *arguments):
                await asyncio.sleep(0.02)

    # --- what one may ask ------------------------------------------------------------------------------

    async def said(self, lead: str) -> list[Event]:
        """What nurture has said of a lead, in order."""
        envelopes = [decode_envelope(record.value or b"") for record in await self.records(NURTURE.name)]
        return [decode_event(one) for one in envelopes if one.subject == lead]

    async def told(self, lead: str) -> list[str]:
        """What nurture has said of a lead, in one word each."""
        words = []
        for event in await self.said(lead):
            name = type(event).__name__
            step = getattr(event, "step", "")
            reason = getattr(event, "reason", "") or getattr(event, "code", "")
            words.append(" ".join(part for part in (name, step, reason) if part))
        return words

    def mails(self, who: str) -> list[Received]:
        """The mails that arrived at somebody's address."""
        return [one for one in self.sink.received if one.recipient == f"{who}@example.com"]

    async def lead(self, lead: str) -> Any:
        """What the API tells of a lead."""
        answer = await self.http.get(f"/nurture/v1/leads/{lead}")
        assert answer.status_code == 200, answer.text
        return answer.json()
