"""HubSpot's, WeCom's and Ocean Engine's errands and lists, each against a vendor on loopback."""

from __future__ import annotations

import base64
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from shared.contracts.envelope import decode_event
from shared.contracts.events.behaviour import ActRecorded, ChatStarted
from shared.kernel.instants import MILLISECOND, MINUTE, SECOND
from tests.services.ingest.hooks.mill import HookMill
from tests.services.ingest.hooks.vendor import Answer, Asked, FakeVendor, Shop, run_vendor
from tests.services.ingest.running import KEY, RunningIngest
from tests.unit.ingest.hooks.sealing import AES_KEY, seal, sign

pytestmark = pytest.mark.lasts(25)

WECOM_SECRETS = {"token": "QDG6eK", "encoding_aes_key": AES_KEY, "corp_id": "ww1", "corp_secret": "s"}
WECOM_TOKEN = {"errcode": 0, "access_token": "t", "expires_in": 7200}
CUSTOMER = "woAJ2GCAAAXtWyujaWJHDDGi0mACH71w"


class ToolMill(HookMill):
    """A tool with its API in front of it; ``shop`` maps paths to what is answered."""

    def __init__(self, ingest: RunningIngest, provider: str, vendor: FakeVendor) -> None:
        super().__init__(ingest, provider)
        self.vendor = vendor

    @property
    def now(self) -> int:
        return self.ingest.resources.clock.now()

    async def deliver(self, body: bytes, query: str = "", **headers: str) -> None:
        answer = await self.ingest.client.post(
            f"/hooks/{self.provider}/{KEY}{query}",
            content=body,
            headers={name.replace("_", "-"): text for name, text in headers.items()},
        )
        assert answer.status_code == 200, answer.text


@asynccontextmanager
async def open_mill(
    ingest: RunningIngest, provider: str, shop: dict[str, Any], **given: str
) -> AsyncIterator[ToolMill]:
    """Set a provider up whose API answers by path; what is callable is asked with the request."""

    def answer(asked: Asked) -> Answer:
        told = shop.get(asked.path, Answer(404, {}))
        told = told(asked) if callable(told) else told
        return told if isinstance(told, Answer) else Answer(200, told)

    asking: Shop = answer
    async with run_vendor(asking) as vendor:
        mill = ToolMill(ingest, provider, vendor)
        await mill.desk.save(provider, "website", {**given, "api_address": vendor.address})
        yield mill


