"""The first five minutes of the README, and the page of the front door, run as they stand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from tests.operations.front.pages import DOCS, README, blocks_of, run_blocks
from tests.operations.processes import Answer, Running, leadmill

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(40)]

ENGLISH, CHINESE = DOCS / "front-door.md", DOCS / "front-door.zh.md"
PERSON = {
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "company_name": "Analytical Ltd",
    "title": "CTO",
    "consent_email": "yes",
}


class _Form(HTMLParser):
    """Reads the one form of a page: where it goes, and what it sends if nobody touches it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.action = given["action"] or ""
        elif tag in {"input", "textarea"} and given.get("type") != "checkbox":
            self.fields[given["name"] or ""] = given.get("value") or ""


@pytest.fixture
def environment(data: Path) -> dict[str, str]:
    return {"LEADMILL_DATA_DIR": str(data / "leadmill"), "LEADMILL_LOG_LEVEL": "warning"}


@pytest.fixture
def platform(environment: dict[str, str], tmp_path: Path) -> Iterator[Running]:
    with Running(["up"], environment, tmp_path / "log", is_warm=True) as running:
        running.until("/readyz", status=200)
        yield running
        assert running.terminate() == 0


def sources(environment: dict[str, str]) -> Answer:
    return leadmill("sources", "--json", environment=environment)


def test_the_pages_in_both_languages_give_the_same_commands() -> None:
    assert blocks_of(ENGLISH) == blocks_of(CHINESE)


@pytest.mark.thorough
def test_a_form_a_snippet_and_a_test_lead_arrive_in_the_first_minutes(
    platform: Running, environment: dict[str, str], tmp_path: Path
) -> None:
    prepare, *rest = blocks_of(README)
    told = 'printf "%s\\n%s\\n" "$KEY" "$HOOK"'
    done = run_blocks([prepare, told], port=platform.port, environment=environment, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    key, hook = done.stdout.split()

    form = _Form((tmp_path / "contact.html").read_text())
    page = {"origin": platform.address, "sec-fetch-mode": "navigate", "accept": "text/html"}
    page["content-type"] = "application/x-www-form-urlencoded"
    sent = httpx.post(form.action, content=urlencode(form.fields | PERSON), headers=page, trust_env=False)
    assert sent.status_code == 303, sent.text
    thanks = httpx.get(httpx.URL(form.action).join(sent.headers["location"]), trust_env=False)
    assert "Thank you" in thanks.text

    (snippet,) = blocks_of(README, "html")
    assert re.findall(r'"(\w*)"\n  analytics\._cdn = "http://(\S+)"', snippet) == [("KEY", "localhost:8080")]
    assert re.findall(r'apiHost: "(\S+)", protocol: "(\w+)"', snippet) == [("localhost:8080/v1", "http")]
    answer = httpx.get(f"{platform.address}/v1/projects/{key}/settings", trust_env=False)
    assert answer.json()["integrations"]["Segment.io"]["apiKey"] == key
    visit = {"anonymousId": "a", "writeKey": key, "properties": {"path": "/pricing"}}
    headers = {"content-type": "text/plain", "origin": "http://localhost"}
    answer = httpx.post(
        f"{platform.address}/v1/p", content=json.dumps(visit), headers=headers, trust_env=False
    )
    assert answer.json() == {"success": True}

    test_lead, look = rest
    done = run_blocks(
        [f"HOOK={hook}", test_lead], port=platform.port, environment=environment, folder=tmp_path
    )
    assert (done.returncode, done.stdout.strip()) == (0, "{}"), done.stderr
    platform.await_until(lambda: _resolved(environment) == {"website": 2, "ads": 1}, seconds=120)
    done = run_blocks([look], port=platform.port, environment=environment, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "intake.test_lead" in done.stdout
    found = {one["source"]: one for one in sources(environment).document["sources"]}
    assert (found["website"]["processed"], found["website"]["quarantined"]) == (2, {})
    assert (found["ads"]["processed"], found["ads"]["test_leads"]) == (0, 1)


@pytest.mark.thorough
def test_every_command_on_the_page_does_what_the_page_says(
    platform: Running, environment: dict[str, str], tmp_path: Path
) -> None:
    done = run_blocks(blocks_of(ENGLISH), port=platform.port, environment=environment, folder=tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout[-3000:]
    assert done.stdout.count('"success":true') == 4
    assert "write_key.invalid" in done.stdout
    assert f"127.0.0.1:{platform.port}/l/" in done.stdout
    platform.await_until(lambda: sum(_resolved(environment).values()) == 4, seconds=120)
    assert leadmill("audit", environment=environment).code == 0


def _resolved(environment: dict[str, str]) -> dict[str, int]:
    """Return how many messages of each source were worked off, or put aside."""
    found = sources(environment).document["sources"]
    return {one["source"]: one["processed"] + sum(one["quarantined"].values()) for one in found}
