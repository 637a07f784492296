"""The edge in a house of fakes: keys, a log that keeps what it is given, an authority."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx
import msgspec
from prometheus_client import CollectorRegistry

from services.ingest.api.admission.limiter import Limiter
from services.ingest.api.edge import Edge, sdk_routes
from services.ingest.api.forms.hosting import form_routes
from services.ingest.api.hooks.routes import HOOK_STATUSES, hook_routes
from services.ingest.api.leads import lead_routes
from services.ingest.api.native.routes import native_routes
from services.ingest.api.stamping import Stamper
from services.ingest.api.statuses import STATUSES
from services.ingest.domain.admission.samples import TurnedAway
from services.ingest.domain.admission.token_bucket import Rate
from services.ingest.domain.dialects.hooks import Errand
from services.ingest.domain.dialects.rulebook import Rulebook
from services.ingest.domain.intake import Intake, Refusal
from services.ingest.metrics import IngestMetrics
from services.ingest.providers.roster import PROVIDERS
from services.ingest.queries.leads import ShownLead
from services.ingest.store.idempotency import KeyReused, StillRunning
from shared.contracts.envelope import decode_envelope, decode_event
from shared.contracts.events.raw import RawReceived
from shared.http.app import build_app
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import Unavailable
from shared.kernel.instants import Instant
from shared.kernel.redacted import Redacted
from shared.log.port import NewRecord
from shared.security.credential_cache import CredentialStoreUnavailable
from shared.security.tokens import Principal, Role
from shared.security.write_keys import Entrance
from tests.unit.ingest.requests import (
    IDENTITY_KEY,
    RECEIVED,
    RULEBOOK,
    ClientRequest,
    make_reader,
)

KEY = "WK_test123"
BASIC = "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()
SUCCESS = b'{"success":true}'
EVENT = {"userId": "u", "event": "E"}


LEAD = ShownLead(
    id="lead-1",
    name=None,
    email="a@b.cn",
    phone=None,
    company_name=None,
    attributes={},
    free_text={},
    external_ids=[],
    missing=[],
    consents={},
    reachable=True,
    captured=True,
    created=RECEIVED,
)


class FakeKeys:
    """Knows write keys: two that open everything, one for leads only, and one of the platform's own."""

    def __init__(self) -> None:
        self.is_away = False

    async def entrance_of(self, key: str, *, now: Instant) -> Entrance | None:
        if self.is_away:
            raise CredentialStoreUnavailable
        return {
            KEY: Entrance("website", key_id="k1"),
            "slow_key": Entrance("partner", key_id="k2", rate=2, burst=3),
            "form_abc": Entrance("landing-page"),
            "events-only": Entrance("page", doors=frozenset({"events"})),
            "only_leads": Entrance("partner", doors=frozenset({"leads"})),
            "own": Entrance("nurture", is_internal=True),
        }.get(key)


class FakeBook:
    """Counts in memory what came from whom."""

    def __init__(self) -> None:
        self.used: dict[str, Instant] = {}
        self.messages: Counter[str] = Counter()
        self.refusals: Counter[tuple[str, str]] = Counter()

    def entered(self, entrance: Entrance, *, at: Instant) -> None:
        self.used[entrance.key_id] = at

    def accepted(self, source: str, count: int, *, at: Instant) -> None:
        self.messages[source] += count

    def refused(self, source: str, code: str, *, at: Instant) -> None:
        self.refusals[source, code] += 1


class FakeSink:
    """Keeps records in a list, or refuses them."""

    def __init__(self) -> None:
        self.records: list[NewRecord] = []
        self.trouble: Unavailable | None = None
        self.last_chances: list[bool] = []

    async def append(self, records: Sequence[NewRecord], *, is_last_chance: bool = False) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.records += records
        self.last_chances.append(is_last_chance)


