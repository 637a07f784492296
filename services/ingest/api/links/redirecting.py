"""The way through a tracking link: the click is written down, and the person led on whatever happens.

Where a link leads stands in memory. The click is given a moment to be kept, and no more: then the
person goes on, and it is kept behind them, by the log or the spill. One that neither takes is counted.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, Literal, Protocol

import msgspec
from starlette.types import Receive, Scope, Send

from services.ingest.api.edge import Caller, Edge, caller_of
from services.ingest.api.links.pages import HTML, LANGUAGES, PAGE_HEADERS, language_of, link_page, reads_pages
from services.ingest.api.messages import Message, Parcel
from services.ingest.domain.dialects.clicks import ClickRecord
from services.ingest.domain.identifiers import IdentifierKind
from services.ingest.domain.links.addresses import UTM, lead_on, new_click_id, passed_on
from services.ingest.domain.links.definitions import Link, LinkUnknown
from services.ingest.queries.links import LinksUnavailable
from shared.http.hot_routes import HotRoute
from shared.http.problems import send_json
from shared.kernel.errors import Unavailable
from shared.security.write_keys import Entrance

_ONWARD: Final = {
    "cache-control": "no-store, private",
    "referrer-policy": "strict-origin-when-cross-origin",
    "x-robots-tag": "noindex, nofollow",
}
_SCALE: Final = 10


class FindsLinks(Protocol):
    """Knows links by name; ``services.ingest.queries.links.LinkTable`` does."""

    async def find(self, name: str) -> Link | None:
        """Return a link, None if there is none.

        :raises LinksUnavailable: if it cannot be told now.
        """
        ...


class ClickMeter(Protocol):
    """Counts clicks; never blocks, never raises."""

    def clicked(self, *, is_kept: bool) -> None:
        """Count a click that was kept, or could not be."""
        ...


class Redirecting:
    """Answers under /l/.

    ``click_ids`` are the parameters of ad platforms that travel on; ``patience`` is how long a person
    waits for the click to be kept; ``public_url`` is where people reach us, the request's own address
    if it is empty.
    """

    def __init__(
        self,
        edge: Edge,
        *,
        links: FindsLinks,
        meter: ClickMeter,
        new_id: Callable[[], str],
        click_ids: frozenset[str],
        patience: timedelta,
        public_url: str,
    ) -> None:
        self._edge = edge
        self._links = links
        self._meter = meter
        self._new_id = new_id
        self._click_ids = click_ids
        self._patience = patience.total_seconds()
        self._public_url = public_url

    def routes(self) -> list[HotRoute]:
        """Return the routes."""
        read = ("GET", "HEAD")
        return [
            HotRoute(path="/l/{link}", methods=read, app=self.follow, operation=_FOLLOW),
            HotRoute(path="/l/{link}/qr.svg", methods=read, app=self._drawing("svg"), operation=_QR),
            HotRoute(path="/l/{link}/qr.png", methods=read, app=self._drawing("png"), operation=_QR),
        ]

    async def follow(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Lead on to the link's target, and write the click down.

        A link that there is not is told of on a page, or as a problem to whoever wants no pages.
        """
        caller = caller_of(scope)
        try:
            link = await self._find(scope)
        except (LinkUnknown, LinksUnavailable) as verdict:
            await _tell(send, caller, verdict)
            return
        passed = passed_on(caller.query, self._click_ids)
        utm = {name: text for name, text in passed.items() if name in UTM}
        utm |= {name: text for name, text in link.utm.items() if text}
        click_ids = {name: text for name, text in passed.items() if name.lower() in self._click_ids}
        click = new_click_id(self._edge.clock.now(), self._new_id())
        target = lead_on(link.target, click=click, utm=utm, passed=click_ids)
        record = _record_of(link, click, utm, click_ids, scope["method"], caller)
        async with asyncio.TaskGroup() as behind:
            keeping = behind.create_task(self._keep(scope, caller, link, record))
            await asyncio.wait({keeping}, timeout=self._patience)
            await send_json(send, 302, b"", headers={**_ONWARD, "location": target}, media_type="text/plain")

    async def _find(self, scope: Scope) -> Link:
        link = await self._links.find(scope["path_params"]["link"].lower())
        if link is None:
            raise LinkUnknown
        return link

    async def _keep(self, scope: Scope, caller: Caller, link: Link, record: ClickRecord) -> None:
        message = Message(
            "click", msgspec.json.encode(record), record.click, (IdentifierKind.CLICK, record.click)
        )
        is_kept = False
        try:
            await self._edge.take(
                scope, caller, Parcel([message], ()), entrance=Entrance(link.source), channel="link"
            )
            is_kept = True
        except Unavailable:
            return  # the person goes on all the same
        finally:
            self._meter.clicked(is_kept=is_kept)

    def _drawing(self, kind: Literal["svg", "png"]) -> Callable[[Scope, Receive, Send], Any]:
        async def draw(scope: Scope, _receive: Receive, send: Send) -> None:
            link = await self._find(scope)
            address = f"{self._public_url or origin_of(scope)}/l/{link.name}"
            picture = draw_code(address, kind=kind)
            headers = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}
            await send_json(send, 200, picture, headers=headers, media_type=_MEDIA_TYPES[kind])

        return draw


