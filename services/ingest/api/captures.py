"""Leads that people tell of themselves in HTML forms, and asking for a lead.

A browser that submits a form never tries again, so a form is refused only for a wrong key or a body
beyond all bounds; a person who navigates is led to a page, a script is answered in JSON.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import msgspec
from starlette.types import Receive, Scope, Send

from services.ingest.api.admission.authentication import query_of
from services.ingest.api.edge import Caller, Edge, caller_of
from services.ingest.api.messages import (
    LARGEST_EVENT,
    EventTooLarge,
    Message,
    Parcel,
)
from services.ingest.domain.dialects.captures import IDEMPOTENCY_KEY, Fields, read_fields
from services.ingest.domain.identifiers import IdentifierKind
from shared.http.access import Authority, Forbidden, Unauthenticated
from shared.http.bodies import read_body
from shared.http.hot_routes import HotRoute
from shared.http.problems import send_json
from shared.kernel.clock import Clock
from shared.kernel.errors import Rejected
from shared.kernel.instants import MINUTE

THANKS: Final = "/f/thanks"
"""Where a person is led who submitted a form that names no page of its own."""

_THANKS_PAGE: Final = (
    b'<!doctype html><meta charset="utf-8"><title>Thank you</title>'
    b"<p>Thank you. \xe8\xb0\xa2\xe8\xb0\xa2\xe3\x80\x82</p>"
)
_SAME_SUBMISSION: Final = 10 * MINUTE
_MAY_READ_LEADS: Final = frozenset({"admin", "marketer", "manager", "service", "read"})


class QueryIncomplete(Rejected):
    """Ask by email, by phone, or by source together with external_id."""

    code = "leads.query_incomplete"


class FindLeads(Protocol):
    """Finds leads; ``services.ingest.queries.leads`` does."""

    def __call__(
        self, *, email: str | None, phone: str | None, source: str | None, external_id: str | None
    ) -> Awaitable[Sequence[object]]:
        """Return the leads that match, as they are shown; none if there are none."""
        ...


@dataclass(frozen=True, slots=True)
class Redirects:
    """Origins (``https://www.example.com``) to which a form may lead the person who sent it."""

    origins: frozenset[str] = frozenset()

    def target_of(self, wanted: str | None) -> str:
        """Return the page that was wished for if it may be, else the page that says thank you."""
        if wanted:
            parts = urlsplit(wanted)
            if f"{parts.scheme}://{parts.netloc}" in self.origins:
                return wanted
        return THANKS


def capture_routes(
    edge: Edge, *, find_leads: FindLeads, authority: Authority | None, redirects: Redirects
) -> list[HotRoute]:
    """Return the routes of forms, and that of asking for leads."""

    async def take_form(scope: Scope, receive: Receive, send: Send) -> None:
        caller = caller_of(scope)
        body = await read_body(scope, receive)
        if len(body) > LARGEST_EVENT:
            raise EventTooLarge
        form_key = scope["path_params"]["form_key"]
        entrance = await edge.authenticate(caller, (form_key,), body=body, door="forms")
        enctype = _enctype_of(caller, body)
        fields = read_fields(body, enctype=enctype)
        message = Message(enctype, body, _submission_of(edge, entrance.source, fields), _key_of(fields))
        ids = await edge.take(scope, caller, Parcel([message], ()), entrance=entrance, channel="form")
        if _navigates(caller):
            wanted = next((value for name, value in fields if name == "_redirect"), None)
            await send_json(send, 303, b"", headers={"location": redirects.target_of(wanted)})
        else:
            await send_json(send, 200, msgspec.json.encode({"success": True, "id": ids[0]}))

    return [
        HotRoute(
            path="/v1/leads",
            methods=("GET",),
            app=_lead_search(find_leads, authority, edge.clock),
            operation=_SEARCH_OPERATION,
        ),
        HotRoute(path=THANKS, methods=("GET",), app=_thank),
        HotRoute(path="/f/{form_key}", app=take_form, operation=_FORM_OPERATION),
    ]


def _lead_search(
    find_leads: FindLeads, authority: Authority | None, clock: Clock
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    async def search_leads(scope: Scope, _receive: Receive, send: Send) -> None:
        await _require_reader(scope, authority, clock)
        query = query_of(scope)
        asked = {name: _last(query, name) for name in ("email", "phone", "source", "external_id")}
        if not (asked["email"] or asked["phone"] or (asked["source"] and asked["external_id"])):
            raise QueryIncomplete
        found = await find_leads(**asked)
        await send_json(send, 200, msgspec.json.encode({"leads": found}))

    return search_leads


async def _require_reader(scope: Scope, authority: Authority | None, clock: Clock) -> None:
    header = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    scheme, _, token = header.decode("latin-1").partition(" ")
    if authority is None or scheme.lower() != "bearer":
        raise Unauthenticated
    principal = await authority.principal_of(token.strip(), now=clock.now())
    if principal is None:
        raise Unauthenticated
    if principal.role not in _MAY_READ_LEADS:
        raise Forbidden


def _last(query: Mapping[str, list[str]], name: str) -> str | None:
    values = query.get(name)
    return values[-1].strip() or None if values else None


async def _thank(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send_json(send, 200, _THANKS_PAGE, media_type="text/html; charset=utf-8")


def _enctype_of(caller: Caller, body: bytes) -> str:
    """Return how the body is written; what it looks like counts more than what it is called."""
    start = body.lstrip()[:1]
    if start == b"{":
        return "json"
    called = caller.headers.get(b"content-type", "").partition(";")[0].strip().lower()
    if called == "multipart/form-data" or (body.startswith(b"--") and b"form-data;" in body[:400]):
        return "multipart"
    if called == "text/plain" and (b"\n" in body or b"&" not in body):
        return "text"
    return "urlencoded"


def _navigates(caller: Caller) -> bool:
    if (mode := caller.headers.get(b"sec-fetch-mode")) is not None:
        return mode == "navigate"
    return caller.headers.get(b"accept", "").lstrip().startswith("text/html")


def _submission_of(edge: Edge, source: str, fields: Fields) -> str:
    """Return the message id of a submission: the page's own, or one that a double click repeats."""
    for name, value in fields:
        if name == IDEMPOTENCY_KEY and value:
            return value
    told = "\x1e".join(f"{name}\x1f{value.strip()}" for name, value in fields if value.strip())
    slot = edge.clock.now() // _SAME_SUBMISSION
    submission = f"{source}\x1d{told}"
    digest = edge.stamper.hash_of("form", submission)
    return f"form-{digest}-{slot}"


def _key_of(fields: Fields) -> tuple[IdentifierKind, str] | None:
    given = {name.strip().lower(): value.strip() for name, value in fields if value.strip()}
    for kind, names in (
        (IdentifierKind.ANONYMOUS, ("_anonymous_id",)),
        (IdentifierKind.EMAIL, ("email", "e-mail", "mail")),
        (IdentifierKind.PHONE, ("phone", "mobile", "tel")),
    ):
        for name in names:
            if name in given:
                return kind, given[name].lower() if kind is IdentifierKind.EMAIL else given[name]
    return None


_OBJECT: Final[dict[str, Any]] = {"application/json": {"schema": {"type": "object"}}}
_FORM_OPERATION: Final[dict[str, Any]] = {
    "summary": "An HTML form",
    "tags": ["ingest"],
    "parameters": [{"name": "form_key", "in": "path", "required": True, "schema": {"type": "string"}}],
    "requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}},
    "responses": {
        "200": {"description": "Kept", "content": _OBJECT},
        "303": {"description": "Kept; the person is led on"},
    },
}
_SEARCH_OPERATION: Final[dict[str, Any]] = {
    "summary": "Leads by e-mail, phone, or source and external id",
    "tags": ["ingest"],
    "parameters": [
        {"name": name, "in": "query", "required": False, "schema": {"type": "string"}}
        for name in ("email", "phone", "source", "external_id")
    ],
    "responses": {"200": {"description": "The leads that match", "content": _OBJECT}},
}