class FakeNames:
    """Remembers named requests in a dict; ``trouble`` is raised by the step that it is kept under."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[str, bytes | None]] = {}
        self.released: list[str] = []
        self.trouble: dict[str, Exception] = {}

    async def claim(self, name: str, *, body: str, now: Instant) -> bytes | None:
        self._stumble("claim")
        known = self.rows.get(name)
        if known is not None and known[0] != body:
            raise KeyReused
        if known is not None and known[1] is None and name not in self.released:
            raise StillRunning(retry_after=7)
        self.rows[name] = (body, None if known is None else known[1])
        return self.rows[name][1]

    async def settle(self, name: str, answer: bytes) -> None:
        self._stumble("settle")
        self.rows[name] = (self.rows[name][0], answer)

    async def release(self, name: str) -> None:
        self.released.append(name)

    def _stumble(self, step: str) -> None:
        if step in self.trouble:
            raise self.trouble[step]


class FakeAuthority:
    """Knows one token per role, named after it."""

    async def principal_of(self, token: str, *, now: Instant) -> Principal | None:
        known: dict[str, Role] = {"reader": "read", "rep": "rep"}
        role = known.get(token)
        return None if role is None else Principal(id=token, name=token, role=role)


class House:
    """The edge with its fakes around it, and a client in front."""

    def __init__(self, now: Instant = RECEIVED, *, rulebook: Rulebook = RULEBOOK) -> None:
        self.reader = make_reader(rulebook)
        self.keys = FakeKeys()
        self.sink = FakeSink()
        self.names = FakeNames()
        self.clock = SimulatedClock(now)
        self.machine_time: Instant = 0
        self.asked: list[dict[str, str | None]] = []
        self.turned_away: list[tuple[bytes, str]] = []
        self.samples: list[TurnedAway] = []
        self.book = FakeBook()
        self.hook_secrets: dict[tuple[str, str], dict[str, str]] = {}
        numbers = itertools.count(1)
        self.registry = CollectorRegistry()
        edge = Edge(
            keys=self.keys,
            sink=self.sink,
            clock=self.clock,
            stamper=Stamper(identity_key=IDENTITY_KEY, new_id=lambda: f"{next(numbers):032x}"),
            meter=IngestMetrics(self.registry),
            turned_away=self,
            limiter=Limiter(Rate(1_000, 1_000), now=lambda: self.machine_time),
            book=self.book,
        )
        app = build_app(
            title="Ingest",
            service="ingest",
            version="0",
            registry=self.registry,
            clock=self.clock,
            stopping=asyncio.Event(),
            statuses={**STATUSES, **HOOK_STATUSES},
            hot_routes=edge.refusals.watch(
                [
                    *sdk_routes(edge),
                    *native_routes(
                        edge,
                        once=self.names,
                        reader=self.reader,
                        remembered=timedelta(hours=72),
                    ),
                    *lead_routes(find_leads=self.find_leads, authority=FakeAuthority(), clock=self.clock),
                    *form_routes(edge, rulebook, origins=frozenset({"https://example.com"}), public_url=""),
                    *hook_routes(
                        edge,
                        providers=PROVIDERS,
                        find_secrets=self.find_secrets,
                        public_url="https://in.example.com",
                    ),
                ]
            ),
        )
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://test")

    def note(self, request: TurnedAway) -> None:
        assert request.received == self.clock.now()
        self.turned_away.append((request.body, request.code))
        self.samples.append(request)

    async def find_secrets(self, source: str, provider: str) -> Redacted[Mapping[str, str]] | None:
        if self.keys.is_away:
            raise CredentialStoreUnavailable
        found = self.hook_secrets.get((source, provider))
        return None if found is None else Redacted(found)

    async def find_leads(self, **asked: str | None) -> Sequence[ShownLead]:
        self.asked.append(asked)
        return [LEAD]

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes | str) else msgspec.json.encode(body)
        given = {"authorization": BASIC, **{name.replace("_", "-"): text for name, text in headers.items()}}
        return await self.client.post(path, content=content, headers=given)

    async def send(self, request: ClientRequest, **headers: str) -> httpx.Response:
        return await self.client.request(
            request.method, request.path, content=request.body, headers=[*request.headers, *headers.items()]
        )

    @property
    def raws(self) -> list[RawReceived]:
        events = [decode_event(decode_envelope(record.value or b"")) for record in self.sink.records]
        return [event for event in events if isinstance(event, RawReceived)]

    @property
    def ids(self) -> list[str]:
        return [decode_envelope(record.value or b"").id for record in self.sink.records]

    def understood(self) -> list[Intake | Errand | Refusal]:
        """Return what the resolver makes of everything that was kept."""
        return [
            self.reader.on_raw_received(raw, record_id=one, received=self.clock.now())
            for raw, one in zip(self.raws, self.ids, strict=True)
        ]
