"""What tools and platforms are asked, and what their answers become."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from services.ingest.domain.dialects.hooks import Errand, HookLead
from services.ingest.providers.baidu import BAIDU
from services.ingest.providers.hubspot import HUBSPOT
from services.ingest.providers.ocean_engine import OCEAN_ENGINE
from services.ingest.providers.ocean_engine.client import sign_pull
from services.ingest.providers.port import (
    HookNotSetUp,
    LeadGone,
    Provider,
    Secrets,
    VendorBusy,
    VendorTokenRefused,
    VendorUnavailable,
)
from services.ingest.providers.roster import PROVIDERS
from services.ingest.providers.tencent_ads import TENCENT_ADS
from services.ingest.providers.typeform import TYPEFORM
from services.ingest.providers.wecom import WECOM
from shared.kernel.instants import SECOND, parse_instant
from tests.unit.ingest.hooks.vectors import VECTORS, delivery, flipped
from tests.unit.ingest.hooks.vendor import SINCE, UNTIL, FakeVendor, all_leads, body_of, client_of, read

NONSENSE = b'{"data": 7, "results": 7, "items": 7, "errcode": 7}'
WECOM_SECRETS = {"corp_id": "ww1", "corp_secret": "s"}
LISTING = [BAIDU, HUBSPOT, OCEAN_ENGINE, TENCENT_ADS, TYPEFORM, WECOM]
FIRST_ASKED = (
    *("/crm/v3/objects/contacts/search", "/crm/v2/openapi/pull-clues/", "/cgi-bin/gettoken"),
    *("/forms/x/responses", "/json/sms/service/LeadsNoticeService/getNoticeList", "/v3.0/leads_list/get"),
)


class TestEveryClient:
    @pytest.mark.parametrize("provider", LISTING, ids=lambda one: one.name)
    async def test_lists_nothing_before_it_is_set_up(self, provider: Provider) -> None:
        vendor = FakeVendor({})
        client = client_of(provider, vendor, corp_id="ww1")
        assert list(await client.list_streams()) == []
        assert vendor.asked == []

    @pytest.mark.parametrize("provider", LISTING, ids=lambda one: one.name)
    async def test_says_that_the_vendor_is_away(self, provider: Provider) -> None:
        vendor = FakeVendor({})
        vendor.is_away = True
        every = {name.name: "x" for name in provider.secrets if name.name != "api_address"}
        client = client_of(provider, vendor, **every)
        with pytest.raises(VendorUnavailable):
            await all_leads(client)

    @pytest.mark.parametrize("provider", LISTING, ids=lambda one: one.name)
    @pytest.mark.parametrize(
        ("told", "verdict"),
        [(401, VendorTokenRefused), (403, VendorTokenRefused), (429, VendorBusy), (500, VendorUnavailable)],
    )
    async def test_tells_what_can_be_done_about_a_refusal(
        self, provider: Provider, told: int, verdict: type[Exception]
    ) -> None:
        vendor = FakeVendor({})
        vendor.answers = dict.fromkeys(FIRST_ASKED, lambda _request: told)
        every = {name.name: "x" for name in provider.secrets if name.name != "api_address"}
        with pytest.raises(verdict):
            await all_leads(client_of(provider, vendor, **every))

    @pytest.mark.parametrize("provider", LISTING, ids=lambda one: one.name)
    @pytest.mark.parametrize("told", [b"", b"<html>", b"[]", NONSENSE])
    async def test_takes_nonsense_for_an_outage(self, provider: Provider, told: bytes) -> None:
        vendor = FakeVendor({})
        vendor.answers = dict.fromkeys(FIRST_ASKED, lambda _request: told)
        every = {name.name: "x" for name in provider.secrets if name.name != "api_address"}
        with pytest.raises(VendorUnavailable):
            await all_leads(client_of(provider, vendor, **every))

    def test_may_be_sent_to_another_address(self) -> None:
        for provider in PROVIDERS.values():
            if provider.client is not None:
                assert any(one.name == "api_address" for one in provider.secrets), provider.name


def _go_on(after: str) -> dict[str, Any]:
    return {"next": {"after": after}}


class TestHubspot:
    ERRAND = Errand(provider="hubspot", what="fetch_lead", external_id="123")

    async def test_a_new_contact_is_fetched(self) -> None:
        contact = {
            "id": "123",
            "properties": {"email": "ada@example.com", "firstname": "Ada", "hs_object_id": "123"},
            "updatedAt": "2026-11-21T20:00:00.000Z",
        }
        vendor = FakeVendor({"/crm/v3/objects/contacts/123": lambda _request: contact})
        client = client_of(HUBSPOT, vendor, access_token="t", properties="budget, branch")
        lead = read(HUBSPOT, await client.fetch(self.ERRAND))
        assert lead.external_id == "123"
        assert lead.fields == {"email": "ada@example.com", "firstname": "Ada"}
        (asked,) = vendor.asked
        assert asked.headers["authorization"] == "Bearer t"
        assert {"email", "budget", "branch"} <= set(asked.url.params["properties"].split(","))

    async def test_a_contact_that_is_gone_is_gone(self) -> None:
        with pytest.raises(LeadGone):
            await client_of(HUBSPOT, FakeVendor({}), access_token="t").fetch(self.ERRAND)

    async def test_an_errand_waits_for_the_token(self) -> None:
        with pytest.raises(HookNotSetUp):
            await client_of(HUBSPOT, FakeVendor({})).fetch(self.ERRAND)

    async def test_changed_contacts_are_looked_through_page_by_page(self) -> None:
        def search(request: httpx.Request) -> dict[str, Any]:
            after = body_of(request).get("after")
            number = 1 if after is None else 2
            found: dict[str, Any] = {
                "results": [
                    {
                        "id": str(number),
                        "properties": {"email": f"{number}@example.com"},
                        "updatedAt": "2026-11-21T20:00:00Z",
                    }
                ]
            }
            return found if after else {**found, "paging": {"next": {"after": "1"}}}

        vendor = FakeVendor({"/crm/v3/objects/contacts/search": search})
        items = await all_leads(client_of(HUBSPOT, vendor, access_token="t"))
        assert [read(HUBSPOT, item).external_id for item in items] == ["1", "2"]
        (group,) = body_of(vendor.asked[0])["filterGroups"]
        assert [one["value"] for one in group["filters"]] == [str(SINCE // 1000), str(UNTIL // 1000)]

    async def test_a_search_that_is_full_is_followed_by_another(self) -> None:
        changed = "2026-11-21T12:00:00Z"
        answers = iter(
            [
                {"results": [{"id": "1", "properties": {}, "updatedAt": changed}], "paging": _go_on("9950")},
                {"results": [{"id": "2", "properties": {}, "updatedAt": changed}], "paging": _go_on("100")},
                {"results": [{"id": "3", "properties": {}, "updatedAt": changed}]},
            ]
        )
        vendor = FakeVendor({"/crm/v3/objects/contacts/search": lambda _request: next(answers)})
        assert len(await all_leads(client_of(HUBSPOT, vendor, access_token="t"))) == 3
        first, second, third = (body_of(request) for request in vendor.asked)
        assert "after" not in first
        assert "after" not in second
        assert third["after"] == "100"
        begins = [one["filterGroups"][0]["filters"][0]["value"] for one in (first, second, third)]
        assert begins == [str(SINCE // 1000), *[str(parse_instant(changed) // 1000)] * 2]

    async def test_a_search_that_cannot_go_on_is_no_end(self) -> None:
        told = {"id": "1", "properties": {}, "updatedAt": "2026-11-20T21:00:00Z"}
        found = {"results": [told], "paging": _go_on("9950")}
        vendor = FakeVendor({"/crm/v3/objects/contacts/search": lambda _request: found})
        with pytest.raises(VendorUnavailable):
            await all_leads(client_of(HUBSPOT, vendor, access_token="t"))

    def test_a_contact_that_was_changed_is_told_anew(self) -> None:
        def id_at(changed: str) -> str | None:
            body = b'{"id":"1","properties":{},"updatedAt":"' + changed.encode() + b'"}'
            (item,) = HUBSPOT.split(delivery(body), Secrets())
            return item.message_id

        assert id_at("2026-11-21T20:00:00Z") == id_at("2026-11-21T20:00:00Z")
        assert id_at("2026-11-21T20:00:00Z") != id_at("2026-11-21T20:00:01Z")


class TestOceanEngine:
    VECTOR = VECTORS["feiyu_pull_signature"]

    def test_signs_as_the_vector_has_it(self) -> None:
        key = self.VECTOR["signature_key"]
        made = sign_pull(key, start="2026-11-01", end="2026-11-02", second=1795291200)
        assert made == self.VECTOR["Signature"]

    def test_signs_with_every_byte_of_the_key(self) -> None:
        for other in flipped(self.VECTOR["signature_key"].encode()):
            made = sign_pull(other.decode(), start="2026-11-01", end="2026-11-02", second=1795291200)
            assert made != self.VECTOR["Signature"]

    async def test_looks_through_the_days_and_keeps_what_lies_between(self) -> None:
        def pull(request: httpx.Request) -> dict[str, Any]:
            page = int(request.url.params["page"])
            moment = (SINCE if page == 1 else UNTIL) // SECOND
            lead = {"telphone": 13800138000, "create_time": str(moment)}
            return {"count": 101, "data": [{"id": 7_301_234_567_890_123_000 + page, **lead}]}

        vendor = FakeVendor({"/crm/v2/openapi/pull-clues/": pull})
        client = client_of(OCEAN_ENGINE, vendor, pull_key="k", access_token="t")
        (item,) = await all_leads(client)
        assert read(OCEAN_ENGINE, item).external_id == "7301234567890123001"
        assert [request.url.params["page"] for request in vendor.asked] == ["1", "2"]
        asked = vendor.asked[0]
        assert asked.url.params["start_time"] == "2026-11-21"
        assert asked.url.params["end_time"] == "2026-11-22"
        assert asked.headers["access-token"] == "t"
        assert asked.headers["timestamp"] == str(UNTIL // SECOND)
        assert asked.headers["signature"] == sign_pull(
            "k", start="2026-11-21", end="2026-11-22", second=UNTIL // SECOND
        )

    async def test_a_lead_that_is_pulled_is_the_one_that_was_pushed(self) -> None:
        lead = {"id": "7301", "telphone": "13800138000", "create_time": str(SINCE // SECOND)}
        vendor = FakeVendor({"/crm/v2/openapi/pull-clues/": lambda _request: {"count": 1, "data": [lead]}})
        (pulled,) = await all_leads(client_of(OCEAN_ENGINE, vendor, pull_key="k", access_token="t"))
        (pushed,) = OCEAN_ENGINE.split(delivery(pulled.body), Secrets())
        assert pulled.message_id == pushed.message_id
        assert pulled.key == pushed.key


class TestTypeform:
    async def test_responses_are_told_as_their_webhook_tells_them(self) -> None:
        def responses(request: httpx.Request) -> dict[str, Any]:
            assert request.url.params["since"] == "2026-11-20T21:00:00Z"
            answer = {"type": "text", "text": "Mill Ltd", "field": {"id": "q", "ref": ""}}
            return {"items": [{"token": "abc", "submitted_at": "2026-11-21T20:00:00Z", "answers": [answer]}]}

        vendor = FakeVendor(
            {
                "/forms/f1/responses": responses,
                "/forms/f1": lambda _request: {"fields": [{"id": "q", "title": "Company"}]},
            }
        )
        (item,) = await all_leads(client_of(TYPEFORM, vendor, access_token="t", form_ids="f1"))
        lead = read(TYPEFORM, item)
        assert lead.message_id == "typeform-abc"
        assert lead.form == "f1"
        assert lead.fields == {"Company": "Mill Ltd"}


class TestWecom:
    CUSTOMER = "woAJ2GCAAAXtWyujaWJHDDGi0mACH71w"
    ERRAND = Errand(provider="wecom", what="fetch_lead", external_id=CUSTOMER, message_id="m")

    @staticmethod
    def token(_request: httpx.Request) -> dict[str, Any]:
        return {"errcode": 0, "access_token": "t1", "expires_in": 7200}

    def contact(self, request: httpx.Request) -> dict[str, Any]:
        if request.url.params["access_token"] != "t1":
            return {"errcode": 42001}
        return {
            "errcode": 0,
            "external_contact": {"external_userid": self.CUSTOMER, "name": "李雷", "gender": 1},
            "follow_user": [{"userid": "zhangsan", "remark_mobiles": ["13800138000"]}],
        }

    async def test_a_customer_is_fetched(self) -> None:
        vendor = FakeVendor({"/cgi-bin/gettoken": self.token, "/cgi-bin/externalcontact/get": self.contact})
        item = await client_of(WECOM, vendor, **WECOM_SECRETS).fetch(self.ERRAND)
        assert item.names_person
        lead = WECOM.readers[item.kind](item.body)
        assert isinstance(lead, HookLead)
        assert lead.personal_id == self.CUSTOMER
        assert lead.fields == {"phone": "13800138000", "name": "李雷", "gender": "male"}

    async def test_a_token_that_has_expired_is_got_anew_once(self) -> None:
        tokens = iter(["old", "t1"])
        vendor = FakeVendor(
            {
                "/cgi-bin/gettoken": lambda _request: {"errcode": 0, "access_token": next(tokens)},
                "/cgi-bin/externalcontact/get": self.contact,
            }
        )
        await client_of(WECOM, vendor, **WECOM_SECRETS).fetch(self.ERRAND)
        assert [request.url.path.rpartition("/")[2] for request in vendor.asked] == [
            *("gettoken", "get"),
            *("gettoken", "get"),
        ]

    @pytest.mark.parametrize(
        ("code", "verdict"),
        [(84061, LeadGone), (45009, VendorBusy), (40001, VendorTokenRefused), (99, VendorUnavailable)],
    )
    async def test_codes_count_where_every_status_is_200(self, code: int, verdict: type[Exception]) -> None:
        vendor = FakeVendor(
            {
                "/cgi-bin/gettoken": self.token,
                "/cgi-bin/externalcontact/get": lambda _request: {"errcode": code},
            }
        )
        with pytest.raises(verdict):
            await client_of(WECOM, vendor, **WECOM_SECRETS).fetch(self.ERRAND)

    async def test_conversations_are_listed_and_staff_are_passed_over(self) -> None:
        moment = SINCE // SECOND

        def messages(request: httpx.Request) -> dict[str, Any]:
            if "cursor" in body_of(request):
                late = {"origin": 3, "external_userid": self.CUSTOMER, "send_time": UNTIL // SECOND}
                return {"errcode": 0, "has_more": 0, "next_cursor": "c2", "msg_list": [late]}
            entered = {"event_type": "enter_session", "external_userid": self.CUSTOMER, "scene": "fair"}
            listed = [
                {"msgtype": "event", "origin": 4, "send_time": moment, "event": entered},
                {"msgtype": "text", "origin": 5, "send_time": moment, "external_userid": self.CUSTOMER},
                {"msgtype": "text", "origin": 3, "send_time": moment + 5, "external_userid": self.CUSTOMER},
            ]
            return {"errcode": 0, "has_more": 1, "next_cursor": "c1", "msg_list": listed}

        vendor = FakeVendor(
            {
                "/cgi-bin/gettoken": self.token,
                "/cgi-bin/kf/account/list": lambda _request: {
                    "errcode": 0,
                    "account_list": [{"open_kfid": "kf1"}],
                },
                "/cgi-bin/kf/sync_msg": messages,
            }
        )
        entered, wrote = await all_leads(client_of(WECOM, vendor, **WECOM_SECRETS))
        assert read(WECOM, entered).campaign == "fair"
        assert read(WECOM, wrote).act == ("Chat Started", {})
        assert entered.message_id == wrote.message_id
