"""The fixtures that lie beside each provider: a request, what the vendor hears, what becomes of it.

A fixture is documentation that is run: ``about`` says what it shows, ``origin`` where its shape comes
from. It has a ``request`` with its ``reply``, or an ``item`` that was fetched. ``becomes`` holds one
entry per item: a lead (only what is there is written down), an ``errand``, or the code under which it
is ``refused``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from services.ingest.domain.dialects.hooks import Errand
from services.ingest.domain.identifiers import IdentifierKind
from services.ingest.domain.intake import Intake, Refusal
from shared.contracts.events.raw import RawReceived
from shared.kernel.instants import Instant, format_instant, parse_instant
from tests.unit.ingest.edge.house import KEY, House
from tests.unit.ingest.requests import RECEIVED, ROOT, make_reader

PROVIDERS_FOLDER = ROOT / "services" / "ingest" / "providers"


@dataclass(frozen=True)
class Fixture:
    """One file of one provider."""

    path: Path

    @property
    def folder(self) -> Path:
        return self.path.parent.parent

    @property
    def name(self) -> str:
        return f"{self.folder.name}/{self.path.stem}"

    def read(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self.path.read_bytes())
        return found


def all_fixtures() -> list[Fixture]:
    return [Fixture(path) for path in sorted(PROVIDERS_FOLDER.glob("*/fixtures/*.json"))]


def read_item(fixture: dict[str, Any]) -> dict[str, Any]:
    """Return what becomes of an item that was fetched: its kind and body stand in the fixture."""
    raw = RawReceived(
        source="website",
        channel="hook",
        kind=fixture["item"]["kind"],
        body=body_of(fixture["item"]).decode(),
    )
    return show(make_reader().on_raw_received(raw, record_id="0" * 32, received=received_at(fixture)))


def received_at(fixture: dict[str, Any]) -> Instant:
    return parse_instant(fixture["received"]) if "received" in fixture else RECEIVED


def body_of(request: dict[str, Any]) -> bytes:
    """Return the body: a text as it stands there, anything else as JSON without blanks."""
    body = request.get("body", "")
    return body.encode() if isinstance(body, str) else msgspec.json.encode(body)


async def deliver(house: House, provider: str, fixture: dict[str, Any], body: bytes | None = None) -> Any:
    """Send a fixture's request through the front door and return the answer."""
    house.hook_secrets["website", provider] = fixture.get("secrets", {})
    request = fixture["request"]
    path = f"/hooks/{provider}/{KEY}"
    return await house.client.request(
        request.get("method", "POST"),
        f"{path}?{request['query']}" if request.get("query") else path,
        content=body_of(request) if body is None else body,
        headers=request.get("headers", {}),
    )


def show(reading: Intake | Errand | Refusal) -> dict[str, Any]:
    """Return a reading as fixtures write it down: what is there, and nothing that is not."""
    if isinstance(reading, Refusal):
        return {"refused": reading.code}
    if isinstance(reading, Errand):
        said = {name: value for name, value in msgspec.structs.asdict(reading).items() if value}
        if reading.occurred is not None:
            said["occurred"] = format_instant(reading.occurred)
        return {"errand": said}
    traits = reading.traits
    assert traits is not None
    said = {
        "message_id": reading.message_id,
        "external_id": reading.external.id if reading.external else None,
        "occurred": format_instant(reading.occurred),
        "known_by": [
            one.kind.value
            for one in (*reading.anchors, *reading.anonymous)
            if one.kind is not IdentifierKind.NUMBER_AND_NAME  # follows from the others
        ],
        "contact": traits.contact,
        "attributes": traits.attributes,
        "free_text": traits.free_text,
        "consents": traits.consents,
        "act": {reading.act.name: present(reading.act.fields)} if reading.act else None,
        "acquisition": present(reading.acquisition._asdict()) if reading.acquisition else None,
    }
    return present(said)


def present(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value not in (None, "", [], {})}
