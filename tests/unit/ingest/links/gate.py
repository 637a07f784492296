"""The way through links in a house of fakes, and a person who follows one step by step."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx
from prometheus_client import CollectorRegistry
from starlette.types import Message as AsgiMessage

from services.ingest.api.admission.limiter import Limiter
from services.ingest.api.edge import Edge
from services.ingest.api.links.redirecting import Redirecting
from services.ingest.api.stamping import Stamper
from services.ingest.api.statuses import STATUSES
from services.ingest.domain.admission.samples import TurnedAway
from services.ingest.domain.admission.token_bucket import Rate
from services.ingest.domain.links.definitions import Link
from services.ingest.metrics import IngestMetrics
from services.ingest.queries.links import LinksUnavailable
from shared.contracts.envelope import decode_envelope, decode_event
from shared.contracts.events.raw import RawReceived
from shared.http.app import build_app
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import Unavailable
from shared.log.port import NewRecord
from tests.unit.ingest.edge.house import FakeBook, FakeKeys
from tests.unit.ingest.requests import IDENTITY_KEY, RECEIVED

LINKS = {
    "spring": Link(
        name="spring",
        target="https://example.com/landing?a=b#top",
        campaign="spring-2026",
        ad="factory",
        utm_source="baidu",
        utm_medium="cpc",
        rep="r-7",
    ),
    "old": Link(name="old", target="https://example.com/old", campaign="2019", retired=1),
}
BROWSER = {"user-agent": "Mozilla/5.0", "accept": "text/html,*/*"}


class SlowSink:
    """Keeps records once it is let, or refuses them."""

    def __init__(self) -> None:
        self.records: list[NewRecord] = []
        self.trouble: Unavailable | None = None
        self.may_keep = asyncio.Event()
        self.may_keep.set()

    async def append(self, records: Sequence[NewRecord], *, is_last_chance: bool = False) -> None:
        assert is_last_chance
        await self.may_keep.wait()
        if self.trouble is not None:
            raise self.trouble
        self.records += records


class Gate:
    """Links with their fakes; the table of links may be away."""

    def __init__(self, *, public_url: str = "", patience: timedelta = timedelta(seconds=60)) -> None:
        self.sink = SlowSink()
        self.registry = CollectorRegistry()
        self.is_away = False
        numbers = itertools.count(1)
        metrics = IngestMetrics(self.registry)

        def new_id() -> str:
            return f"{next(numbers):032x}"

        edge = Edge(
            keys=FakeKeys(),
            sink=self.sink,
            clock=SimulatedClock(RECEIVED),
            stamper=Stamper(identity_key=IDENTITY_KEY, new_id=new_id),
            meter=metrics,
            turned_away=self,
            limiter=Limiter(Rate(1_000, 1_000)),
            book=FakeBook(),
        )
        redirecting = Redirecting(
            edge,
            links=self,
            meter=metrics,
            new_id=lambda: new_id()[::-1],
            click_ids=frozenset({"gclid", "bd_vid"}),
            patience=patience,
            public_url=public_url,
        )
        self.app = build_app(
            title="Ingest",
            service="ingest",
            version="0",
            registry=self.registry,
            clock=SimulatedClock(RECEIVED),
            stopping=asyncio.Event(),
            statuses=STATUSES,
            hot_routes=redirecting.routes(),
        )
        transport = httpx.ASGITransport(self.app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://test", headers=BROWSER)

    async def find(self, name: str) -> Link | None:
        if self.is_away:
            raise LinksUnavailable
        return LINKS.get(name)

    def note(self, request: TurnedAway) -> None:
        raise AssertionError("nobody needs a write key to follow a link")

    @property
    def raws(self) -> list[RawReceived]:
        events = [decode_event(decode_envelope(record.value or b"")) for record in self.sink.records]
        return [event for event in events if isinstance(event, RawReceived)]

    def clicks(self, result: str) -> float:
        return self.registry.get_sample_value("leads_ingest_link_clicks_total", {"result": result}) or 0

    async def follow(self, path: str, sent: asyncio.Queue[AsgiMessage]) -> None:
        """Follow a link as a server would have it done, and put what is answered on a queue."""

        async def receive() -> AsgiMessage:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode(), text.encode()) for name, text in BROWSER.items()],
            "client": ("192.0.2.1", 1),
            "server": ("test", 80),
        }
        await self.app(scope, receive, sent.put)
