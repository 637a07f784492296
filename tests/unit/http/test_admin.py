"""The admin surface."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from shared.http.admin import CheckResult, build_admin_app
from shared.telemetry.metrics import publish_build_info


@dataclass
class FakeHealth:
    """Says what it is told to."""

    loops: list[CheckResult] = field(default_factory=list)
    checks: list[CheckResult] = field(default_factory=list)

    def live(self) -> Sequence[CheckResult]:
        return self.loops

    async def ready(self) -> Sequence[CheckResult]:
        return self.checks

    def info(self) -> Mapping[str, Any]:
        return {"service": "test", "version": "0.1.0"}


@pytest.fixture
def health() -> FakeHealth:
    return FakeHealth()


@pytest.fixture
async def client(health: FakeHealth, registry: CollectorRegistry) -> AsyncIterator[httpx.AsyncClient]:
    publish_build_info(registry, service="test", version="0.1.0", revision="abc")
    app = build_admin_app(health=health, registry=registry)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


@pytest.fixture
def level() -> Iterator[None]:
    before = logging.getLogger().level
    yield
    logging.getLogger().setLevel(before)


class TestTheAdminSurface:
    async def test_says_that_the_process_lives_and_is_ready(
        self, client: httpx.AsyncClient, health: FakeHealth
    ) -> None:
        health.checks.append(CheckResult(name="database", ok=True))
        assert (await client.get("/livez")).json() == {"live": True, "checks": []}
        answer = await client.get("/readyz")
        assert answer.status_code == 200
        assert answer.json() == {
            "ready": True,
            "checks": [{"name": "database", "ok": True, "code": "", "detail": ""}],
        }

    async def test_says_why_it_is_not(self, client: httpx.AsyncClient, health: FakeHealth) -> None:
        health.loops.append(CheckResult(name="scoring.facts", ok=False, code="loop.stuck"))
        health.checks.append(
            CheckResult(name="database", ok=False, code="database.unavailable", detail="start it")
        )
        assert (await client.get("/livez")).status_code == 503
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["checks"][0]["code"] == "database.unavailable"

    async def test_gives_the_numbers_and_what_is_running(self, client: httpx.AsyncClient) -> None:
        numbers = await client.get("/metrics")
        assert numbers.headers["content-type"].startswith("text/plain; version=")
        assert "leads_build_info{" in numbers.text
        assert (await client.get("/info")).json() == {"service": "test", "version": "0.1.0"}

    async def test_changes_the_log_level_while_it_runs(self, client: httpx.AsyncClient, level: None) -> None:
        assert (await client.put("/log-level", params={"level": "error"})).json() == {"level": "error"}
        assert (await client.get("/log-level")).json() == {"level": "error"}
        refused = await client.put("/log-level", params={"level": "loud"})
        assert (refused.status_code, refused.json()["code"]) == (400, "log.unknown_level")
