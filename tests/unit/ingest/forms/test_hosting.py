"""The pages that we host, as browsers and marketers meet them."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from services.ingest.domain.intake import Intake
from services.ingest.domain.links.addresses import CLICK, new_click_id
from tests.unit.ingest.edge.house import House
from tests.unit.ingest.forms.documents import form, rulebook_with
from tests.unit.ingest.requests import RECEIVED

FAIR = "/f/form_abc/fair"
BROWSER = {"accept": "text/html,*/*", "accept-language": "en"}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House(rulebook=rulebook_with(form()))
    yield made
    await made.client.aclose()


class Page(HTMLParser):
    """What a browser would find in a page: fields with their attributes, labels, and what is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fields: dict[str, dict[str, str | None]] = {}
        self.labels: set[str] = set()
        self.tags: list[str] = []
        self.options: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        if tag in {"input", "select", "textarea"}:
            self.fields[given.get("name") or ""] = given
        if tag == "option":
            self.options.append(given.get("value") or "")
        if tag == "label" and given.get("for"):
            self.labels.add(given["for"] or "")
        if tag not in {"input", "meta", "img"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


class TestAFormsPage:
    async def test_asks_everything_with_a_label_for_each(self, house: House) -> None:
        answer = await house.client.get(FAIR, headers=BROWSER)
        assert answer.status_code == 200
        page = Page(answer.text)
        asked = {one.field for one in form().fields}
        assert asked <= page.fields.keys()
        assert asked - {"interests"} <= page.labels
        assert "fieldset" in page.tags
        assert "script" not in page.tags
        assert {"consent_email", "consent_sms", "website"} <= page.fields.keys()
        assert page.fields["name"]["autocomplete"] == "name"
        assert "required" in page.fields["name"]
        assert "required" in page.fields["consent_sms"]
        assert "required" not in page.fields["consent_email"]
        assert page.fields["email"]["type"] == "email"
        assert page.fields["phone"]["type"] == "tel"
        assert page.fields["website"]["tabindex"] == "-1"
        assert page.fields["_form_version"]["value"] == "2"
        assert page.options == ["", "manufacturing", "pharma", "", "yes", "no"]

    @pytest.mark.parametrize(
        ("query", "accepted", "title", "tag"),
        [
            ("?lang=zh", "en", "展会", "zh-CN"),
            ("?lang=en", "zh", "The fair", "en"),
            ("", "en-GB,en;q=0.9", "The fair", "en"),
            ("", "", "展会", "zh-CN"),
            ("?lang=fr", "fr", "展会", "zh-CN"),
        ],
    )
    async def test_speaks_the_language_that_is_asked_for(
        self, house: House, query: str, accepted: str, title: str, tag: str
    ) -> None:
        answer = await house.client.get(f"{FAIR}{query}", headers={**BROWSER, "accept-language": accepted})
        assert f'<html lang="{tag}">' in answer.text
        assert f"<h1>{title}</h1>" in answer.text

    async def test_carries_along_what_brought_somebody(self, house: House) -> None:
        query = f"utm_campaign=spring&gclid=g%22%3E&{CLICK}=c&landing_page_version=b&other=x&lang=en"
        answer = await house.client.get(
            f"{FAIR}?{query}", headers={**BROWSER, "referer": "https://www.bing.com/"}
        )
        page = Page(answer.text)
        values = {name: given.get("value") for name, given in page.fields.items()}
        assert values["utm_campaign"] == "spring"
        assert values["gclid"] == 'g">'
        assert values[CLICK] == "c"
        assert values["landing_page_version"] == "b"
        assert values["referrer"] == "https://www.bing.com/"
        assert "other" not in values
        assert "lang=zh&amp;utm_campaign=spring" in answer.text

    async def test_and_its_submission_join_the_click_that_led_there(self, house: House) -> None:
        click = new_click_id(RECEIVED, "ab" * 16)
        answer = await house.client.get(
            f"{FAIR}?{CLICK}={click}&utm_medium=cpc&utm_campaign=s", headers=BROWSER
        )
        hidden = {
            name: given.get("value") or ""
            for name, given in Page(answer.text).fields.items()
            if given.get("type") == "hidden"
        }
        await house.client.post(FAIR, data={**hidden, "name": "A", "email": "a@b.cn", "consent_sms": "yes"})
        (intake,) = house.understood()
        assert isinstance(intake, Intake)
        assert intake.click is not None
        assert intake.acquisition is not None
        assert (intake.acquisition.channel, intake.acquisition.campaign) == ("paid_search", "s")
        assert intake.traits is not None
        assert not intake.traits.free_text

    async def test_lets_nothing_in_but_its_own_stylesheet(self, house: House) -> None:
        answer = await house.client.get(FAIR, headers=BROWSER)
        policy = answer.headers["content-security-policy"]
        style = re.search("<style>(.*?)</style>", answer.text, re.DOTALL)
        assert style is not None
        digest = base64.b64encode(sha256(style[1].encode()).digest()).decode()
        assert f"style-src 'sha256-{digest}'" in policy
        assert "default-src 'none'" in policy
        assert "form-action 'self' https://example.com https://www.example.com;" in policy
        assert "frame-ancestors 'self' https://www.example.com" in policy
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "no-store" in answer.headers["cache-control"]

    @pytest.mark.parametrize(
        ("path", "status", "words"),
        [
            ("/f/form_abc/nothing", 404, "There is no such form"),
            ("/f/wrong/fair", 401, "This form does not work"),
        ],
    )
    async def test_is_not_there_without_a_form_and_a_key(
        self, house: House, path: str, status: int, words: str
    ) -> None:
        answer = await house.client.get(path, headers=BROWSER)
        assert (answer.status_code, words in answer.text) == (status, True)
        plain = await house.client.get(path, headers={"accept": "*/*"})
        assert (plain.status_code, plain.json()["success"]) == (status, False)

    async def test_is_shown_while_keys_cannot_be_checked(self, house: House) -> None:
        house.keys.is_away = True
        assert (await house.client.get(FAIR, headers=BROWSER)).status_code == 200

    async def test_of_thanks_says_so_in_the_forms_words(self, house: House) -> None:
        answer = await house.client.get(f"{FAIR}/thanks?lang=en", headers=BROWSER)
        assert "Thanks &amp; see you" in answer.text
        Page(answer.text)
        assert (await house.client.get("/f/form_abc/nothing/thanks", headers=BROWSER)).status_code == 404
        free = await house.client.get("/f/thanks?lang=zh", headers=BROWSER)
        assert "谢谢" in free.text


class TestASnippet:
    async def test_is_a_plain_form_with_a_whole_address(self, house: House) -> None:
        answer = await house.client.get(f"{FAIR}/snippet?lang=en")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert '<form method="post" action="http://test/f/form_abc/fair"' in answer.text
        page = Page(answer.text)
        assert {one.field for one in form().fields} <= page.fields.keys()
        assert {"utm_source", CLICK, "landing_page_version", "gclid"} <= page.fields.keys()
        assert not {"script", "img", "style"} & set(page.tags)

    async def test_sends_what_the_form_takes(self, house: House) -> None:
        page = Page((await house.client.get(f"{FAIR}/snippet?lang=en&beacon=1")).text)
        sent = {name: given.get("value") or "" for name, given in page.fields.items()}
        sent |= {"name": "A", "email": "a@b.cn", "consent_sms": "yes", "interests": "mes"}
        answer = await house.client.post(FAIR, data=sent, headers={"origin": "https://www.example.com"})
        assert answer.status_code == 200, answer.text
        (intake,) = house.understood()
        assert isinstance(intake, Intake)
        assert intake.acquisition is None

    async def test_may_tell_of_the_page_view_by_a_picture(self, house: House) -> None:
        text = (await house.client.get(f"{FAIR}/snippet?lang=en&beacon=1")).text
        page = Page(text)
        assert "img" in page.tags
        assert page.fields["_anonymous_id"]["value"] == "{{anonymous_id}}"
        assert "/pixel/v1/page?writeKey=form_abc&amp;" in text

    async def test_left_unfilled_makes_no_two_visitors_one(self, house: House) -> None:
        for name in ("Ada", "Bob"):
            fields = {
                "name": name,
                "email": f"{name}@b.cn",
                "consent_sms": "1",
                "_anonymous_id": "{{anonymous_id}}",
            }
            await house.client.post(FAIR, data=fields)
        assert all(isinstance(one, Intake) and not one.anonymous for one in house.understood())

    async def test_is_for_whoever_has_the_key(self, house: House) -> None:
        assert (await house.client.get("/f/wrong/fair/snippet")).status_code == 401
