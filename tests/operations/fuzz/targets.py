"""What is shot at: every public route of the OpenAPI document, and bodies that are nearly right for it."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

_PARAMETER: Final = re.compile(r"\{([^}]+)\}")
_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})
_ALSO: Final = (("POST", "/"), ("GET", "/l/none"), ("POST", "/f/none/none"), ("POST", "/hooks/none/none"))
_PLACES: Final[Mapping[str, Sequence[str]]] = {
    "provider": ("google-ads", "meta", "linkedin", "tiktok", "none"),
    "form_name": ("contact", "none"),
    "form": ("contact", "none"),
    "link": ("spring", "none"),
}

_BODIES: Final[Mapping[str, Sequence[object]]] = {
    "event": (
        {
            "type": "track",
            "event": "Form Submitted",
            "messageId": "m-1",
            "anonymousId": "a-1",
            "userId": "u-1",
            "timestamp": "2026-03-02T10:00:00.000Z",
            "properties": {"form": "demo", "start_within_months": 3},
            "context": {
                "page": {"url": "https://example.com/?gclid=x"},
                "traits": {"email": "a@example.com"},
            },
        },
        {
            "type": "identify",
            "userId": "u-2",
            "traits": {"email": "b@example.com", "phone": "+8613800138000", "company": {"employees": 300}},
        },
        {
            "type": "page",
            "anonymousId": "a-2",
            "properties": {"path": "/pricing", "url": "https://x.example"},
        },
        {"type": "alias", "userId": "u-3", "previousId": "a-3"},
    ),
    "lead": (
        {
            "email": "c@example.com",
            "phone": "13800138000",
            "name": "王小明",
            "external_id": "LD-7",
            "company": "A GmbH",
            "employees": "300-500",
            "landing_url": "https://example.com/?utm_source=x&gclid=y",
        },
    ),
    "report": (
        {"kind": "won", "opportunity": "OP-1", "amount": 288000, "currency": "CNY", "external_id": "LD-7"},
        {
            "day": "2026-03-02",
            "campaign": "spring",
            "channel": "paid_search",
            "kind": "ads",
            "amount": "12.30",
        },
    ),
    "cloudevent": (
        {
            "specversion": "1.0",
            "id": "e-1",
            "source": "/shop",
            "type": "com.example.ordered",
            "time": "2026-03-02T10:00:00Z",
            "datacontenttype": "application/json",
            "data": {"email": "d@example.com"},
        },
    ),
    "hook": (
        {
            "lead_id": "l-1",
            "google_key": "k",
            "is_test": True,
            "user_column_data": [{"column_id": "EMAIL", "string_value": "e@example.com"}],
        },
        {"entry": [{"changes": [{"field": "leadgen", "value": {"leadgen_id": "44", "form_id": "1"}}]}]},
        {
            "ToUserName": "a",
            "Encrypt": "b",
            "event_type": "form_response",
            "payload": {"email": "f@example.com"},
        },
    ),
}


@dataclass(frozen=True, slots=True)
class Target:
    """One route and method, as the document has it."""

    method: str
    path: str

    def address(self, pick: random.Random, *, key: str) -> str:
        """Return the path with its parameters filled in."""

        def place(found: re.Match[str]) -> str:
            name = found.group(1).partition(":")[0]
            if name.endswith("key"):
                return key
            return pick.choice(_PLACES.get(name, ("1", "none")))

        return _PARAMETER.sub(place, self.path)


def find_targets(document: Mapping[str, Any]) -> list[Target]:
    """Return every operation of an OpenAPI document, and addresses that it does not have."""
    found = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
        if method in _METHODS
    }
    return [Target(*one) for one in sorted(found | set(_ALSO))]


def right_body(target: Target, pick: random.Random) -> bytes:
    """Return a body that is nearly right: of the kind that the route takes, mostly."""
    name = _kind_of(target.path)
    if pick.random() < 0.05:
        name = pick.choice(list(_BODIES))
    body = pick.choice(_BODIES[name])
    if isinstance(body, dict) and pick.random() < 0.7:
        body = {**body, "messageId": f"m-{pick.getrandbits(40):x}", "id": f"e-{pick.getrandbits(40):x}"}
    is_batch = any(word in target.path for word in ("batch", "import", "/b")) or pick.random() < 0.1
    if is_batch:
        body = {"batch": [body] * pick.choice((0, 1, 1, 2, 5)), "sentAt": "2026-03-02T10:00:01Z"}
    return msgspec.json.encode(body)


def _kind_of(path: str) -> str:
    for word, name in (
        ("/lead", "lead"),
        ("/outcome", "report"),
        ("/cost", "report"),
        ("/event", "cloudevent"),
        ("/hooks", "hook"),
        ("/f/", "lead"),
    ):
        if word in path:
            return name
    return "cloudevent" if path == "/" else "event"
