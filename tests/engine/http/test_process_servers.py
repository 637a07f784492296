"""A process with a public and an admin port, over real sockets of the loopback."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
from fastapi import APIRouter
from prometheus_client import CollectorRegistry

from shared.http.app import build_app
from shared.http.serving import bind
from shared.kernel.errors import Unavailable
from shared.runtime.clock import SystemClock
from shared.runtime.health import Health
from shared.runtime.http_servers import admin_server, api_server
from shared.runtime.process import Lifeline, StopPlan, supervise
from shared.runtime.service import Service, until_stopped
from shared.telemetry.logging import configure_logging

EMAIL = "zhang.wei@fixture-mail.example"


@dataclass
class Running:
    """A process, its two ports and what it has logged."""

    public: httpx.AsyncClient
    admin: httpx.AsyncClient
    lifeline: Lifeline
    task: asyncio.Task[None]
    log: io.StringIO
    may_end: asyncio.Event


def router_of(name: str) -> APIRouter:
    router = APIRouter(prefix=f"/{name}" if name != "ingest" else "")

    @router.get("/v1/who")
    async def who() -> str:
        return name

    @router.get("/v1/fail/{email}")
    async def fail(email: str) -> None:
        raise ValueError(email)

    @router.get("/v1/away")
    async def away() -> None:
        raise Unavailable("the database is away", code="database.unavailable")

    return router


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    may_end = asyncio.Event()

    async def drain(stopping: asyncio.Event) -> None:
        await stopping.wait()
        await may_end.wait()

    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    log = io.StringIO()
    configure_logging(service="all", version="v", stream=log)
    registry, lifeline, health = CollectorRegistry(), Lifeline(), Health(version="v")
    services = [
        Service(
            name=name,
            prefix="" if name == "ingest" else f"/{name}",
            app=build_app(
                title=name,
                service=name,
                version="v",
                registry=registry,
                clock=SystemClock(),
                stopping=lifeline.stopping,
                routers=[router_of(name)],
                docs_prefix="" if name == "ingest" else f"/{name}",
            ),
            activities=[until_stopped(f"{name}.worker", drain)],
        )
        for name in ("ingest", "scoring")
    ]
    public, admin = bind("127.0.0.1", 0), bind("127.0.0.1", 0)
    ports = [listener.getsockname()[1] for listener in (public, admin)]
    task = asyncio.create_task(
        supervise(
            services,
            health=health,
            lifeline=lifeline,
            around=[api_server(services, sockets=[public], grace=timedelta(seconds=2))],
            admin=[admin_server(health=health, registry=registry, sockets=[admin])],
            plan=StopPlan(grace=timedelta(seconds=60)),
        )
    )
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports[0]}") as one,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports[1]}") as two,
    ):
        for _ in range(100):
            if (await two.get("/readyz")).status_code == 200:
                break
        try:
            yield Running(one, two, lifeline, task, log, may_end)
        finally:
            may_end.set()
            lifeline.pull()
            await task
            root.handlers[:] = before[0]
            root.setLevel(before[1])


class TestAProcess:
    async def test_answers_for_all_its_services_on_one_port(self, running: Running) -> None:
        assert (await running.public.get("/v1/who")).json() == "ingest"
        assert (await running.public.get("/scoring/v1/who")).json() == "scoring"
        assert (await running.public.get("/scoring/openapi.json")).json()["info"]["title"] == "scoring"
        assert (await running.public.get("/routing/v1/who")).status_code == 404

    async def test_shows_its_admin_surface_on_the_other_port_only(self, running: Running) -> None:
        for path in ("/livez", "/readyz", "/metrics", "/info"):
            assert (await running.admin.get(path)).status_code == 200
            assert (await running.public.get(path)).status_code == 404

    async def test_can_be_watched_while_it_stops_and_then_is_gone(self, running: Running) -> None:
        running.lifeline.pull()
        async with asyncio.timeout(60):
            while (answer := await running.admin.get("/readyz")).status_code != 503:
                await asyncio.sleep(0.01)
        assert answer.json()["checks"][0]["code"] == "process.stopping"
        assert (await running.admin.get("/livez")).status_code == 200
        running.may_end.set()
        await asyncio.wait_for(asyncio.shield(running.task), 60)
        with pytest.raises(httpx.ConnectError):
            await running.admin.get("/livez")

    async def test_tells_nobody_what_a_person_sent(self, running: Running) -> None:
        for prefix in ("", "/scoring"):
            failed = await running.public.get(f"{prefix}/v1/fail/{EMAIL}", params={"phone": "+8613812345678"})
            assert failed.status_code == 500
            await running.public.get(f"{prefix}/v1/{EMAIL}")
            await running.public.get(f"{prefix}/v1/away", params={"email": EMAIL})
        told = running.log.getvalue() + (await running.admin.get("/metrics")).text
        assert "fixture-mail" not in told
        assert "13812345678" not in told

    async def test_names_the_service_the_trace_and_the_route_on_the_line_of_a_failure(
        self, running: Running
    ) -> None:
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
        await running.public.get(f"/scoring/v1/fail/{EMAIL}", headers=headers)
        lines = [json.loads(line) for line in running.log.getvalue().splitlines()]
        (line,) = [line for line in lines if line["event"] == "request_failed"]
        assert (line["trace_id"], line["route"], line["code"]) == (
            trace,
            "/scoring/v1/fail/{email}",
            "internal.bug",
        )
        assert line["service"] == "scoring"
        assert line["exception"]["type"] == "ValueError"
