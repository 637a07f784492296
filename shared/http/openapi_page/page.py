"""Serves the page."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.responses import HTMLResponse

_PAGE: Final = Path(__file__).with_name("page.html")
_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline';"
        " frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
}


async def show_openapi() -> HTMLResponse:
    """Return the page; it asks for ``openapi.json`` beside its own address."""
    return HTMLResponse(_PAGE.read_text("utf-8"), headers=_HEADERS)
