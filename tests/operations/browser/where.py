"""``python -m tests.operations.browser.where [FOLDER]``: a marketing manager asks where a lead is.

In Chromium. Starts a platform in a folder of its own, lets people submit a form in the ways in which that
goes well and wrong, and asks the page ``/sources`` about each, in Chinese and English, as somebody would who
knows when it was and little else. Leaves a picture of each answer in FOLDER (default: a temporary one), and
exits with 1 if anything is not as it should be.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.operations.browser.webdriver import AGENT, Browser, open_browser
from tests.operations.processes import CHECKOUT, Running, leadmill

_PATIENCE = 60.0
"""Seconds after which a page that does not say what it should is taken to be wrong."""

_FITS = "return document.documentElement.scrollWidth <= window.innerWidth"

WORDS: dict[str, dict[str, str]] = {
    "zh": {
        "title": "来源",
        "wrong token": "令牌无效",
        "taken in": "已接收，新建了线索",
        "tier": "分",
        "owner": "负责人：",
        "nobody": "该时段没有收到相符的内容",
        "mistake": "页面已提示访客有内容缺失或有误",
        "wrong key": "密钥不存在或已停用",
        "machine": "因此被视为机器提交",
        "nameless": "没有邮箱、电话或其他标识",
        "forgotten": "要求删除其信息",
        "other": "It was taken in and opened lead",
    },
    "en": {
        "title": "Sources",
        "wrong token": "does not work",
        "taken in": "It was taken in and opened lead",
        "tier": "points",
        "owner": "Owner: ",
        "nobody": "Nothing that fits reached us in this time",
        "mistake": "The visitor was told that something was missing",
        "wrong key": "a key that does not exist or was revoked",
        "machine": "it was taken for a machine's",
        "nameless": "Nothing in it tells whose it is",
        "forgotten": "asked to be forgotten",
        "other": "已接收，新建了线索",
    },
}


class Morning:
    """What came in this morning, and who asks about it."""

    def __init__(self, platform: Running, environment: dict[str, str], pictures: Path) -> None:
        self.platform = platform
        self.environment = environment
        self.pictures = pictures
        self.key = self.command("key", "add", "website")["key"]
        self.token = self.command("token", "create", "asks", "--role", "manager")["token"]
        self.admin = self.command("token", "create", "boss", "--role", "admin")["token"]

    def command(self, *arguments: str) -> Any:
        answer = leadmill(*arguments, "--json", environment=self.environment)
        assert answer.code == 0, answer.err
        return answer.document

    def submit(self, form: str = "contact_us", *, key: str = "", **fields: str) -> int:
        """Submit a form as a person's browser does; return the status."""
        answer = httpx.post(
            f"{self.platform.address}/f/{key or self.key}/{form}".rstrip("/"),
            data=fields,
            headers={"user-agent": AGENT},
            trust_env=False,
        )
        return answer.status_code

    def let_people_come(self) -> None:
        """One is hot and has an owner, one left a field out, one met a wrong key, a robot, one is erased."""
        person = {"name": "Ada", "company_name": "Analytical Ltd", "title": "Director"}
        fits = {"industry": "manufacturing", "employees": "650", "start_within_months": "1"}
        assert self.submit(email="ada@acme.example", phone="13800138000", **person, **fits) < 400
        self.call("Demo Requested", email="ada@acme.example")
        self.call("Document Downloaded", email="ada@acme.example", kind="white_paper", document="w")
        assert self.submit(email="bob@acme.example", name="Bob") == 422
        assert self.submit(key="WK_mistyped", email="cat@acme.example", **person) == 401
        self.submit(email="dan@acme.example", website="http://spam.example", **person)
        self.submit("", message="call me")
        assert self.submit(email="eve@acme.example", **person) < 400
        self.wait_for_lead("eve@acme.example")
        self.ask("POST", "/v1/erasures", token=self.admin, json={"email": "eve@acme.example"})
        assert self.submit(email="eve@acme.example", **person) < 400
        self.wait_for_owner(self.wait_for_lead("ada@acme.example"))

    def call(self, event: str, *, email: str, **properties: str) -> None:
        body = {"type": "track", "event": event, "email": email, "properties": properties}
        answer = httpx.post(
            f"{self.platform.address}/v1/events",
            json=body | {"messageId": f"{event}-{email}"},
            headers={"x-write-key": self.key, "user-agent": AGENT},
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text

    def ask(self, method: str, path: str, *, token: str = "", **given: Any) -> Any:
        headers = {"authorization": f"Bearer {token or self.token}"}
        answer = httpx.request(
            method, f"{self.platform.address}{path}", headers=headers, trust_env=False, **given
        )
        assert answer.status_code < 300, answer.text
        return answer.json()

    def wait_for_lead(self, email: str) -> str:
        found = until(lambda: self.ask("GET", "/v1/leads", params={"email": email})["leads"], "no lead")
        return str(found[0]["id"])

    def wait_for_owner(self, lead: str) -> None:
        until(lambda: self._owner_of(lead), "nobody owns the lead")

    def _owner_of(self, lead: str) -> Any:
        headers = {"authorization": f"Bearer {self.token}"}
        answer = httpx.get(
            f"{self.platform.address}/routing/v1/leads/{lead}", headers=headers, trust_env=False
        )
        return answer.status_code == 200 and answer.json()["owner"]


def until(look: Callable[[], Any], otherwise: str) -> Any:
    """Return what a look gives once it gives something."""
    end = time.monotonic() + _PATIENCE
    while not (found := look()):
        assert time.monotonic() < end, otherwise
        time.sleep(0.2)
    return found


class Manager:
    """Somebody at a browser, in one language."""

    def __init__(self, browser: Browser, morning: Morning, language: str) -> None:
        self.browser, self.morning, self.language = browser, morning, language
        self.words = WORDS[language]

    def come(self) -> None:
        """Open the page, speak the language, be refused with a wrong token, and let in with a right one."""
        browser, words = self.browser, self.words
        browser.open(f"{self.morning.platform.address}/sources")
        if browser.run("return document.documentElement.lang") != self.language:
            browser.click("#language")
        assert browser.text("h1") == words["title"], browser.text("h1")
        browser.type("#token", "not-a-token")
        browser.click("#door button")
        until(lambda: words["wrong token"] in browser.text("#trouble"), "a wrong token is not told")
        browser.complaints()  # a 401 is one
        browser.type("#token", self.morning.token)
        browser.click("#door button")
        until(lambda: browser.run("return !document.querySelector('#found').hidden"), "no table")
        until(lambda: "website" in browser.text("#rows"), "the source is not listed")
        self.see("1-table")

    def look_for(self, name: str, *expected: str, at: float | None = None, **known: str) -> str:
        """Ask where something is, and return what the page says once all that is expected stands there."""
        browser = self.browser
        moment = time.strftime("%Y-%m-%dT%H:%M", time.localtime(at or time.time()))
        browser.run(f"document.querySelector('#when').value = '{moment}'")
        for field in ("email", "phone", "form-name", "source-name"):
            browser.run(f"document.querySelector('#{field}').value = ''")
        for field, text in known.items():
            browser.type(f"#{field.replace('_', '-')}", text)
        browser.click("#search button")

        def said() -> str:
            return browser.text("#answer") + "\n" + browser.text("#arrivals")

        try:
            until(lambda: all(one in said() for one in expected), "")
        except AssertionError:
            wrong = f"{self.language}, {name}: {expected} does not stand in {said()!r}"
            raise AssertionError(wrong) from None
        self.see(name)
        return said()

    def change_language(self) -> None:
        """Read the same answer in the other language, and come back."""
        self.browser.click("#language")
        until(lambda: self.words["other"] in self.browser.text("#arrivals"), "the answer was not told again")
        self.browser.click("#language")
        until(lambda: self.words["taken in"] in self.browser.text("#arrivals"), "nor was it after that")

    def see(self, name: str) -> None:
        """Take a picture, and hold what the console says against the page."""
        self.browser.take_picture(self.morning.pictures / f"{self.language}-{name}.png")
        complaints = self.browser.complaints()
        assert not complaints, complaints
        print(f"ok: {self.language}-{name}")


def ask_everything(manager: Manager) -> None:
    """Ask about everybody who came."""
    words = manager.words
    manager.come()
    told = manager.look_for(
        "2-taken-in", words["taken in"], words["tier"], words["owner"], email="ada@acme.example"
    )
    assert "ada" not in told.lower(), "contact data is never shown"
    manager.look_for("3-by-number", words["taken in"], phone="138 0013 8000")
    manager.look_for("4-field-missing", words["mistake"], email="bob@acme.example")
    manager.look_for("5-wrong-key", words["wrong key"], email="cat@acme.example")
    manager.look_for("6-put-aside", words["machine"], email="dan@acme.example")
    manager.look_for("7-forgotten", words["forgotten"], email="eve@acme.example")
    manager.look_for("8-nothing", words["nobody"], at=time.time() - 86_400, form_name="contact_us")
    manager.look_for(
        "9-everything", *(words[one] for one in ("taken in", "mistake", "wrong key", "nameless"))
    )
    manager.change_language()
    assert manager.browser.run(_FITS), "the page is wider than its window"
    manager.browser.resize(400, 900)
    assert manager.browser.run(_FITS), "the page is wider than a telephone"
    manager.see("a-telephone")
    manager.browser.resize(1100, 1500)


def main() -> int:
    """Ask in both languages."""
    pictures = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="where-"))
    pictures.mkdir(parents=True, exist_ok=True)
    data = Path(tempfile.mkdtemp(prefix="leadmill-"))
    data.chmod(0o755)  # the database runs under an account of its own where this one is root
    environment = {"LEADMILL_DATA_DIR": str(data), "LEADMILL_CONFIG": str(CHECKOUT / "config")}
    try:
        with Running(["up"], environment, data / "log.txt") as platform:
            until(lambda: platform.probe("/readyz")[0] == 200, "the platform does not get ready")
            morning = Morning(platform, environment, pictures)
            morning.let_people_come()
            for language in WORDS:
                with open_browser(language=language) as browser:
                    ask_everything(Manager(browser, morning, language))
    except AssertionError as error:
        print(f"not as it should be: {error}")
        return 1
    finally:
        shutil.rmtree(data, ignore_errors=True)
    print(f"all as it should be; pictures in {pictures}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
