"""The page for subscribers: what it tells them to copy works on what we send, and its numbers are ours."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from services.scoring.domain.webhooks.signing import KEY_BYTES, secret_of, sign
from services.scoring.queries.telling import event_of, write_event
from shared.kernel.instants import SECOND
from tests.unit.scoring.stories import CONFIG
from tests.unit.scoring.webhooks.examples import RULES, change

PAGES = ["webhooks.md", "webhooks.zh.md"]
OLD, NEW = secret_of(b"o" * KEY_BYTES), secret_of(b"n" * KEY_BYTES)


def now() -> int:
    """What is copied asks the machine's clock, so what is signed here goes by it, too."""
    return int(time.time()) * SECOND


def read(page: str) -> str:
    return (CONFIG.parents[1] / "docs" / page).read_text("utf-8")


@pytest.fixture(params=PAGES)
def is_genuine(request: pytest.FixtureRequest) -> Callable[..., bool]:
    """What a page tells subscribers to copy."""
    (code,) = re.findall(r"```python\n(.*?)```", read(request.param), flags=re.DOTALL)
    there: dict[str, Any] = {}
    exec(code, there)
    found: Callable[..., bool] = there["is_genuine"]
    return found


def test_what_is_copied_from_the_page_takes_what_we_send(is_genuine: Callable[..., bool]) -> None:
    said = change()
    body = write_event(said)
    headers = sign([NEW, OLD], message=event_of(said), at=now(), body=body)
    assert is_genuine(headers, body, OLD)
    assert is_genuine(headers, body, NEW)
    assert not is_genuine(headers, body, secret_of(b"x" * KEY_BYTES))
    assert not is_genuine(headers, body.replace(b"hot", b"cold"), NEW)
    assert not is_genuine({**headers, "webhook-id": "other"}, body, NEW)


def test_what_is_copied_from_the_page_refuses_what_is_too_old(is_genuine: Callable[..., bool]) -> None:
    body = write_event(change())
    old = sign([NEW], message="e1", at=now() - 400 * SECOND, body=body)
    assert not is_genuine(old, body, NEW)


def test_the_example_on_the_page_has_the_fields_that_we_send() -> None:
    (text,) = re.findall(r"```json\n(.*?)```", read("webhooks.md"), flags=re.DOTALL)
    shown, sent = json.loads(text), json.loads(write_event(change()))
    assert list(shown) == list(sent)
    assert list(shown["data"]) == list(sent["data"])


def test_the_page_tells_the_waits_that_ship() -> None:
    words = "5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h"
    assert words in read("webhooks.md")
    unit = {"s": 1, "min": 60, "h": 3_600}
    told = [int(number) * unit[of] for number, of in re.findall(r"(\d+) (s|min|h)\b", words)]
    assert tuple(told) == RULES.wait_seconds
