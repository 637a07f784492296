"""Tracking links and forms in the hands of marketing: made, listed, drawn, retired, pasted into a page."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.journeys.site import Site
from tests.operations.front.beside import Beside

pytestmark = [pytest.mark.postgres, pytest.mark.lasts(30)]

TARGET = "https://www.example.com/spring?a=b"
BROWSER = {"user-agent": "Mozilla/5.0", "accept": "text/html"}


@pytest.fixture
def marketing(database_url: str, tmp_path: Path) -> Beside:
    return Beside(database_url, tmp_path, public_url="https://go.example.com")


@pytest.mark.thorough
async def test_a_link_is_made_followed_drawn_and_retired(
    site: Site, marketing: Beside, tmp_path: Path
) -> None:
    made = await marketing.document(
        "link", "add", TARGET, "--campaign", "spring", "--ad", "a", "--medium", "cpc", "--rep", "r-7"
    )
    assert made["address"] == f"https://go.example.com/l/{made['link']}"
    again = await marketing("link", "add", TARGET, "--campaign", "other", "--name", made["link"])
    assert (again.code, "another link of this name" in again.err) == (2, True)

    answer = await site.clients.get(urlsplit(made["address"]).path, headers=BROWSER)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{TARGET}&utm_medium=cpc&utm_campaign=spring&utm_content=a")

    drawn = await marketing("link", "qr", made["link"], "--to", str(tmp_path / "a.png"))
    assert drawn.code == 0
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert (await marketing.document("link", "qr", made["link"]))["svg"].startswith("<?xml")

    assert (await marketing.document("link", "retire", made["link"]))["retired"] is not None
    (listed,) = (await marketing.document("link", "list", "--campaign", "spring"))["links"]
    assert (listed["link"], listed["rep"]) == (made["link"], "r-7")
    after = await site.clients.get(urlsplit(made["address"]).path, headers=BROWSER)
    assert after.status_code == 302
    assert (await marketing("link", "retire", "nothing")).code == 2


async def test_a_snippet_sends_what_the_form_takes(site: Site, marketing: Beside) -> None:
    listed = (await marketing.document("form", "list"))["forms"]
    assert {one["form"] for one in listed} == {"contact_us", "trial_request", "white_paper"}
    key = site.keys["website"]
    made = await marketing.document("form", "snippet", "contact_us", "--key", key, "--lang", "en")
    address = re.search('action="([^"]+)"', made["html"])
    assert address is not None
    assert address[1] == f"https://go.example.com/f/{key}/contact_us"
    names = re.findall(' name="([^"]+)"', made["html"])
    filled = {"name": "Ada", "email": "ada@example.com", "company_name": "A Ltd", "title": "CTO"}
    sent = dict.fromkeys(names, "") | {"_lang": "en", "_form_version": "1"} | filled
    answer = await site.clients.post(urlsplit(address[1]).path, data=sent)
    assert answer.json()["success"] is True
    (lead,) = await site.find(email="ada@example.com")
    assert lead["missing"] == []

    unknown = await marketing("form", "show", "nothing")
    assert (unknown.code, "leadmill form list" in unknown.err) == (2, True)