def draw_code(address: str, *, kind: Literal["svg", "png"]) -> bytes:
    """Return an address as a QR code that is read even where a sixth of it is damaged."""
    import segno  # seldom drawn, and no part of leading people on

    picture = io.BytesIO()
    segno.make_qr(address, error="m").save(picture, kind=kind, scale=_SCALE)
    return picture.getvalue()


def origin_of(scope: Scope) -> str:
    """Return where a request reached us, for example https://go.example.com."""
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    return f"{scope.get('scheme', 'http')}://{host}"


def _record_of(
    link: Link, click: str, utm: dict[str, str], passed: dict[str, str], method: str, caller: Caller
) -> ClickRecord:
    return ClickRecord(
        click=click,
        link=link.name,
        campaign=utm.get("utm_campaign", ""),
        ad=utm.get("utm_content", ""),
        keyword=utm.get("utm_term", ""),
        utm_source=utm.get("utm_source", ""),
        utm_medium=utm.get("utm_medium", ""),
        rep=link.rep,
        is_retired=link.retired is not None,
        passed=passed,
        method=method,
        purpose=caller.headers.get(b"sec-purpose", caller.headers.get(b"purpose", ""))[:100],
    )


async def _tell(send: Send, caller: Caller, verdict: LinkUnknown | LinksUnavailable) -> None:
    if not reads_pages(caller.headers.get(b"accept", "")):
        raise verdict
    language = language_of(caller.headers.get(b"accept-language", ""), spoken=LANGUAGES)
    kind, status = ("unknown", 404) if isinstance(verdict, LinkUnknown) else ("unavailable", 503)
    headers = dict(PAGE_HEADERS) if status == 404 else {**PAGE_HEADERS, "retry-after": "2"}
    await send_json(send, status, link_page(kind, language), headers=headers, media_type=HTML)


_MEDIA_TYPES: Final = {"svg": "image/svg+xml", "png": "image/png"}
_NAME: Final[list[dict[str, Any]]] = [
    {"name": "link", "in": "path", "required": True, "schema": {"type": "string"}}
]
_FOLLOW: Final[dict[str, Any]] = {
    "summary": "Follow a tracking link",
    "tags": ["links"],
    "parameters": _NAME,
    "responses": {
        "302": {"description": "To the link's target, with lm_click and the campaign added"},
        "404": {"description": "`link.unknown`, as a page for who wants one"},
        "503": {"description": "`link.unavailable`: not known here, and nobody to ask"},
    },
}
_QR: Final[dict[str, Any]] = {
    "summary": "A tracking link as a QR code",
    "tags": ["links"],
    "parameters": _NAME,
    "responses": {
        "200": {"description": "The picture", "content": {"image/svg+xml": {}, "image/png": {}}},
        "404": {"description": "`link.unknown`"},
    },
}
