"""Requests that real clients sent, and what tests of ingest are built with."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import msgspec

from services.ingest.domain.dialects.rulebook import Rulebook
from services.ingest.domain.identifiers import identifier_hasher
from services.ingest.handlers.reading import RawReader
from services.ingest.handlers.resolution import IntakeHandler
from services.ingest.providers.roster import hook_readers
from services.ingest.store.documents import read_rulebook
from shared.kernel.instants import parse_instant

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "tests" / "cases" / "clients"
IDENTITY_KEY = b"an identity key of the tests ...."
RECEIVED = parse_instant("2026-11-21T21:00:00Z")
_OF_A_CONNECTION = frozenset({"host", "connection", "content-length", "transfer-encoding"})
RULEBOOK = read_rulebook(ROOT / "config" / "ingest", default_region="CN")


on_intake = IntakeHandler(RULEBOOK.matching, hash_identifier=identifier_hasher(IDENTITY_KEY)).on_intake


@dataclass(frozen=True, kw_only=True)
class ClientRequest:
    """One request as it went over the wire."""

    name: str
    method: str
    path: str
    head: list[tuple[str, str]]
    body: bytes
    text: str

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Return the headers without those that belong to one connection."""
        return [(name, value) for name, value in self.head if name.lower() not in _OF_A_CONNECTION]

    @property
    def is_chunked(self) -> bool:
        return any(name.lower() == "transfer-encoding" for name, _ in self.head)


def read_request(name: str) -> ClientRequest:
    given = msgspec.json.decode((FOLDER / f"{name}.json").read_bytes())
    text = given["body"] or ""
    wire = given.get("body_wire_base64")
    return ClientRequest(
        name=name,
        method=given["method"],
        path=given["path"],
        head=[(key, value) for key, value in given["headers"]],
        body=base64.b64decode(wire) if wire else text.encode(),
        text=text,
    )


def all_requests() -> list[ClientRequest]:
    return [read_request(path.stem) for path in sorted(FOLDER.glob("*.json"))]


def make_reader(rulebook: Rulebook = RULEBOOK) -> RawReader:
    return RawReader(rulebook, hash_identifier=identifier_hasher(IDENTITY_KEY), hooks=hook_readers())
