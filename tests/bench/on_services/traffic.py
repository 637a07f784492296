"""A busy morning of a web site: visitors who look around, say who they are, and ask for things.

Everybody keeps to one browser, and the whole lasts less than the day after which a tier may fall, so
that no merge and no cooling clock makes the result depend on how the input was cut into batches. It
lies just behind the present, because the raw topic forgets what is a week old.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from services.ingest.api.messages import open_single
from services.ingest.api.stamping import Arrival, Stamper
from shared.contracts.events.raw import ClientInfo
from shared.kernel.ids import deterministic_id
from shared.kernel.instants import HOUR, SECOND, Instant, format_instant
from shared.log.port import NewRecord
from shared.security.secrets import load_secrets

LASTS: Final = 16 * HOUR
SECRET: Final = "a secret for benchmarks, and for nothing else"
IDENTITY_KEY: Final = load_secrets(Path(), identity_key=SECRET, pepper=SECRET).identity_key.reveal()
EVENTS_PER_VISITOR: Final = 12

_ARRIVES: Final = 8 * HOUR
_PATHS: Final = ("/", "/pricing", "/solutions/crm", "/blog/scoring", "/blog/leads", "/blog/funnels", "/about")
_INDUSTRIES: Final = ("医药", "制造业", "金融")
_TITLES: Final = ("Marketing Director", "VP Sales", "CEO", "Sales Manager")
_REGIONS: Final = ("Shanghai", "Beijing", "Guangdong")
_AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0"
_LIBRARY: Final = {"name": "analytics.js", "version": "npm:next-1.84.3"}


class Call(NamedTuple):
    """One call of an SDK: when, which, and its body."""

    at: Instant
    kind: str
    body: bytes


def make_calls(*, visitors: int, begin: Instant, repeats: float = 0.01, seed: int = 1) -> list[Call]:
    """Return everything that happens from ``begin`` on, in order; a share of it is sent twice."""
    rng = random.Random(seed)
    calls = [call for number in range(visitors) for call in _visit(rng, number, begin)]
    calls += [call._replace(at=call.at + 300 * SECOND) for call in calls if rng.random() < repeats]
    return sorted(calls, key=lambda call: call.at)


def stamp_calls(calls: Sequence[Call]) -> list[NewRecord]:
    """Return the calls as the edge puts them into the raw topic."""
    stamper = Stamper(identity_key=IDENTITY_KEY, new_id=lambda: "0" * 32)
    records = []
    for number, call in enumerate(calls):
        (message,) = open_single(call.body, kind=call.kind).messages
        trace = deterministic_id("trace", str(number))
        arrival = Arrival(
            source="website",
            channel="sdk",
            received=call.at + 2 * SECOND,
            client=ClientInfo(ip="192.0.2.7", user_agent=_AGENT, referrer_origin="https://example.com"),
            traceparent=f"00-{trace}-{trace[:16]}-01",
        )
        records.append(
            stamper.stamp(
                arrival,
                kind=message.kind,
                body=message.body,
                message_id=message.message_id,
                key=message.key,
            )[1]
        )
    return records


def _visit(rng: random.Random, number: int, begin: Instant) -> Iterator[Call]:
    at = begin + rng.randrange(_ARRIVES)
    says_who = rng.random() < 0.5
    for step in range(EVENTS_PER_VISITOR):
        at += rng.randrange(5 * SECOND, 600 * SECOND)
        identity = f"{number}/{step}"
        if says_who and step == EVENTS_PER_VISITOR // 3:
            yield _call(at, "identify", number, identity, traits=_traits(rng, number))
        elif says_who and step > EVENTS_PER_VISITOR // 3 and rng.random() < 0.5:
            event, properties = _act(rng)
            yield _call(at, "track", number, identity, event=event, properties=properties)
        else:
            yield _call(at, "page", number, identity, path=rng.choice(_PATHS))


def _call(at: Instant, kind: str, number: int, identity: str, *, path: str = "/", **more: object) -> Call:
    page = {
        "path": path,
        "referrer": "",
        "search": "",
        "title": "A page",
        "url": f"https://example.com{path}",
    }
    properties = {"properties": page} if kind == "page" else {}
    body = {
        "timestamp": format_instant(at),
        "integrations": {},
        "type": kind,
        **properties,
        **more,
        "context": {"page": page, "userAgent": _AGENT, "locale": "zh-CN", "library": _LIBRARY},
        "messageId": f"ajs-next-{deterministic_id('message', identity)}",
        "anonymousId": deterministic_id("browser", str(number)),
    }
    return Call(at, kind, msgspec.json.encode(body))


def _traits(rng: random.Random, number: int) -> dict[str, object]:
    traits: dict[str, object] = {
        "email": f"visitor.{number}@company-{number % 977}.example",
        "name": f"Visitor {number}",
        "company": f"Company {number % 977}",
        "title": rng.choice(_TITLES),
        "industry": rng.choice(_INDUSTRIES),
        "employees": rng.choice((120, 300, 800)),
        "region": rng.choice(_REGIONS),
    }
    if rng.random() < 0.5:
        traits["phone"] = f"+86138{number:08d}"
    return traits


def _act(rng: random.Random) -> tuple[str, dict[str, object]]:
    number = rng.randrange(5)
    acts: Sequence[tuple[str, dict[str, object]]] = (
        ("Document Downloaded", {"document": f"paper-{number}", "kind": "white_paper"}),
        ("Email Opened", {"message": f"mail-{number}"}),
        ("Email Link Clicked", {"message": f"mail-{number}", "link": "/demo", "purpose": "book_demo"}),
        ("Form Submitted", {"form": "contact", "start_within_months": number}),
        ("Demo Requested", {}),
    )
    return rng.choice(acts)


def make_act(number: int, *, at: str) -> dict[str, object]:
    """Return one track call of visitor ``number``, as analytics.js makes it."""
    event, properties = _act(random.Random(number))
    page = {
        "path": "/pricing",
        "referrer": "",
        "search": "",
        "title": "A page",
        "url": "https://example.com/pricing",
    }
    return {
        "timestamp": at,
        "integrations": {},
        "type": "track",
        "event": event,
        "properties": properties,
        "context": {"page": page, "userAgent": _AGENT, "locale": "zh-CN", "library": _LIBRARY},
        "messageId": f"ajs-next-{deterministic_id('act', str(number))}",
        "anonymousId": deterministic_id("browser", str(number)),
    }
