"""``python -m tests.operations.browser [FOLDER]``: links, forms and snippets as a visitor meets them.

Starts a platform in a folder of its own and a customer's website on another port, and goes through
both in Chromium, in Chinese and English: a form filled in wrongly and then rightly, the page without
JavaScript, a snippet in somebody else's page, a tracking link that leads there. Leaves a picture of
each step in FOLDER (default: a temporary one), and exits with 1 if anything is not as it should be.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.operations.browser.webdriver import Browser, open_browser
from tests.operations.processes import CHECKOUT, Running, leadmill

WORDS = {
    "zh": {"title": "申请试用", "fault": "不是有效的号码", "thanks": "申请已收到"},
    "en": {"title": "Request a trial", "fault": "no telephone number", "thanks": "We have your request"},
}


class Tour:
    """One visit to everything; ``pictures`` is where pictures go."""

    def __init__(self, platform: Running, environment: dict[str, str], website: str, pictures: Path) -> None:
        self.platform = platform
        self.environment = environment
        self.website = website
        self.pictures = pictures
        self.key = self.command("key", "add", "website")["key"]
        self.token = self.command("token", "create", "browser", "--role", "admin")["token"]

    def command(self, *arguments: str) -> Any:
        answer = leadmill(*arguments, "--json", environment=self.environment)
        assert answer.code == 0, answer.err
        return answer.document

    def find(self, email: str) -> dict[str, Any]:
        """Return the lead with an address, once it is there."""
        headers = {"authorization": f"Bearer {self.token}"}
        for _ in range(100):
            answer = httpx.get(
                f"{self.platform.address}/v1/leads", params={"email": email}, headers=headers, trust_env=False
            )
            if answer.json()["leads"]:
                (lead,) = answer.json()["leads"]
                return dict(lead)
            time.sleep(0.1)
        raise AssertionError("no lead was found")

    def fill_in_a_hosted_form(self, browser: Browser, language: str) -> None:
        words, email = WORDS[language], f"{language}@example.com"
        query = f"lang={language}&utm_source=baidu&utm_medium=cpc&utm_campaign=spring&landing_page_version=b"
        browser.open(f"{self.platform.address}/f/{self.key}/trial_request?{query}")
        self.see(browser, f"{language}-1-form")
        assert browser.text("h1") == words["title"]
        browser.type("#name", "Ada <b>& 小明")
        browser.type("#phone", "12")
        browser.type("#company_name", "Analytical Ltd")
        browser.type("#title", "CTO")
        browser.run("document.querySelector('#industry').value = 'pharma'")
        browser.click("#consent_email")
        browser.click("button")
        self.see(browser, f"{language}-2-faults")
        assert words["fault"] in browser.text(".faults"), browser.text(".faults")
        assert browser.value("#name") == "Ada <b>& 小明"
        assert browser.value("#industry") == "pharma"
        assert browser.run("return document.querySelector('#consent_email').checked")
        assert browser.run("return document.activeElement.className") == "faults"
        browser.type("#phone", "13800138000" if language == "zh" else "+44 20 7946 0018")
        browser.type("#email", email)
        browser.click("button")
        self.see(browser, f"{language}-3-thanks")
        assert words["thanks"] in browser.text("h1")
        lead = self.find(email)
        assert lead["name"] == "Ada <b>& 小明"
        assert (lead["missing"], lead["attributes"]["industry"]) == ([], "pharma")
        assert lead["consents"]["email"]["text"] == "trial_request@1"

    def follow_a_link_to_a_snippet(self, browser: Browser) -> None:
        made = self.command("form", "snippet", "contact_us", "--key", self.key, "--lang", "en")
        page = self.pictures / "site" / "landing.html"
        page.write_text(f"<!doctype html><meta charset=utf-8><title>Landing</title>{made['html']}", "utf-8")
        target = f"{self.website}/landing.html?own=1#top"
        link = self.command("link", "add", target, "--campaign", "fair", "--medium", "fair", "--rep", "r-7")
        browser.open(f"{self.platform.address}/l/{link['link']}")
        assert browser.address.startswith(f"{self.website}/landing.html?own=1&utm_medium=fair"), (
            browser.address
        )
        assert "lm_click=" in browser.address
        assert browser.address.endswith("#top")
        self.see(browser, "link-1-landing")
        for field, text in {
            "name": "Bo",
            "email": "bo@example.com",
            "company_name": "B",
            "title": "CEO",
        }.items():
            browser.type(f"[name={field}]", text)
        browser.click("button")
        self.see(browser, "link-2-thanks")
        assert browser.address.startswith(f"{self.platform.address}/f/{self.key}/contact_us/thanks")
        assert self.find("bo@example.com")["missing"] == []

    def meet_a_link_that_is_not_there(self, browser: Browser) -> None:
        browser.open(f"{self.platform.address}/l/nothing")
        browser.take_picture(self.pictures / "link-3-unknown.png")
        assert browser.text("h1") == "There is no such link"
        browser.complaints()  # a 404 is one

    def see(self, browser: Browser, name: str) -> None:
        """Take a picture, and hold what the console says against the page."""
        browser.take_picture(self.pictures / f"{name}.png")
        complaints = [one for one in browser.complaints() if "422" not in one]
        assert not complaints, complaints
        print(f"ok: {name}")


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a customer's website."""
    folder.mkdir(exist_ok=True)
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> int:
    """Go through everything."""
    pictures = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="pages-"))
    pictures.mkdir(parents=True, exist_ok=True)
    data = Path(tempfile.mkdtemp(prefix="leadmill-"))
    data.chmod(0o755)  # the database runs under an account of its own where this one is root
    environment = {"LEADMILL_DATA_DIR": str(data), "LEADMILL_CONFIG": str(CHECKOUT / "config")}
    platform = Running(["up"], environment, data / "log.txt")
    environment["LEADMILL_INGEST_PUBLIC_URL"] = platform.address
    try:
        with platform, serve(pictures / "site") as website:
            while platform.probe("/readyz")[0] != 200:
                assert platform.process is not None
                assert platform.process.poll() is None, platform.said()
                time.sleep(0.2)
            tour = Tour(platform, environment, website, pictures)
            with open_browser() as browser:
                for language in WORDS:
                    tour.fill_in_a_hosted_form(browser, language)
                tour.follow_a_link_to_a_snippet(browser)
                tour.meet_a_link_that_is_not_there(browser)
                browser.resize(400, 900)
                browser.open(f"{platform.address}/f/{tour.key}/contact_us?lang=zh")
                tour.see(browser, "zh-4-telephone")
    except AssertionError as error:
        print(f"not as it should be: {error}")
        return 1
    finally:
        shutil.rmtree(data, ignore_errors=True)
    print(f"all as it should be; pictures in {pictures}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
