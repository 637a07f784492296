"""How the sources are: as JSON for whoever has a token, and as a page for people.

The page is the same for everybody and holds nothing: it asks for a token, keeps it in the browser's tab,
and fetches the JSON with it. Its content security policy lets it do nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from services.ingest.queries.sources import SourceState
from shared.http.access import require
from shared.kernel.clock import Clock
from shared.kernel.instants import SECOND, to_datetime

_PAGE: Final = Path(__file__).parent / "sources.html"
_INLINE: Final = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)

FindSources = Callable[[], Awaitable[Sequence[SourceState]]]
"""Finds how the sources are; ``services.ingest.queries.sources`` does."""


class SourceOut(BaseModel):
    """One source.

    `accepted` is what the edges kept, a few seconds behind; `processed`, `duplicate`, `dead` and
    `quarantined` by code say what became of it. `refused` counts requests by code. `waiting` lie in
    quarantine now. `to_fetch` are leads that a vendor told by their ids and that are still to be fetched,
    `stuck` those of them that wait for a person. `last_seen_at` is when the newest message came,
    `lag_seconds` how much older the newest is that was resolved.
    """

    source: str
    accepted: int
    processed: int
    duplicate: int
    dead: int
    quarantined: dict[str, int]
    refused: dict[str, int]
    waiting: int
    to_fetch: int
    stuck: int
    test_leads: int
    last_seen_at: datetime | None
    lag_seconds: float


class UnknownOut(BaseModel):
    """What came from nobody that is known: no write key, or none that works."""

    refused: dict[str, int]
    waiting: int


class SourcesOut(BaseModel):
    """Every source by name, and what belongs to none."""

    as_of: datetime
    sources: list[SourceOut]
    unknown: UnknownOut


def build_source_router(find_sources: FindSources, clock: Clock) -> APIRouter:
    """Return the routes that tell how the sources are."""
    router = APIRouter(tags=["ingest"])
    page = _PAGE.read_text(encoding="utf-8")
    policy = _policy_of(page)

    @router.get(
        "/v1/sources",
        dependencies=[require("marketer", "manager", "service", "read")],
        summary="How each source is: what it sent, what became of it, what it was refused",
    )
    async def list_sources() -> SourcesOut:
        """Tell how each source is. Names nobody."""
        states = await find_sources()
        nobody = next((state for state in states if not state.source), SourceState(""))
        return SourcesOut(
            as_of=to_datetime(clock.now()),
            sources=[_shown(state) for state in states if state.source],
            unknown=UnknownOut(refused=dict(nobody.refused), waiting=nobody.waiting),
        )

    @router.get("/sources", response_class=HTMLResponse, summary="The same as a page, in Chinese and English")
    async def show_page() -> HTMLResponse:
        """Show a page that asks for a token and then tells how the sources are."""
        headers = {
            "content-security-policy": policy,
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
        }
        return HTMLResponse(page, headers=headers)

    return router


def _policy_of(page: str) -> str:
    """Return a policy under which this page runs what stands in it, talks to us, and nothing else."""
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for kind, text in _INLINE.findall(page):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        hashes[kind].append(f"'sha256-{digest}'")
    return (
        f"default-src 'none'; script-src {' '.join(hashes['script'])}; style-src {' '.join(hashes['style'])};"
        " connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )


def _shown(state: SourceState) -> SourceOut:
    return SourceOut(
        source=state.source,
        accepted=state.accepted,
        processed=state.processed,
        duplicate=state.duplicate,
        dead=state.dead,
        quarantined=dict(sorted(state.quarantined.items())),
        refused=dict(sorted(state.refused.items())),
        waiting=state.waiting,
        to_fetch=state.to_fetch,
        stuck=state.stuck,
        test_leads=state.test_leads,
        last_seen_at=None if state.seen is None else to_datetime(state.seen),
        lag_seconds=state.lag / SECOND,
    )
