"""What recipients reach under /t/: the picture in a mail, its links, and the way out.

Everything is signed. A link leads only where the mail led, and works while the database is away, as the
picture does; who is answered has been kept. A GET never unsubscribes anybody, because machines follow
links; one POST does (RFC 8058), without a question.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from services.nurture.api.pages import asking_page, done_page
from services.nurture.domain.engagements import Engagement, Kind, engagement
from services.nurture.domain.signing import Signed, verify
from shared.http.bodies import BodyLimits, read_body
from shared.http.hot_routes import HotRoute
from shared.http.problems import send_json
from shared.kernel.clock import Clock
from shared.kernel.errors import Rejected
from shared.kernel.redacted import Redacted

PIXEL: Final = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
"""A transparent picture of one dot."""

_PRIVATE: Final[Mapping[str, str]] = {
    "cache-control": "no-store, private",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
}
_PAGE: Final[Mapping[str, str]] = {
    **_PRIVATE,
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
}
_SMALL: Final = BodyLimits(sent=16 * 1024, unpacked=16 * 1024)


class LinkUnknown(Rejected):
    """This link is none of ours, or was changed on the way; open it from the mail itself."""

    code = "nurture.link_unknown"


class Recognises(Protocol):
    """Tells machines from people by their request."""

    def recognise(self, *, method: str, agent: str) -> str:
        """Return why a request is a machine's, empty if it may not be."""
        ...


Keep = Callable[[Engagement], Awaitable[None]]


class Tracking:
    """Answers under /t/. Where ``keep`` raises Unavailable, the answer is 503: nothing was kept."""

    def __init__(self, *, key: Redacted[bytes], keep: Keep, scanners: Recognises, clock: Clock) -> None:
        self._key = key
        self._keep = keep
        self._scanners = scanners
        self._clock = clock

    def routes(self) -> list[HotRoute]:
        """Return the routes."""
        return [
            _route("/t/o/{token}.gif", self.open, ("GET", "HEAD"), _OPEN),
            _route("/t/c/{token}", self.click, ("GET", "HEAD"), _CLICK),
            _route("/t/u/{token}", self.ask, ("GET", "HEAD"), _ASK),
            _route("/t/u/{token}", self.unsubscribe, ("POST",), _UNSUBSCRIBE),
        ]

    async def open(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer with the picture, whoever asks; 503 if the opening could not be kept."""
        signed = verify(self._key.reveal(), "open", scope["path_params"]["token"])
        if signed is not None:
            await self._note(scope, signed, "open")
        await send_json(send, 200, PIXEL, headers=_PRIVATE, media_type="image/gif")

    async def click(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Lead on to where the mail led, and nowhere else; 503 if the click could not be kept."""
        target = _query(scope).get("u", "")
        signed = verify(self._key.reveal(), "click", scope["path_params"]["token"], target=target)
        if signed is None:
            raise LinkUnknown
        await self._note(scope, signed, "click")
        await send_json(send, 302, b"", headers={**_PRIVATE, "location": target}, media_type="text/plain")

    async def ask(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Show the page with the one button."""
        self._unsubscribing(scope)
        await send_json(
            send, 200, asking_page(_language(scope)), headers=_PAGE, media_type="text/html; charset=utf-8"
        )

    async def unsubscribe(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take somebody off for good, at once."""
        signed = self._unsubscribing(scope)
        await read_body(scope, receive, limits=_SMALL)
        await self._note(scope, signed, "unsubscribe")
        await send_json(
            send, 200, done_page(_language(scope)), headers=_PAGE, media_type="text/html; charset=utf-8"
        )

    def _unsubscribing(self, scope: Scope) -> Signed:
        signed = verify(self._key.reveal(), "unsubscribe", scope["path_params"]["token"])
        if signed is None:
            raise LinkUnknown
        return signed

    async def _note(self, scope: Scope, signed: Signed, kind: Kind) -> None:
        machine = ""
        if kind != "unsubscribe":
            machine = self._scanners.recognise(method=scope["method"], agent=_header(scope, b"user-agent"))
        at = self._clock.now()
        await self._keep(engagement(signed.message, kind, at=at, number=signed.number, machine=machine))


def _route(path: str, app: ASGIApp, methods: tuple[str, ...], operation: Mapping[str, Any]) -> HotRoute:
    return HotRoute(path=path, app=app, methods=methods, operation=operation)


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _query(scope: Scope) -> Mapping[str, str]:
    parsed = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return {name: values[-1] for name, values in parsed.items()}


def _language(scope: Scope) -> str:
    """Return the first of our languages that the browser names, Chinese if it names none."""
    for wanted in _header(scope, b"accept-language").lower().split(","):
        spoken = wanted.strip().partition(";")[0].partition("-")[0]
        if spoken in {"zh", "en"}:
            return spoken
    return "zh"


_TOKEN: Final[list[dict[str, Any]]] = [
    {"name": "token", "in": "path", "required": True, "schema": {"type": "string"}}
]
_OPEN: Final[dict[str, Any]] = {
    "summary": "The picture in a mail",
    "tags": ["nurture"],
    "parameters": _TOKEN,
    "responses": {
        "200": {"description": "A picture of one dot", "content": {"image/gif": {}}},
        "503": {"description": "Not kept; try again"},
    },
}
_CLICK: Final[dict[str, Any]] = {
    "summary": "A link in a mail",
    "tags": ["nurture"],
    "parameters": [*_TOKEN, {"name": "u", "in": "query", "required": True, "schema": {"type": "string"}}],
    "responses": {
        "302": {"description": "To where the mail led"},
        "404": {"description": "`nurture.link_unknown`"},
        "503": {"description": "Not kept; try again"},
    },
}
_ASK: Final[dict[str, Any]] = {
    "summary": "The page with the button to unsubscribe",
    "tags": ["nurture"],
    "parameters": _TOKEN,
    "responses": {"200": {"description": "The page"}, "404": {"description": "`nurture.link_unknown`"}},
}
_UNSUBSCRIBE: Final[dict[str, Any]] = {
    "summary": "Unsubscribe with one click (RFC 8058)",
    "tags": ["nurture"],
    "parameters": _TOKEN,
    "responses": {
        "200": {"description": "Kept: no more mail"},
        "404": {"description": "`nurture.link_unknown`"},
        "503": {"description": "Not kept; try again"},
    },
}
