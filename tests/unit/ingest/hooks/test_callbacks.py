"""Callbacks of WeChat and WeCom: XML that is safe to read, seals, and what is signed."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.intake import Intake
from services.ingest.providers.callbacks.seals import SealBroken, open_seal
from services.ingest.providers.callbacks.xml import XmlUnreadable, read_xml
from services.ingest.providers.port import (
    Delivery,
    DeliveryUnreadable,
    HookNotSetUp,
    Secrets,
    SignatureInvalid,
    SignatureMissing,
)
from services.ingest.providers.wechat import WECHAT
from services.ingest.providers.wecom import WECOM
from shared.kernel.ids import deterministic_id
from tests.unit.ingest.edge.house import KEY, House
from tests.unit.ingest.hooks.sealing import AES_KEY, seal, seal_plain, sign
from tests.unit.ingest.hooks.vectors import VECTORS, delivery, flipped

OPENID = "oW5Ux6ceqP-b0C-72qHEWZYk8Cr8"
CORP = "wx5823bf96d3bd56c7"
WECOM_SECRETS = Secrets({"token": "QDG6eK", "encoding_aes_key": AES_KEY, "corp_id": CORP})


def message(moment: int = 1795294800, **more: str) -> bytes:
    told = {"ToUserName": "gh_1", "FromUserName": OPENID, "CreateTime": str(moment), **more}
    return f"<xml>{''.join(f'<{name}>{text}</{name}>' for name, text in told.items())}</xml>".encode()


def wecom_vector(name: str) -> Delivery:
    vector = VECTORS[name]
    query = {parameter: [text] for parameter, text in vector["query"].items()}
    return delivery(
        vector.get("post_body", ""), method="POST" if "post_body" in vector else "GET", query=query
    )


class TestXml:
    def test_is_read_as_texts_by_name(self) -> None:
        told = read_xml(b"<xml><A><![CDATA[ a ]]></A><B>1</B><C><D>x</D><D>y</D></C><E/></xml>")
        assert told == {"A": "a", "B": "1", "C.D": "x", "E": ""}

    @pytest.mark.parametrize(
        "body",
        [
            b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><xml><A>&b;</A></xml>',
            b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><xml><A>&a;</A></xml>',
            b'<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd"><xml><A>a</A></xml>',
            b"<!DOCTYPE xml><xml/>",
            b"<xml><A>&unknown;</A></xml>",
            b"<a>" * 9 + b"</a>" * 9,
            b"<xml>" + b"<A/>" * 501 + b"</xml>",
            b"<xml><A></xml>",
            b"{}",
            b"",
            b"\xff\xfe\x00",
        ],
    )
    def test_is_refused_where_it_could_do_harm(self, body: bytes) -> None:
        with pytest.raises(XmlUnreadable):
            read_xml(body)

    @given(st.binary(max_size=200))
    @settings(deadline=None)
    def test_is_read_or_refused_whatever_the_bytes(self, body: bytes) -> None:
        try:
            told = read_xml(body)
        except XmlUnreadable:
            return
        assert all(isinstance(text, str) for text in told.values())


class TestSeals:
    @given(st.binary(max_size=300), st.text("abcdef0123456789", min_size=1, max_size=40))
    @settings(deadline=None)
    def test_give_back_what_was_put_in(self, content: bytes, owner: str) -> None:
        sealed = seal(content, owner=owner)
        assert open_seal(sealed, encoding_aes_key=AES_KEY, receive_id=owner) == content

    @given(st.binary(max_size=100))
    @settings(deadline=None)
    def test_are_opened_by_whom_they_are_for_alone(self, content: bytes) -> None:
        with pytest.raises(SealBroken):
            open_seal(seal(content, owner="somebody else"), encoding_aes_key=AES_KEY, receive_id=CORP)

    @pytest.mark.parametrize(
        "sealed",
        [
            "",
            "no base64!",
            "YWJj",
            seal_plain(bytes(32)),
            seal_plain(b"x" * 31 + b"\x21"),
            seal_plain(b"x" * 16 + b"\xff\xff\xff\xff" + b"x" * 11 + b"\x01"),
        ],
    )
    def test_that_are_broken_are_refused(self, sealed: str) -> None:
        with pytest.raises(SealBroken):
            open_seal(sealed, encoding_aes_key=AES_KEY, receive_id=CORP)

    @pytest.mark.parametrize("key", ["", "short", "*" * 43, AES_KEY + "="])
    def test_are_not_opened_by_what_is_no_key(self, key: str) -> None:
        with pytest.raises(SealBroken):
            open_seal(seal(b"x", owner=CORP), encoding_aes_key=key, receive_id=CORP)


class TestWecomVectors:
    def test_the_address_is_confirmed_with_the_bare_text(self) -> None:
        reply = WECOM.greet(wecom_vector("wechat_work_verify_url_known_sample"), WECOM_SECRETS)
        assert reply is not None
        assert reply.body == b"1616140317555161061"

    def test_a_plus_sign_that_came_as_a_blank_is_one(self) -> None:
        vector = VECTORS["wechat_work_verify_url_known_sample"]
        unescaped = "&".join(f"{name}={text}" for name, text in vector["query"].items())
        asked = delivery("", method="GET", query=parse_qs(unescaped))
        assert " " in asked.query["echostr"][0]
        assert WECOM.greet(asked, WECOM_SECRETS) is not None

    def test_a_callback_is_verified_and_opened(self) -> None:
        vector = VECTORS["wechat_work_callback"]
        WECOM.verify(wecom_vector("wechat_work_callback"), WECOM_SECRETS)
        (item,) = WECOM.split(wecom_vector("wechat_work_callback"), WECOM_SECRETS)
        assert item.body.decode() == vector["decrypted"]

    def test_a_flipped_byte_of_what_is_sealed_is_refused(self) -> None:
        vector = VECTORS["wechat_work_callback"]
        sealed = read_xml(vector["post_body"].encode())["Encrypt"].encode()
        query = {name: [text] for name, text in vector["query"].items()}
        for other in flipped(sealed):
            body = b"<xml><Encrypt><![CDATA[" + other + b"]]></Encrypt></xml>"
            with pytest.raises((SignatureInvalid, DeliveryUnreadable)):
                WECOM.verify(delivery(body, query=query), WECOM_SECRETS)

    @pytest.mark.parametrize("parameter", ["msg_signature", "timestamp", "nonce", "echostr"])
    def test_a_flipped_byte_of_the_query_is_refused(self, parameter: str) -> None:
        query = VECTORS["wechat_work_verify_url_known_sample"]["query"]
        for other in flipped(query[parameter].encode()):
            asked = {name: [text] for name, text in {**query, parameter: other.decode()}.items()}
            with pytest.raises(SignatureInvalid):
                WECOM.greet(delivery("", method="GET", query=asked), WECOM_SECRETS)

    def test_no_signature_is_asked_for(self) -> None:
        with pytest.raises(SignatureMissing):
            WECOM.verify(delivery(VECTORS["wechat_work_callback"]["post_body"]), WECOM_SECRETS)

    def test_a_token_that_is_not_set_refuses_nothing(self) -> None:
        with pytest.raises(HookNotSetUp):
            WECOM.verify(wecom_vector("wechat_work_callback"), Secrets())

    def test_a_key_that_does_not_fit_says_what_to_compare(self) -> None:
        secrets = Secrets({"token": "QDG6eK", "encoding_aes_key": "A" * 43, "corp_id": CORP})
        with pytest.raises(DeliveryUnreadable, match="compare encoding_aes_key"):
            WECOM.split(wecom_vector("wechat_work_callback"), secrets)


def wechat_ids(*bodies: bytes) -> set[str | None]:
    return {item.message_id for body in bodies for item in WECHAT.split(delivery(body), Secrets())}


class TestWechat:
    def test_what_somebody_writes_on_one_day_is_one_conversation(self) -> None:
        text = {"MsgType": "text", "Content": "x"}
        day = 86_400
        same = [message(1795294800 + later, MsgId=str(later), **text) for later in (0, 60, 3_600)]
        assert len(wechat_ids(*same)) == 1
        assert len(wechat_ids(*same, message(1795294800 + day, MsgId="9", **text))) == 2

    def test_two_followers_are_two(self) -> None:
        assert len(wechat_ids(message(MsgType="text"), message(MsgType="text", FromUserName="another"))) == 2

    def test_a_second_scan_is_an_act_of_its_own(self) -> None:
        scan = {"MsgType": "event", "Event": "SCAN", "EventKey": "fair"}
        assert len(wechat_ids(message(1795294800, **scan), message(1795294801, **scan))) == 2

    async def test_an_openid_stands_in_no_key_id_or_event(self) -> None:
        house = House()
        house.hook_secrets["website", "wechat"] = {"token": "t"}
        query = urlencode({"signature": sign("t", "1", "2"), "timestamp": "1", "nonce": "2"})
        body = message(MsgType="event", Event="subscribe", EventKey="qrscene_fair")
        answer = await house.client.post(f"/hooks/{WECHAT.name}/{KEY}?{query}", content=body)
        assert answer.text == "success"
        (record,) = house.sink.records
        (intake,) = house.understood()
        assert isinstance(intake, Intake)
        assert OPENID.encode() not in (record.key or b"")
        assert OPENID not in repr((house.ids, intake))
        (item,) = WECHAT.split(delivery(body), Secrets())
        assert item.names_person
        assert house.ids != [deterministic_id("raw", "website", item.message_id or "")]
        assert intake.external is None
        await house.client.aclose()

    async def test_the_same_follower_is_found_by_their_openid(self) -> None:
        house = House()
        house.hook_secrets["website", "wechat"] = {"token": "t"}
        query = urlencode({"signature": sign("t", "1", "2"), "timestamp": "1", "nonce": "2"})
        body = message(MsgType="event", Event="subscribe")
        await house.client.post(f"/hooks/{WECHAT.name}/{KEY}?{query}", content=body)
        lead = {"external_id": OPENID, "email": "ada@example.com", "write_key": KEY}
        await house.client.post("/v1/leads", json=lead)
        followed, told = house.understood()
        assert isinstance(followed, Intake)
        assert isinstance(told, Intake)
        assert followed.anchors[0] == told.anchors[0]
        await house.client.aclose()
