"""The outside of a platform: a website whose visitors are told about, and the questions one may ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from opentelemetry.sdk.trace.export import SpanExporter

from leadmill.audit.reading import read_topic
from leadmill.platform.access import Access, open_access
from leadmill.platform.deployed import Deployment
from leadmill.platform.ground import open_ground
from leadmill.platform.settings import load_platform_settings
from leadmill.platform.simulation import Platform
from services.analytics import bootstrap as analytics
from services.ingest import bootstrap as ingest
from services.nurture import bootstrap as nurture
from services.routing import bootstrap as routing
from services.scoring import bootstrap as scoring
from shared.kernel.clock import SimulatedClock
from shared.kernel.instants import DAY, Instant, format_instant, parse_instant
from shared.log.port import Record

BEGIN = parse_instant("2032-03-01T01:00:00Z")
"""A Monday that lies ahead: Kafka removes by the machine's clock what is older than a topic keeps."""

SCHEMAS: Mapping[str, Path] = {
    "ingest": ingest.MIGRATIONS,
    "scoring": scoring.MIGRATIONS,
    "routing": routing.MIGRATIONS,
    "nurture": nurture.MIGRATIONS,
    "analytics": analytics.MIGRATIONS,
}
"""The tables of all services, for databases that have them already."""

_SENT_AGAIN = 20


class Site:
    """Sends what clients send, asks what programs ask; time moves only when told."""

    def __init__(self, platform: Platform, access: Access, *, keys: dict[str, str], token: str) -> None:
        self.platform = platform
        self.deployment = Deployment(
            ground=platform.ground,
            resources=platform.resources,
            blueprints=platform.blueprints,
            access=access,
        )
        self.keys = keys
        self.numbers = 0
        self.clients = httpx.AsyncClient(base_url=platform.address, trust_env=False, timeout=30)
        self.api = httpx.AsyncClient(
            base_url=platform.address,
            trust_env=False,
            timeout=30,
            headers={"authorization": f"Bearer {token}"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.clients.aclose()
        await self.api.aclose()

    @property
    def now(self) -> Instant:
        return self.platform.clock.now()

    async def pass_time(self, *, days: float) -> None:
        """Let everything take effect, then let time pass; every timer rings on the way."""
        await self.platform.advance_to(self.now + round(days * DAY))

    async def records(self, topic: str) -> list[Record]:
        """Everything that lies on a topic, once everything has taken effect."""
        await self.platform.drained()
        return [record async for some in read_topic(self.platform.ground.log, topic) for record in some]

    async def call(
        self, kind: str, *, source: str = "website", traceparent: str = "", **message: Any
    ) -> None:
        """Send one call of the SDK protocol, below a span of the client's if there is one."""
        self.numbers += 1
        message = {
            "type": kind,
            "messageId": f"message-{self.numbers}",
            "timestamp": format_instant(self.now),
            **message,
        }
        await self.batch(message, source=source, traceparent=traceparent)

    async def batch(self, *messages: dict[str, Any], source: str = "website", traceparent: str = "") -> None:
        """Send calls as one batch."""
        body = {"batch": list(messages), "writeKey": self.keys[source], "sentAt": format_instant(self.now)}
        headers = {"traceparent": traceparent} if traceparent else {}
        answer = await self.clients.post("/v1/batch", json=body, headers=headers)
        for _ in range(_SENT_AGAIN):
            if answer.status_code != 503:
                break
            await asyncio.sleep(0.5)  # as every SDK does, with the same message ids
            answer = await self.clients.post("/v1/batch", json=body, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"success": True})

    async def page(self, path: str, **who: str) -> None:
        await self.call("page", properties={"path": path}, **who)

    async def track(self, event: str, properties: dict[str, Any] | None = None, **who: str) -> None:
        await self.call("track", event=event, properties=properties or {}, **who)

    async def submit(self, source: str = "website", **fields: str) -> None:
        """Submit an HTML form."""
        answer = await self.clients.post(f"/f/{self.keys[source]}", data=fields)
        assert answer.status_code == 200

    async def capture(self, source: str = "fair", **lead: Any) -> None:
        """Report a lead over the native API."""
        answer = await self.clients.post("/v1/leads", json=lead, headers={"x-write-key": self.keys[source]})
        assert answer.status_code == 200

    async def find(self, **query: str) -> list[dict[str, Any]]:
        """Find leads, once everything has taken effect."""
        await self.platform.drained()
        answer = await self.api.get("/v1/leads", params=query)
        assert answer.status_code == 200
        leads: list[dict[str, Any]] = answer.json()["leads"]
        return leads

    async def lead_of(self, **query: str) -> str:
        """Return the id of the one lead that matches."""
        (lead,) = await self.find(**query)
        found: str = lead["id"]
        return found

    async def why(self, lead: str, model: str, **query: str) -> dict[str, Any]:
        """Return a model's score of a lead with its lines, once everything has taken effect."""
        await self.platform.drained()
        answer = await self.api.get(f"/scoring/v1/leads/{lead}/why", params={"model": model, **query})
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        assert sum(round(line["points"] * 1000) for line in document["lines"]) == round(
            document["points"] * 1000
        )
        return document

    async def told(self, lead: str, model: str) -> list[tuple[str, str]]:
        """Return the tier changes that were told of a lead: direction and the tier it came to."""
        return [(change["direction"], change["to_tier"]) for change in await self.changes(lead, model)]

    async def changes(self, lead: str, model: str) -> list[dict[str, Any]]:
        """Return the tier changes that were told of a lead, in order."""
        await self.platform.drained()
        answer = await self.api.get(f"/scoring/v1/leads/{lead}/history", params={"model": model})
        assert answer.status_code == 200
        return [change for change in answer.json()["told"] if change["model"] == model]


@asynccontextmanager
async def open_site(
    database_url: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    *,
    exporter: SpanExporter | None = None,
) -> AsyncIterator[Site]:
    """Open a platform on a fresh database, and a site with write keys and a token."""
    environment = environment_of(database_url, folder, environment)
    settings = load_platform_settings(environment=environment)
    async with (
        open_ground(settings) as ground,
        Platform(ground, clock=SimulatedClock(BEGIN), exporter=exporter, environment=environment) as platform,
    ):
        access = await open_access(platform.blueprints, platform.resources)
        try:
            keys = {source: await access.add_key(source) for source in ("website", "fair")}
            token = await access.add_token("journey", role="admin")
            async with Site(platform, access, keys=keys, token=token) as site:
                yield site
        finally:
            await access.close()


def environment_of(database_url: str, folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The settings of a site, for commands that are to work beside it."""
    return {
        "LEADMILL_POSTGRES": database_url,
        "LEADMILL_DATA_DIR": str(folder),
        "LEADMILL_PARTITIONS": "4",
        **(more or {}),
    }
