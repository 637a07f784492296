"""Where a link leads, and what it adds to that address; nothing here fetches anything.

A target is checked once, when it is stored, so that a request can lead nobody anywhere else. The id of
a click carries its moment: an address can be sent on to somebody else, and what comes long after the
click is not the browser's that clicked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from shared.kernel.errors import Rejected
from shared.kernel.instants import MILLISECOND, MINUTE, Instant

CLICK: Final = "lm_click"
"""The parameter by which a click's id travels on to the landing page."""

CLICK_COUNTS: Final = 30 * MINUTE
"""As long as this a click's id is taken for that of the browser that clicked (ours)."""

_CLICK_ID: Final = re.compile("[0-9a-f]{32}")
_LONGEST_TARGET: Final = 2_000
_LONGEST_PASSED: Final = 200
_MOST_PARAMETERS: Final = 50
_PLAIN: Final = re.compile(r"[^\s\x00-\x20\x7f\\<>\"`{}|^]+")
_SAFE: Final = "/%:@!$&'()*+,;=~-._?"
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?\.?|\[[0-9a-f:.]+\]")


class TargetRefused(Rejected):
    """A target is a whole address, https://www.example.com/page, without a name and password in it."""

    code = "link.target_refused"


def check_target(text: str) -> str:
    """Return the address as it may stand in a header: ASCII, its query and fragment as they are.

    :raises TargetRefused: if it is no address of the web.
    """
    address = text.strip()
    if len(address) > _LONGEST_TARGET or _PLAIN.fullmatch(address) is None:
        raise TargetRefused(field="target")
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = "" if parts.port is None else f":{parts.port}"
    except (ValueError, UnicodeError):
        raise TargetRefused(field="target") from None
    shown = f"[{host}]" if ":" in host else host
    if (
        parts.scheme not in {"http", "https"}
        or "@" in parts.netloc
        or _HOST.fullmatch(shown) is None
        or not host
    ):
        raise TargetRefused(field="target")
    path, query, fragment = (
        quote(part, safe=_SAFE) for part in (parts.path or "/", parts.query, parts.fragment)
    )
    return urlunsplit((parts.scheme, f"{shown}{port}", path, query, fragment))


def new_click_id(moment: Instant, lot: str) -> str:
    """Return the id of a click: its moment, and ``lot``, hexadecimal digits that were never given before.

    :raises ValueError: if the lot has fewer than 20 digits.
    """
    click = f"{moment // MILLISECOND:012x}{lot[:20]}"
    if _CLICK_ID.fullmatch(click) is None:
        raise ValueError("a click's id is made of its moment and at least 20 hexadecimal digits")
    return click


def click_that_counts(value: object, *, occurred: Instant) -> str | None:
    """Return the id of the click that brought the browser here, or None if it is too old, or none."""
    if not isinstance(value, str) or _CLICK_ID.fullmatch(value) is None:
        return None
    moment = int(value[:12], 16) * MILLISECOND
    return value if abs(occurred - moment) <= CLICK_COUNTS else None


def find_click(address: object) -> str | None:
    """Return the id that an address or a query carries, whatever its age."""
    if not isinstance(address, str) or f"{CLICK}=" not in address:
        return None
    query = address.partition("#")[0].rpartition("?")[2]
    try:
        pairs = parse_qsl(query, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return None
    return next((value for name, value in pairs if name == CLICK), None)


def lead_on(target: str, *, click: str, utm: Mapping[str, str], passed: Mapping[str, str]) -> str:
    """Return the address that a click leads to.

    The target's own query and fragment stay as they are. ``utm`` is added if the target has none of its
    own, ``passed`` where the target says nothing under that name, and last the click's id.
    """
    parts = urlsplit(target)
    own = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    added: dict[str, str] = {}
    if not any(name.startswith("utm_") for name in own):
        added |= {name: value for name, value in utm.items() if value}
    added |= {name: value for name, value in passed.items() if value and name.lower() not in own}
    query = "&".join(filter(None, (_without_click(parts.query), urlencode({**added, CLICK: click}))))
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, parts.fragment))


def _without_click(query: str) -> str:
    return "&".join(part for part in query.split("&") if part.partition("=")[0] != CLICK)


def passed_on(query: Mapping[str, list[str]], names: frozenset[str]) -> dict[str, str]:
    """Return the parameters of a link's own address that travel on: ``names`` and utm_*, the last of each."""
    return {
        name: values[-1]
        for name, values in query.items()
        if (name.lower() in names or name.lower() in UTM)
        and values
        and 0 < len(values[-1]) <= _LONGEST_PASSED
    }


UTM: Final = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
"""The parameters that tell a landing page what brought somebody."""
