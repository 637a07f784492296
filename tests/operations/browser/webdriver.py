"""Chromium by the WebDriver protocol, spoken over plain HTTP: as much of it as our pages need."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.operations.processes import free_port

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Safari/537.36"
"""What a person's browser calls itself; a headless one counts as a machine."""


class Browser:
    """One window. Elements are named by CSS selectors."""

    def __init__(self, client: httpx.Client, session: str) -> None:
        self._client = client
        self._path = f"/session/{session}"

    def _post(self, command: str, **body: object) -> Any:
        answer = self._client.post(f"{self._path}{command}", json=body)
        if answer.is_error:
            raise AssertionError(answer.json()["value"]["message"].splitlines()[0])
        return answer.json()["value"]

    def _get(self, command: str) -> Any:
        return self._client.get(f"{self._path}{command}").json()["value"]

    def open(self, address: str) -> None:
        self._post("/url", url=address)

    @property
    def address(self) -> str:
        return str(self._get("/url"))

    @property
    def source(self) -> str:
        return str(self._get("/source"))

    def run(self, script: str) -> Any:
        """Run a script of ours; what the page's policy forbids is the page's own."""
        return self._post("/execute/sync", script=script, args=[])

    def _find(self, selector: str) -> str:
        found = self._post("/element", using="css selector", value=selector)
        return str(found[_ELEMENT])

    def type(self, selector: str, text: str) -> None:
        element = self._find(selector)
        self._post(f"/element/{element}/clear")
        self._post(f"/element/{element}/value", text=text)

    def click(self, selector: str) -> None:
        self._post(f"/element/{self._find(selector)}/click")

    def text(self, selector: str) -> str:
        return str(self._get(f"/element/{self._find(selector)}/text"))

    def value(self, selector: str) -> str:
        return str(self._get(f"/element/{self._find(selector)}/property/value"))

    def resize(self, width: int, height: int) -> None:
        self._post("/window/rect", width=width, height=height)

    def take_picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._get("/screenshot")))

    def complaints(self) -> list[str]:
        """Return what the console says since it was asked last: policies that were broken, and the like."""
        said = self._post("/se/log", type="browser")
        return [one["message"] for one in said if "favicon" not in one["message"]]


@contextlib.contextmanager
def open_browser(*, language: str = "en") -> Iterator[Browser]:
    """Start Chromium without a window, and end it with its driver."""
    driver = shutil.which("chromedriver")
    if driver is None:
        raise SystemExit("chromedriver is not here; on Debian: apt install chromium chromium-driver")
    port = free_port()
    process = subprocess.Popen([driver, f"--port={port}", "--silent"], stdout=subprocess.DEVNULL)
    arguments = [
        *("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1100,1500"),
        *(f"--user-agent={AGENT}", f"--lang={language}", f"--accept-lang={language}"),
    ]
    options = {
        "goog:chromeOptions": {"args": arguments},
        "goog:loggingPrefs": {"browser": "ALL"},
    }
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            body = {"capabilities": {"alwaysMatch": {"browserName": "chrome", **options}}}
            session = _begin(client, body)
            try:
                yield Browser(client, session)
            finally:
                client.delete(f"/session/{session}")
    finally:
        process.terminate()
        process.wait(20)


def _begin(client: httpx.Client, body: dict[str, Any]) -> str:
    for _ in range(100):
        try:
            answer = client.post("/session", content=json.dumps(body))
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        if answer.is_error:
            raise SystemExit(answer.json()["value"]["message"].splitlines()[0])
        return str(answer.json()["value"]["sessionId"])
    raise SystemExit("chromedriver does not answer")
