"""The small pages of a link that leads nowhere, and what a browser wants to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeVar

LANGUAGES: Final[tuple[Literal["zh", "en"], ...]] = ("zh", "en")
"""Languages that our own pages speak."""

L = TypeVar("L", bound=str)

PAGE_HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
}
"""Headers of a page that holds no script and leads nowhere."""

HTML: Final = "text/html; charset=utf-8"

_FRAME: Final = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>body{{font-family:system-ui,sans-serif;max-width:34em;margin:12vh auto;padding:0 1.2em;
line-height:1.6;color:#1f2430;background:#fff}}h1{{font-size:1.5em}}</style></head>
<body><main><h1>{title}</h1><p>{text}</p></main></body></html>
"""
_TEXTS: Final = {
    "unknown": {
        "zh": ("链接不存在", "此链接不存在，可能输入有误。请核对地址，或向发送者索取新的链接。"),
        "en": (
            "There is no such link",
            "It may have been mistyped. Check the address, or ask whoever sent it to you for a new one.",
        ),
    },
    "unavailable": {
        "zh": ("暂时无法打开", "我们暂时查不到此链接，请稍后再试。"),
        "en": ("Not right now", "We cannot look this link up at the moment. Please try again shortly."),
    },
}


def link_page(kind: str, language: str) -> bytes:
    """Return the page of a link that is ``unknown`` or ``unavailable``, in zh or en."""
    title, text = _TEXTS[kind][language]
    return _FRAME.format(language=language, title=title, text=text).encode()


def language_of(accepted: str, *, spoken: Sequence[L]) -> L:
    """Return the first language that an Accept-Language header names and a page speaks, else its first."""
    for wanted in accepted.lower().split(","):
        language = wanted.strip().partition(";")[0].partition("-")[0]
        found = next((one for one in spoken if one == language), None)
        if found is not None:
            return found
    return spoken[0]


def reads_pages(accepted: str) -> bool:
    """Return whether a client wants to see pages, by its Accept header."""
    return "text/html" in accepted
