"""Submissions as visitors send them, and what becomes of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.intake import Intake, Refusal
from services.ingest.handlers.reading import RequestContext
from shared.contracts.events.raw import RawReceived
from shared.log.port import LogUnavailable
from tests.examples import tried
from tests.unit.ingest.edge.house import House
from tests.unit.ingest.forms.documents import form, rulebook_with
from tests.unit.ingest.requests import RECEIVED, make_reader, read_request

FAIR = "/f/form_abc/fair"
BROWSER = {"sec-fetch-mode": "navigate", "accept": "text/html,*/*", "accept-language": "en"}
RIGHT = {"name": "Ada", "email": "ada@example.com", "consent_sms": "yes"}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House(rulebook=rulebook_with(form()))
    yield made
    await made.client.aclose()


async def submit(house: House, fields: dict[str, Any], path: str = FAIR, **headers: str) -> httpx.Response:
    given = {**BROWSER, **{name.replace("_", "-"): text for name, text in headers.items()}}
    return await house.client.post(path, data=fields, headers=given)


def understood(house: House) -> Intake:
    (intake,) = house.understood()
    assert isinstance(intake, Intake)
    return intake


class TestASubmissionAsAsked:
    async def test_is_kept_verbatim_and_leads_the_person_on(self, house: House) -> None:
        answer = await submit(house, RIGHT)
        assert answer.status_code == 303
        assert answer.headers["location"] == "https://www.example.com/after?x=1"
        (raw,) = house.raws
        assert raw.body == "name=Ada&email=ada%40example.com&consent_sms=yes"
        assert (raw.source, raw.channel, raw.kind) == ("landing-page", "form", "urlencoded")

    async def test_says_form_version_tags_and_what_else_was_done(self, house: House) -> None:
        await submit(house, {**RIGHT, "landing_page_version": "b"})
        intake = understood(house)
        assert intake.act is not None
        assert intake.act.fields == {
            "form": "fair",
            "form_version": 2,
            "start_within_months": None,
            "landing_page_version": "b",
        }
        assert intake.act.tags == ("spring_fair", "website")
        (further,) = intake.further_acts
        assert further.name == "Document Downloaded"
        assert further.fields == {"document": "guide", "kind": "brochure"}

    async def test_gives_consent_with_the_text_that_was_agreed_to(self, house: House) -> None:
        await submit(house, {**RIGHT, "consent_email": "yes", "_form_version": "2"})
        traits = understood(house).traits
        assert traits is not None
        assert traits.consents == {"sms": True, "email": True}
        assert traits.terms == {"sms": "fair@1", "email": "fair@3"}
        assert not {"_form_version", "landing_page_version"} & traits.free_text.keys()

    async def test_names_no_text_if_it_cannot_be_told_which_was_shown(self, house: House) -> None:
        await submit(house, {**RIGHT, "_form_version": "7"})
        traits = understood(house).traits
        assert traits is not None
        assert (traits.consents, traits.terms) == ({"sms": True}, {})

    async def test_names_the_text_of_the_older_form_that_was_still_open(self) -> None:
        old = form(version=1, consents=[{"channel": "sms", "version": 8, "text": {"zh": "旧", "en": "old"}}])
        house = House(rulebook=rulebook_with(old, form()))
        await submit(house, {**RIGHT, "_form_version": "1"})
        traits = understood(house).traits
        assert traits is not None
        assert traits.terms == {"sms": "fair@8"}

    async def test_does_not_wait_for_a_box_that_was_left_empty(self, house: House) -> None:
        await submit(house, {**RIGHT})
        traits = understood(house).traits
        assert traits is not None
        assert "email" not in traits.consents

    @pytest.mark.parametrize("kind", ["multipart", "text", "json"])
    async def test_may_be_written_in_any_way(self, house: House, kind: str) -> None:
        match kind:
            case "multipart":
                body = "".join(
                    f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                    for name, value in RIGHT.items()
                )
                content, called = f"{body}--b--\r\n", "multipart/form-data; boundary=b"
            case "text":
                content = "".join(f"{name}={value}\r\n" for name, value in RIGHT.items())
                called = "text/plain"
            case _:
                content = msgspec.json.encode(
                    {**RIGHT, "consent_sms": True, "interests": ["mes", "erp"]}
                ).decode()
                called = "application/json"
        answer = await house.client.post(FAIR, content=content, headers={"content-type": called})
        assert answer.json() == {"success": True, "id": house.ids[0]}
        assert understood(house).act is not None

    async def test_clicked_twice_counts_once(self, house: House) -> None:
        for _ in range(2):
            await submit(house, RIGHT)
        assert len(set(house.ids)) == 1

    async def test_may_name_its_form_in_a_hidden_field(self, house: House) -> None:
        answer = await submit(house, {**RIGHT, "name": "", "_form": "fair"}, "/f/form_abc")
        assert answer.status_code == 422
        assert (await submit(house, {**RIGHT, "_form": "fair"}, "/f/form_abc")).status_code == 303

    async def test_goes_on_to_our_page_of_thanks_if_the_form_names_none(self) -> None:
        house = House(rulebook=rulebook_with(form(redirect="", allowed_origins=[])))
        answer = await submit(house, {**RIGHT, "_lang": "zh"})
        assert answer.headers["location"] == "/f/form_abc/fair/thanks?lang=zh"

    @pytest.mark.parametrize(
        ("wished", "led"),
        [
            ("https://example.com/own", "https://example.com/own"),
            ("https://www.example.com/other", "https://www.example.com/other"),
            ("https://evil.test/", "https://www.example.com/after?x=1"),
            ("https://example.com@evil.test/", "https://www.example.com/after?x=1"),
            ("https://example.com/\r\nset-cookie: a=b", "https://www.example.com/after?x=1"),
            ("//evil.test", "https://www.example.com/after?x=1"),
            ("https://example.com/谢谢", "https://example.com/%E8%B0%A2%E8%B0%A2"),
        ],
    )
    async def test_goes_on_to_where_it_wishes_only_if_that_is_allowed(
        self, house: House, wished: str, led: str
    ) -> None:
        answer = await submit(house, {**RIGHT, "_redirect": wished})
        assert answer.headers["location"] == led


class TestASubmissionWithFaults:
    async def test_comes_back_to_the_person_with_what_was_typed(self, house: House) -> None:
        typed = {"name": 'A "quoted" <b>', "phone": "12", "message": "a\r\nb", "utm_campaign": "spring"}
        answer = await submit(house, {**typed, "consent_email": "yes", "_lang": "en"})
        assert answer.status_code == 422
        assert answer.headers["content-type"].startswith("text/html")
        page = answer.text
        assert "A &#34;quoted&#34; &lt;b&gt;" in page
        assert ">\na\r\nb</textarea>" in page
        assert 'name="utm_campaign" value="spring"' in page
        assert 'aria-invalid="true"' in page
        assert "this is no telephone number" in page
        assert 'id="consent_email" type="checkbox" name="consent_email" value="yes" checked' in page
        assert 'href="#consent_sms"' in page

    async def test_is_told_in_the_language_of_the_page(self, house: House) -> None:
        chinese = await submit(house, {"_lang": "zh"}, accept_language="en")
        assert "请填写“姓名”" in chinese.text
        assert 'lang="zh-CN"' in chinese.text
        by_browser = await submit(house, {}, accept_language="fr, zh-TW;q=0.8, en;q=0.5")
        assert "请填写“姓名”" in by_browser.text

    async def test_is_told_to_a_script_by_field_reason_and_what_to_do(self, house: House) -> None:
        answer = await house.client.post(FAIR, json={"email": "ada@", "_lang": "en"})
        told = answer.json()
        assert (answer.status_code, told["code"], told["success"]) == (422, "form.invalid", False)
        assert [(one["field"], one["code"]) for one in told["errors"]] == [
            ("name", "form.field_missing"),
            ("email", "form.email_malformed"),
            ("consent_sms", "form.consent_missing"),
        ]
        assert "name@example.com" in told["message"]
        assert "ada@" not in answer.text

    async def test_is_kept_in_quarantine_with_its_reason(self, house: House) -> None:
        await submit(house, {"email": "ada@example.com", "consent_sms": "yes"})
        assert len(house.raws) == 1
        assert house.understood() == [Refusal("form.field_missing")]

    async def test_goes_through_when_it_goes_round_after_the_form_was_mended(self, house: House) -> None:
        await submit(house, {"email": "ada@example.com", "consent_sms": "yes"})
        mended = make_reader(rulebook_with(form(), form(version=3, fields=form().fields[1:])))
        reading = mended.on_raw_received(house.raws[0], record_id=house.ids[0], received=RECEIVED)
        assert isinstance(reading, Intake)

    async def test_that_was_taken_is_never_refused_afterwards(self, house: House) -> None:
        await submit(house, RIGHT)
        stricter = form(version=3, one_of=[["phone", "message"]])
        later = make_reader(rulebook_with(form(), stricter))
        reading = later.on_raw_received(house.raws[0], record_id=house.ids[0], received=RECEIVED)
        assert isinstance(reading, Intake)


class TestMachines:
    async def test_hear_the_same_as_people_and_go_to_quarantine(self, house: House) -> None:
        answer = await submit(house, {"website": "https://spam.test"})
        assert (answer.status_code, answer.headers["location"]) == (303, "https://www.example.com/after?x=1")
        assert house.understood() == [Refusal("intake.honeypot")]


class TestOrigins:
    @pytest.mark.parametrize("origin", ["https://www.example.com", "http://test", ""])
    async def test_that_are_allowed_or_our_own_are_taken(self, house: House, origin: str) -> None:
        await submit(house, RIGHT, **({"origin": origin} if origin else {}))
        understood(house)

    @pytest.mark.parametrize("origin", ["https://evil.test", "null", "https://www.example.com.evil.test"])
    async def test_that_are_not_hear_success_and_go_to_quarantine(self, house: House, origin: str) -> None:
        answer = await submit(house, RIGHT, origin=origin)
        assert answer.status_code == 303
        assert answer.headers["access-control-allow-origin"] == origin
        assert house.understood() == [Refusal("form.origin_not_allowed")]

    async def test_that_are_allowed_later_are_taken_when_they_go_round(self, house: House) -> None:
        await submit(house, RIGHT, origin="https://new.example.com")
        opened = form(version=3, allowed_origins=["https://new.example.com"])
        reader = make_reader(rulebook_with(form(), opened))
        reading = reader.on_raw_received(house.raws[0], record_id=house.ids[0], received=RECEIVED)
        assert isinstance(reading, Intake)

    async def test_of_any_kind_are_taken_if_the_form_names_none(self) -> None:
        house = House(rulebook=rulebook_with(form(allowed_origins=[])))
        await submit(house, RIGHT, origin="https://anywhere.test")
        understood(house)


class TestAFormThatThereIsNot:
    async def test_is_told_and_what_was_sent_is_kept(self, house: House) -> None:
        answer = await house.client.post("/f/form_abc/nothing", json=RIGHT)
        assert (answer.status_code, answer.json()["code"]) == (404, "form.unknown")
        assert answer.json()["field"] == "form"
        assert answer.json()["message"].endswith("The name was: nothing")
        assert house.understood() == [Refusal("form.unknown")]
        context = msgspec.json.decode(house.raws[0].batch_context or "", type=RequestContext)
        assert context.form == "nothing"

    async def test_is_told_to_a_person_on_a_page(self, house: House) -> None:
        answer = await submit(house, RIGHT, "/f/form_abc/nothing")
        assert (answer.status_code, "There is no such form" in answer.text) == (404, True)

    async def test_takes_what_was_kept_once_there_is_one(self, house: House) -> None:
        await house.client.post("/f/form_abc/soon", json=RIGHT)
        reader = make_reader(rulebook_with(form(name="soon", version=1)))
        reading = reader.on_raw_received(house.raws[0], record_id=house.ids[0], received=RECEIVED)
        assert isinstance(reading, Intake)

    async def test_is_a_free_form_if_only_a_hidden_field_names_it(self, house: House) -> None:
        answer = await submit(house, {"email": "a@b.cn", "_form": "newsletter"}, "/f/form_abc")
        assert answer.headers["location"] == "/f/thanks"
        act = understood(house).act
        assert act is not None
        assert act.fields["form"] == "newsletter"


class TestTrouble:
    async def test_shows_a_person_what_they_typed_so_that_they_can_send_it_again(self, house: House) -> None:
        house.sink.trouble = LogUnavailable(retry_after=3)
        answer = await submit(house, {**RIGHT, "message": "a long story"})
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "3"
        assert "a long story" in answer.text
        assert "send it again shortly" in answer.text

    async def test_is_a_problem_to_a_script(self, house: House) -> None:
        house.sink.trouble = LogUnavailable()
        answer = await house.client.post(FAIR, json=RIGHT)
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")

    @pytest.mark.parametrize(
        ("path", "size", "status", "words"),
        [
            ("/f/wrong", 1, 401, "This form does not work"),
            ("/f/wrong/fair", 1, 401, "This form does not work"),
            ("/f/form_abc/fair", 40_000, 400, "Too much"),
        ],
    )
    async def test_is_told_to_a_person_on_a_page(
        self, house: House, path: str, size: int, status: int, words: str
    ) -> None:
        answer = await submit(house, {**RIGHT, "message": "x" * size}, path)
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
        assert words in answer.text

    async def test_with_a_strange_origin_is_none(self, house: House) -> None:
        answer = await submit(house, RIGHT, origin="http://[")
        assert answer.status_code == 303


@pytest.mark.parametrize(
    "name",
    ["html-form-urlencoded-01-POST", "html-form-multipart-file-01-POST", "html-form-textplain-01-POST"],
)
async def test_recorded_forms_work_unchanged_beside_forms_with_documents(house: House, name: str) -> None:
    answer = await house.send(read_request(name))
    assert (answer.status_code, answer.headers["location"]) == (303, "https://example.com/thanks")
    intake = understood(house)
    assert intake.act is not None
    assert intake.act.fields == {"form": "landing-page", "start_within_months": None}


def test_records_of_earlier_releases_have_no_context_and_are_read_as_free_forms() -> None:
    raw = RawReceived(source="website", channel="form", kind="json", body='{"email": "a@b.cn"}')
    reading = make_reader().on_raw_received(raw, record_id="0" * 32, received=RECEIVED)
    assert isinstance(reading, Intake)


_NASTY = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=60).map(
        lambda text: f'{{"name": {msgspec.json.encode(text).decode()}, "email": [1, {{}}]}}'.encode()
    ),
    st.text(max_size=60).map(
        lambda text: f"name={text}&name={text}&email=a@b.cn&_lang=zh&_form_version={text}".encode()
    ),
    st.binary(max_size=60).map(
        lambda value: b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n' + value + b"\r\n--b--\r\n"
    ),
)


@given(
    body=_NASTY,
    called=st.sampled_from(["", "text/plain", "multipart/form-data; boundary=b", "application/json"]),
    mode=st.sampled_from(["navigate", "cors"]),
    name=st.text(st.characters(codec="ascii", exclude_characters="/?#%"), min_size=1, max_size=10)
    | st.just("fair"),
)
@settings(max_examples=tried(70), deadline=None)
def test_no_body_and_no_name_break_a_form(body: bytes, called: str, mode: str, name: str) -> None:
    async def send() -> None:
        house = House(rulebook=rulebook_with(form()))
        headers = {"content-type": called, "sec-fetch-mode": mode, "accept-language": "\u00fc;;,zh"}
        async with house.client as client:
            encoded = [(key.encode(), value.encode("latin-1")) for key, value in headers.items()]
            answer = await client.post(f"/f/form_abc/{quote(name)}", content=body, headers=encoded)
            page = await client.get(f"/f/form_abc/{quote(name)}?lang={quote(name)}&gclid=%00%ff{quote(name)}")
        assert answer.status_code < 500, answer.text
        assert page.status_code < 500, page.text
        house.understood()

    asyncio.run(send())
