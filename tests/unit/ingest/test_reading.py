"""What real clients send, understood."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import pytest

from services.ingest.domain.dialects.hooks import Errand
from services.ingest.domain.identifiers import IdentifierKind, identifier_hasher
from services.ingest.domain.intake import Intake, Refusal
from shared.contracts.events.raw import RawReceived
from shared.kernel.instants import format_instant, parse_instant
from tests.unit.ingest.requests import IDENTITY_KEY, RECEIVED, make_reader, read_request

READER = make_reader()
hash_identifier = identifier_hasher(IDENTITY_KEY)


def read(
    body: str | bytes | dict[str, Any],
    *,
    kind: str = "track",
    channel: str = "sdk",
    sent: str | None = None,
    batch_context: str | None = None,
) -> Intake | Refusal:
    if isinstance(body, dict):
        body = msgspec.json.encode(body)
    text = body.decode() if isinstance(body, bytes) else body
    raw = RawReceived(
        source="website",
        channel=channel,  # type: ignore[arg-type]
        kind=kind,
        body=text,
        sent=None if sent is None else datetime.fromisoformat(sent),
        batch_context=batch_context,
    )
    reading = READER.on_raw_received(raw, record_id="0" * 32, received=RECEIVED)
    assert not isinstance(reading, Errand)
    return reading


def understood(*args: Any, **kwargs: Any) -> Intake:
    intake = read(*args, **kwargs)
    assert isinstance(intake, Intake), intake
    return intake


def anchor(kind: IdentifierKind, value: str) -> tuple[IdentifierKind, str]:
    return hash_identifier(kind, value)


class TestSdkDialects:
    def test_segment_puts_traits_at_the_top(self) -> None:
        item = msgspec.json.decode(read_request("segment-python-batch-01-POST").text)["batch"][0]
        intake = understood(item, kind="identify")
        assert intake.traits is not None
        assert intake.traits.contact["email"] == "ada.lovelace@example.com"
        assert intake.traits.contact["company_name"] == "Analytical Ltd"
        assert intake.traits.attributes == {"employees": 120, "size": "50_to_199"}
        assert [one.kind for one in intake.anchors] == ["user", "email"]
        assert [one.kind for one in intake.anonymous] == ["anonymous"]

    def test_rudderstack_puts_traits_into_the_context(self) -> None:
        intake = understood(read_request("rudder-js-xhr-default-06-POST").text, kind="identify")
        assert intake.traits is not None
        assert intake.traits.contact == {"email": "ada@example.com"}
        assert intake.anchors[0] == anchor(IdentifierKind.USER, "u-1001")

    def test_an_alias_names_the_browser_that_came_before(self) -> None:
        items = msgspec.json.decode(read_request("segment-node-batch-01-POST").text)["batch"]
        intake = understood(items[5], kind="alias")
        assert intake.anonymous == [anchor(IdentifierKind.ANONYMOUS, "anon-1")]
        assert intake.anchors == [anchor(IdentifierKind.USER, "u-1001")]
        assert intake.act is None

    def test_a_group_describes_the_company(self) -> None:
        body = {"userId": "u", "groupId": "g", "traits": {"name": "Mill Ltd", "employees": "1,200"}}
        intake = understood(body, kind="group")
        assert intake.traits is not None
        assert intake.traits.contact == {"company_name": "Mill Ltd"}
        assert intake.traits.attributes == {"size": "500_plus", "employees": 1200}

    def test_the_context_of_a_batch_stands_under_that_of_the_item(self) -> None:
        body = {"userId": "u", "context": {"page": {"path": "/pricing"}}}
        context = '{"traits":{"industry":"教育"},"page":{"path":"/other"}}'
        intake = understood(body, kind="page", batch_context=context)
        assert intake.traits is not None
        assert intake.traits.attributes == {"industry": "education"}
        assert intake.act is not None
        assert intake.act.fields == {"path": "/pricing", "kind": "price"}

    @pytest.mark.parametrize(
        "nothing", [None, "", "  ", "null", "anonymous", "0000", "-1", {"a": 1}, [], True]
    )
    def test_what_identifies_nobody_is_absent(self, nothing: object) -> None:
        assert read({"userId": nothing, "event": "E"}) == Refusal("intake.no_identity")

    @pytest.mark.parametrize("given", [1001, "1001", 1001.0, " 1001\u200b"])
    def test_numbers_are_ids_too(self, given: object) -> None:
        assert understood({"userId": given, "event": "E"}).anchors == [anchor(IdentifierKind.USER, "1001")]

    @pytest.mark.parametrize(
        ("body", "kind", "code"),
        [
            ("not json", "track", "intake.malformed_json"),
            ("[]", "track", "intake.malformed_json"),
            ('{"userId":"u"}', "track", "intake.no_event_name"),
            ('{"userId":"u","event":"E"}', "charge", "intake.unknown_call"),
            ('{"userId":"u","event":"E"}', "", "intake.unknown_call"),
            ("{" * 3000, "track", "intake.malformed_json"),
            ("{}", "oversize", "intake.oversize"),
        ],
    )
    def test_what_cannot_be_used_has_a_reason(self, body: str, kind: str, code: str) -> None:
        assert read(body, kind=kind) == Refusal(code)


class TestMessageIds:
    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            (" \u0000\u00a0\t\n\r\u034f ", None),
            ("\u0000 -a-random-string \u00a0\t\n\r\u034f", "-a-random-string"),
            ("x" * 150, "x" * 100),
            ("ada@example.com-1", None),
            ("9c686661-00fe-4824-a5b2-216e31961e5e", "9c686661-00fe-4824-a5b2-216e31961e5e"),
        ],
    )
    def test_are_cleaned_and_never_name_anybody(self, given: str, shown: str | None) -> None:
        assert understood({"userId": "u", "event": "E", "messageId": given}).message_id == shown


class TestMoments:
    def test_follow_from_how_long_the_client_kept_the_message(self) -> None:
        body = {
            "userId": "u",
            "event": "E",
            "originalTimestamp": "2026-11-21T10:00:00Z",
            "sentAt": "2026-11-21T10:00:30Z",
        }
        assert understood(body).occurred == RECEIVED - 30_000_000

    def test_take_the_batch_s_clock_where_the_item_has_none(self) -> None:
        body = {"userId": "u", "event": "E", "timestamp": "2026-11-21T10:00:00+00:00"}
        assert understood(body, sent="2026-11-21T10:01:00+00:00").occurred == RECEIVED - 60_000_000

    def test_stand_as_they_are_in_a_historical_import(self) -> None:
        body = {"userId": "u", "event": "E", "timestamp": "2024-02-29T10:00:00Z"}
        assert format_instant(understood(body).occurred) == "2024-02-29T10:00:00Z"

    @pytest.mark.parametrize("given", ["2031-01-01T00:00:00Z", "yesterday", 12, None, "9" * 50])
    def test_never_lie_after_the_receipt(self, given: object) -> None:
        assert understood({"userId": "u", "event": "E", "timestamp": given}).occurred == RECEIVED

    def test_ignore_a_client_that_sent_before_it_happened(self) -> None:
        body = {
            "userId": "u",
            "event": "E",
            "timestamp": "2026-11-20T10:00:00Z",
            "sentAt": "2026-11-19T10:00:00Z",
        }
        assert understood(body).occurred == parse_instant("2026-11-20T10:00:00Z")


class TestActs:
    @pytest.mark.parametrize(
        ("event", "properties", "name", "fields"),
        [
            ("Demo Requested", {}, "Demo Requested", {}),
            ("demo_requested", {"x": 1}, "Demo Requested", {}),
            (
                "Document Downloaded",
                {"kind": "white_paper", "document": "guide.pdf"},
                "Document Downloaded",
                {"kind": "white_paper", "document": "guide.pdf"},
            ),
            (
                "Form Submitted",
                {"form_id": "demo", "start_within_months": "1"},
                "Form Submitted",
                {"form": "demo", "start_within_months": 1},
            ),
            (
                "Email Link Clicked",
                {"message": "m1", "link": "https://x.test/book?email=a@b.cn", "purpose": "book_demo"},
                "Email Link Clicked",
                {"message": "m1", "link": "/book", "purpose": "book_demo"},
            ),
            (
                "Live Event Attended",
                {"live_event": "fair-2026", "offline": "yes"},
                "Live Event Attended",
                {"live_event": "fair-2026", "offline": True},
            ),
            ("预约演示", {}, "Demo Requested", {}),
        ],
    )
    def test_known_ones_have_our_names(
        self, event: str, properties: dict[str, object], name: str, fields: dict[str, object]
    ) -> None:
        act = understood({"userId": "u", "event": event, "properties": properties}).act
        assert act is not None
        assert (act.name, act.fields, act.is_declared) == (name, fields, True)

    def test_others_keep_their_names_and_lose_what_names_somebody(self) -> None:
        properties = {
            "plan": "gold",
            "seats": 5,
            "email": "ada@example.com",
            "contactPhone": "1",
            "note": "call 138 0013 8000",
            "page_url": "https://x.test/?email=ada@example.com",
            "number": 13800138000,
            "nested": {"a": 1},
            "paid": True,
        }
        act = understood({"userId": "u", "event": "Plan Chosen", "properties": properties}).act
        assert act is not None
        assert act.name == "Plan Chosen"
        assert act.fields == {"plan": "gold", "seats": 5, "paid": True}

    @pytest.mark.parametrize(
        ("path", "kind"),
        [
            ("/", "home"),
            ("/pricing", "price"),
            ("/en/pricing/", "price"),
            ("/blog/how-to-mill", "article"),
            ("/solutions/flour", "solution"),
            ("/about", ""),
            ("https://example.com/pricing?email=a%40b.cn#top", "price"),
        ],
    )
    def test_pages_have_kinds_by_their_paths(self, path: str, kind: str) -> None:
        act = understood({"anonymousId": "a", "properties": {"path": path}}, kind="page").act
        assert act is not None
        assert act.fields["kind"] == kind

    @pytest.mark.parametrize(
        "path", ["/u/ada@example.com/x", "/u/ada%40example.com", "/call/+8613800138000", "/t/138-0013-8000"]
    )
    def test_paths_lose_what_names_somebody(self, path: str) -> None:
        act = understood({"anonymousId": "a", "properties": {"path": path}}, kind="page").act
        assert act is not None
        shown = str(act.fields["path"])
        assert "ada" not in shown
        assert "138" not in shown


class TestLeadsAndForms:
    def test_a_native_lead_is_standardised(self) -> None:
        body = {
            "external_id": "crm-7",
            "email": " Ada@Example.COM ",
            "phone": "138 0013 8000",
            "name": "Ada",
            "title": "VP of Engineering",
            "company": {"name": "Mill", "employees": 600, "industry": "Software"},
            "budget": "30万",
            "favourite_colour": "blue",
        }
        intake = understood(body, kind="lead", channel="lead")
        assert intake.traits is not None
        assert intake.traits.contact == {
            "email": "ada@example.com",
            "phone": "+8613800138000",
            "name": "Ada",
            "company_name": "Mill",
        }
        assert intake.traits.attributes == {
            "title_level": "vp",
            "size": "500_plus",
            "employees": 600,
            "industry": "internet",
            "budget": 300_000,
            "budget_band": "200000_to_499999",
        }
        assert intake.traits.free_text == {
            "title": "VP of Engineering",
            "industry": "Software",
            "favourite_colour": "blue",
        }
        assert [one.kind for one in intake.anchors] == [
            *("external", "email", "phone", "number_and_name"),
        ]
        assert intake.external is not None

    def test_a_lead_that_is_reached_at_an_office_is_known_by_its_message_alone(self) -> None:
        intake = understood({"email": "info@example.com"}, kind="lead", channel="lead")
        assert [one.kind for one in intake.anchors] == ["external"]
        assert intake.external is None

    @pytest.mark.parametrize(
        "name",
        ["html-form-urlencoded-01-POST", "html-form-multipart-file-01-POST", "html-form-textplain-01-POST"],
    )
    def test_forms_say_the_same_however_they_are_written(self, name: str) -> None:
        request = read_request(name)
        kind = next(word for word in ("urlencoded", "multipart", "text") if word in name)
        intake = understood(request.text, kind=kind, channel="form")
        assert intake.traits is not None
        assert intake.traits.contact["email"] == "ada@example.com"
        assert intake.traits.contact["name"] == "Ada Łovelace"
        assert intake.traits.free_text["message"].splitlines() == ["line1", "line2 + 你好"]
        assert intake.traits.free_text["interests"] == "a, b&c=d"
        assert intake.act is not None
        assert intake.act.fields == {"form": "website", "start_within_months": None}

    def test_a_filled_honeypot_is_a_machine(self) -> None:
        body = "email=ada%40example.com&website=https%3A%2F%2Fspam.test"
        assert read(body, kind="urlencoded", channel="form") == Refusal("intake.honeypot")

    def test_labels_may_be_chinese(self) -> None:
        body = "姓名=王芳&手机=13800138000&职位=市场总监&行业=制造业"
        intake = understood(body, kind="urlencoded", channel="form")
        assert intake.traits is not None
        assert intake.traits.contact == {"name": "王芳", "phone": "+8613800138000"}
        assert intake.traits.attributes == {"title_level": "director", "industry": "manufacturing"}

    def test_whoever_studies_is_no_manager_but_a_student(self) -> None:
        intake = understood({"email": "a@b.cn", "title": "Student"}, kind="lead", channel="lead")
        assert intake.traits is not None
        assert intake.traits.attributes == {"student": True}


class TestPhones:
    @pytest.mark.parametrize(
        ("given", "country", "number"),
        [
            ("(415) 555-0100", "US", "+14155550100"),
            ("0086 138 0013 8000", "CN", "+8613800138000"),
            ("13800138000", None, "+8613800138000"),
            ("+44 020 7946 0018", None, "+442079460018"),
            ("+39 06 698 1234", None, "+39066981234"),
            ("555-0100", "US", None),
        ],
    )
    def test_become_one_number(self, given: str, country: str | None, number: str | None) -> None:
        body = {"userId": "u", "traits": {"phone": given, "country": country}}
        intake = understood(body, kind="identify")
        assert intake.traits is not None
        assert intake.traits.contact.get("phone") == number
        if number is None:
            assert intake.traits.free_text == {"phone": given}