class TestHubspot:
    CONTACT = "/crm/v3/objects/contacts/123"

    @staticmethod
    async def notify(mill: ToolMill, change: str, number: int, **more: object) -> None:
        event = {
            "eventId": number,
            "subscriptionId": 1,
            "portalId": 2,
            "objectId": 123,
            "occurredAt": mill.now // MILLISECOND,
            "subscriptionType": f"contact.{change}",
            **more,
        }
        body = msgspec.json.encode([event])
        stamp = str(mill.now // MILLISECOND)
        signed = f"POSThttp://test/hooks/hubspot/{KEY}".encode() + body + stamp.encode()
        signature = base64.b64encode(hmac.digest(b"s3cr3t", signed, "sha256")).decode()
        await mill.deliver(body, x_hubspot_request_timestamp=stamp, x_hubspot_signature_v3=signature)

    @staticmethod
    def contact(title: str = "CEO") -> dict[str, Any]:
        properties = {"email": "ada@engines.example", "firstname": "Ada", "jobtitle": title}
        return {"id": "123", "properties": properties, "updatedAt": "2026-11-21T20:00:00.000Z"}

    async def test_a_new_contact_is_fetched_and_one_deleted_for_privacy_erased(
        self, ingest: RunningIngest
    ) -> None:
        given = {"client_secret": "s3cr3t", "access_token": "t"}
        async with open_mill(ingest, "hubspot", {self.CONTACT: self.contact()}, **given) as mill:
            await self.notify(mill, "creation", 1)
            await mill.settle(1)
            assert mill.vendor.asked == []
            await mill.run_errands()
            await self.notify(mill, "propertyChange", 2, propertyName="company", propertyValue="Mill Ltd")
            await mill.settle(3)
            (lead,) = await ingest.find(email="ada@engines.example")
            assert lead["external_ids"] == [{"source": "website", "id": "123"}]
            assert lead["company_name"] == "Mill Ltd"
            assert lead["attributes"]["title_level"] == "cxo"
            await self.notify(mill, "privacyDeletion", 3)
            await mill.settle(4)
            await mill.run_errands()
            assert await mill.errand() is None
            assert await ingest.find(email="ada@engines.example") == []
            assert await ingest.breaches() == {}

    async def test_a_new_contact_waits_for_a_token(self, ingest: RunningIngest) -> None:
        async with open_mill(ingest, "hubspot", {}, client_secret="s3cr3t") as mill:
            await self.notify(mill, "creation", 1)
            await mill.settle(1)
            await mill.run_errands()
            assert await mill.errand() == ("waiting", 1, "hook.not_set_up")
            assert mill.vendor.asked == []

    async def test_a_contact_that_no_notification_told_of_is_found(self, ingest: RunningIngest) -> None:
        found = {"results": [self.contact()]}
        shop = {"/crm/v3/objects/contacts/search": found}
        given = {"client_secret": "s3cr3t", "access_token": "t"}
        async with open_mill(ingest, "hubspot", shop, **given) as mill:
            await mill.look()
            await mill.settle(1)
            await mill.look()
            (lead,) = await ingest.find(email="ada@engines.example")
            found["results"] = [{**self.contact("Intern"), "updatedAt": "2026-11-21T20:00:01.000Z"}]
            await mill.look()
            await mill.settle(2)
            (again,) = await ingest.find(email="ada@engines.example")
            assert again["id"] == lead["id"]
            assert again["attributes"]["student"] is True


class TestWecom:
    async def test_a_customer_who_was_added_gets_a_name(self, ingest: RunningIngest) -> None:
        contact = {
            "errcode": 0,
            "external_contact": {"external_userid": CUSTOMER, "name": "李雷", "corp_name": "示例科技"},
            "follow_user": [{"userid": "zhangsan", "remark_mobiles": ["13800138000"]}],
        }
        shop = {"/cgi-bin/gettoken": WECOM_TOKEN, "/cgi-bin/externalcontact/get": contact}
        async with open_mill(ingest, "wecom", shop, **WECOM_SECRETS) as mill:
            told = {
                "MsgType": "event",
                "Event": "change_external_contact",
                "UserID": "zhangsan",
                "ChangeType": "add_external_contact",
                "ExternalUserID": CUSTOMER,
                "State": "spring-fair",
                "CreateTime": str(mill.now // SECOND - 60),
            }
            inner = "".join(f"<{name}><![CDATA[{text}]]></{name}>" for name, text in told.items())
            sealed = seal(f"<xml>{inner}</xml>".encode(), owner="ww1")
            query = f"?timestamp=1&nonce=2&msg_signature={sign('QDG6eK', '1', '2', sealed)}"
            await mill.deliver(f"<xml><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>".encode(), query)
            await mill.settle(2)
            await mill.run_errands()
            await mill.settle(3)
            (lead,) = await ingest.find(phone="13800138000")
            assert (lead["name"], lead["company_name"]) == ("李雷", "示例科技")
            (act,) = [decode_event(one) for one in await ingest.said("leadmill.behaviour")]
            assert isinstance(act, ActRecorded)
            assert act.acquisition is not None
            assert (act.name, act.acquisition.campaign) == ("Contact Added", "spring-fair")
            assert act.lead == lead["id"]

    async def test_a_conversation_is_found_once_and_tells_its_campaign(self, ingest: RunningIngest) -> None:
        moment = ingest.resources.clock.now() // SECOND
        entered = {"event_type": "enter_session", "external_userid": CUSTOMER, "scene_param": "spring-fair"}
        messages = [
            {"msgid": "1", "origin": 4, "send_time": moment - 2, "event": entered},
            {"msgid": "2", "origin": 5, "send_time": moment - 1, "external_userid": CUSTOMER},
            {"msgid": "3", "origin": 3, "send_time": moment - 1, "external_userid": CUSTOMER},
        ]
        shop = {
            "/cgi-bin/gettoken": WECOM_TOKEN,
            "/cgi-bin/kf/account/list": {"errcode": 0, "account_list": [{"open_kfid": "kf1"}]},
            "/cgi-bin/kf/sync_msg": {"errcode": 0, "has_more": 0, "msg_list": messages},
        }
        async with open_mill(ingest, "wecom", shop, **WECOM_SECRETS) as mill:
            await mill.look()
            await mill.settle(1)
            await mill.look()
            (chat,) = [decode_event(one) for one in await ingest.said("leadmill.behaviour")]
            assert isinstance(chat, ChatStarted)
            assert chat.acquisition is not None
            assert chat.acquisition.campaign == "spring-fair"


class TestOceanEngine:
    async def test_a_lead_that_was_never_pushed_is_found_and_one_that_was_is_not_told_twice(
        self, ingest: RunningIngest
    ) -> None:
        moment = str((ingest.resources.clock.now() - MINUTE) // SECOND)
        pushed = {"id": "7301", "telphone": "13800138000", "create_time": moment}
        missed = {"id": 7302, "telphone": 13800138001, "create_time": moment}
        shop = {"/crm/v2/openapi/pull-clues/": {"count": 2, "data": [pushed, missed]}}
        async with open_mill(ingest, "ocean-engine", shop, pull_key="k", access_token="t") as mill:
            await mill.deliver(msgspec.json.encode(pushed))
            await mill.settle(1)
            await mill.look()
            await mill.settle(2)
            await mill.look()
            assert len(await ingest.find(phone="13800138000")) == 1
            assert len(await ingest.find(phone="13800138001")) == 1
            assert len(await mill.submissions()) == 2
            assert mill.vendor.asked[0].headers["access-token"] == "t"
            assert await ingest.breaches() == {}

    async def test_without_a_key_nothing_is_asked_and_nothing_is_amiss(self, ingest: RunningIngest) -> None:
        async with open_mill(ingest, "ocean-engine", {}) as mill:
            await mill.look()
            assert mill.vendor.asked == []
            assert await ingest.value("SELECT last_fault FROM hook") is None
