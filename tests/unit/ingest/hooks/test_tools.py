"""Typeform, Calendly, HubSpot and plain webhooks: what is signed, and what bodies may look like."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.dialects.hooks import HookLead
from services.ingest.providers.calendly import CALENDLY
from services.ingest.providers.hubspot import HUBSPOT
from services.ingest.providers.payloads import BodyUnreadable, read_object, split_array
from services.ingest.providers.port import (
    Delivery,
    DeliveryUnreadable,
    Provider,
    Secrets,
    SignatureInvalid,
    SignatureMissing,
    SignatureTooOld,
)
from services.ingest.providers.signatures import hmac_base64
from services.ingest.providers.typeform import TYPEFORM
from services.ingest.providers.typeform.mapping import read_response
from services.ingest.providers.webhook import WEBHOOK
from shared.kernel.instants import MINUTE, SECOND
from tests.unit.ingest.hooks.vectors import VECTORS, delivery, flipped

Make = Callable[..., Delivery]
SIGNED = 1795291200 * SECOND
TYPEFORM_SECRETS = Secrets({"secret": "s3cr3t"})
CALENDLY_SECRETS = Secrets({"signing_key": "s3cr3t"})
HUBSPOT_SECRETS = Secrets({"client_secret": "s3cr3t"})
HUBSPOT_URL = VECTORS["hubspot_signature_v3"]["uri"]


def typeform(body: bytes, signature: str | None = None) -> Delivery:
    header = VECTORS["typeform_signature"]["header"].partition(": ")[2]
    return delivery(body, typeform_signature=header if signature is None else signature)


def calendly(body: bytes, signature: str | None = None, *, received: int = SIGNED) -> Delivery:
    header = VECTORS["calendly_webhook_signature"]["header"].partition(": ")[2]
    return delivery(
        body, received=received, calendly_webhook_signature=header if signature is None else signature
    )


def hubspot(
    body: bytes, signature: str | None = None, *, received: int = SIGNED, url: str = HUBSPOT_URL
) -> Delivery:
    headers = VECTORS["hubspot_signature_v3"]["headers"]
    return delivery(
        body,
        url=url,
        received=received,
        x_hubspot_request_timestamp=headers["X-HubSpot-Request-Timestamp"],
        x_hubspot_signature_v3=headers["X-HubSpot-Signature-v3"] if signature is None else signature,
    )


VENDORS = pytest.mark.parametrize(
    ("provider", "secrets", "make", "vector"),
    [
        (TYPEFORM, TYPEFORM_SECRETS, typeform, "typeform_signature"),
        (CALENDLY, CALENDLY_SECRETS, calendly, "calendly_webhook_signature"),
        (HUBSPOT, HUBSPOT_SECRETS, hubspot, "hubspot_signature_v3"),
    ],
)


@VENDORS
class TestSignedVendors:
    def test_take_the_vector(self, provider: Provider, secrets: Secrets, make: Make, vector: str) -> None:
        provider.verify(make(VECTORS[vector]["body"].encode()), secrets)

    def test_refuse_any_flipped_byte(
        self, provider: Provider, secrets: Secrets, make: Make, vector: str
    ) -> None:
        for other in flipped(VECTORS[vector]["body"].encode()):
            with pytest.raises(SignatureInvalid):
                provider.verify(make(other), secrets)

    def test_refuse_another_secret(
        self, provider: Provider, secrets: Secrets, make: Make, vector: str
    ) -> None:
        (name,) = (secret.name for secret in provider.secrets if not secret.is_optional)
        with pytest.raises(SignatureInvalid):
            provider.verify(make(VECTORS[vector]["body"].encode()), Secrets({name: "another"}))

    def test_ask_for_a_signature(self, provider: Provider, secrets: Secrets, make: Make, vector: str) -> None:
        with pytest.raises(SignatureMissing):
            provider.verify(make(VECTORS[vector]["body"].encode(), ""), secrets)


class TestCalendly:
    BODY = VECTORS["calendly_webhook_signature"]["body"].encode()

    @pytest.mark.parametrize("late", [-3 * MINUTE, 3 * MINUTE])
    def test_is_taken_for_three_minutes(self, late: int) -> None:
        CALENDLY.verify(calendly(self.BODY, received=SIGNED + late), CALENDLY_SECRETS)

    @pytest.mark.parametrize("late", [-3 * MINUTE - 1, 3 * MINUTE + 1])
    def test_is_too_old_after_that(self, late: int) -> None:
        with pytest.raises(SignatureTooOld):
            CALENDLY.verify(calendly(self.BODY, received=SIGNED + late), CALENDLY_SECRETS)

    def test_signs_its_time(self) -> None:
        header = VECTORS["calendly_webhook_signature"]["header"].partition(": ")[2]
        later = header.replace("t=1795291200", "t=1795291201")
        with pytest.raises(SignatureInvalid):
            CALENDLY.verify(calendly(self.BODY, later), CALENDLY_SECRETS)

    @pytest.mark.parametrize("header", ["t=1795291200", "v1=", "nonsense", "t=,v1=", ",,,", "=,="])
    def test_asks_for_both_halves(self, header: str) -> None:
        with pytest.raises((SignatureMissing, SignatureInvalid)):
            CALENDLY.verify(calendly(self.BODY, header), CALENDLY_SECRETS)


class TestHubspot:
    BODY = VECTORS["hubspot_signature_v3"]["body"].encode()

    @pytest.mark.parametrize("late", [-5 * MINUTE, 5 * MINUTE])
    def test_is_taken_for_five_minutes(self, late: int) -> None:
        HUBSPOT.verify(hubspot(self.BODY, received=SIGNED + late), HUBSPOT_SECRETS)

    @pytest.mark.parametrize("late", [-5 * MINUTE - 1, 5 * MINUTE + 1])
    def test_is_too_old_after_that(self, late: int) -> None:
        with pytest.raises(SignatureTooOld):
            HUBSPOT.verify(hubspot(self.BODY, received=SIGNED + late), HUBSPOT_SECRETS)

    def test_signs_the_address(self) -> None:
        with pytest.raises(SignatureInvalid):
            HUBSPOT.verify(hubspot(self.BODY, url=f"{HUBSPOT_URL}2"), HUBSPOT_SECRETS)

    def test_may_sign_the_address_with_its_percent_signs_taken_back(self) -> None:
        told = "https://in.example.com/hooks/hubspot/k?note=a b"
        stamp = "1795291200000"
        signature = hmac_base64("s3cr3t", b"POST" + told.encode() + b"[]" + stamp.encode())
        called = hubspot(b"[]", signature, url=told.replace(" ", "%20"))
        HUBSPOT.verify(called, HUBSPOT_SECRETS)

    def test_takes_no_second_version_under_the_name_of_the_third(self) -> None:
        with pytest.raises(SignatureMissing):
            HUBSPOT.verify(delivery(b"[]", x_hubspot_signature="0" * 64), HUBSPOT_SECRETS)


class TestWebhook:
    def test_without_a_token_the_address_must_do(self) -> None:
        WEBHOOK.verify(delivery(b"{}"), Secrets())

    @pytest.mark.parametrize("header", ["Bearer t", "bearer  t"])
    def test_a_token_may_come_as_bearer(self, header: str) -> None:
        WEBHOOK.verify(delivery(b"{}", authorization=header), Secrets({"token": "t"}))

    def test_a_token_may_come_in_a_header_of_its_own(self) -> None:
        WEBHOOK.verify(delivery(b"{}", x_webhook_token="t"), Secrets({"token": "t"}))

    def test_a_token_that_is_set_must_come(self) -> None:
        with pytest.raises(SignatureMissing):
            WEBHOOK.verify(delivery(b"{}"), Secrets({"token": "t"}))
        with pytest.raises(SignatureInvalid):
            WEBHOOK.verify(delivery(b"{}", authorization="Bearer other"), Secrets({"token": "t"}))

    def test_the_same_entry_within_ten_minutes_is_one(self) -> None:
        def id_at(moment: int) -> str | None:
            (item,) = WEBHOOK.split(delivery(b'{"email":"a@example.com"}', received=moment), Secrets())
            return item.message_id

        start = SIGNED - SIGNED % (10 * MINUTE)
        assert id_at(start) == id_at(start + 10 * MINUTE - 1)
        assert id_at(start) != id_at(start + 10 * MINUTE)

    @pytest.mark.parametrize("body", [b"", b"[", b"[1]", b'"text"', b"null", b"{", b"--", b"[[]]", b"\xff"])
    def test_what_has_no_fields_is_refused(self, body: bytes) -> None:
        with pytest.raises(DeliveryUnreadable):
            WEBHOOK.split(delivery(body), Secrets())


class TestPayloads:
    @given(st.binary(max_size=200))
    @settings(deadline=None)
    def test_are_read_or_refused_whatever_the_bytes(self, body: bytes) -> None:
        try:
            items = [read_object(item) for item in split_array(body)]
        except BodyUnreadable:
            return
        assert all(isinstance(item, dict) for item in items)

    def test_of_a_form_keep_all_values_of_a_name(self) -> None:
        assert read_object(b"a=1&a=2&b=&c=%E5%85%AC") == {"a": "1, 2", "c": "公"}

    def test_of_a_multipart_form_are_read_too(self) -> None:
        body = b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\na@example.com\r\n--x--\r\n'
        assert read_object(body) == {"email": "a@example.com"}

    def test_of_a_list_keep_their_bytes(self) -> None:
        assert split_array(b'\xef\xbb\xbf[{"a": 1.0}, {"b":"\\u00e4"}]') == [
            b'{"a": 1.0}',
            b'{"b":"\\u00e4"}',
        ]


class TestTypeform:
    @pytest.mark.parametrize(
        ("reference", "name"),
        [
            ("company", "company_name"),
            ("9a489f17-8765-494b-933e-3624c645bd0c", "company_name"),
            ("", "company_name"),
        ],
    )
    def test_a_question_goes_by_its_reference_or_its_text(self, reference: str, name: str) -> None:
        reading = read_response(
            b'{"event_type":"form_response","form_response":{"definition":{"fields":'
            b'[{"id":"q","title":"Company"}]},"answers":[{"type":"text","text":"Mill Ltd","field":'
            b'{"id":"q","ref":"' + reference.encode() + b'"}}]}}'
        )
        assert isinstance(reading, HookLead)
        assert list(reading.fields.values()) == ["Mill Ltd"]
        assert next(iter(reading.fields)).lower() == "company"
