"""Meta: challenge, signature, and what its leads say."""

from __future__ import annotations

import msgspec
import pytest

from services.ingest.domain.dialects.hooks import Errand, HookLead
from services.ingest.providers.meta import META
from services.ingest.providers.meta.mapping import read_lead, read_notice
from services.ingest.providers.port import HookNotSetUp, Secrets, SignatureInvalid, SignatureMissing
from services.ingest.providers.signatures import escape_unicode, hmac_hex
from shared.kernel.instants import parse_instant
from tests.unit.ingest.hooks.vectors import VECTORS, delivery, flipped

VECTOR = VECTORS["meta_x_hub_signature_256"]
BODY: bytes = VECTOR["body"].encode()
SIGNATURE: str = VECTOR["header"].partition(": ")[2]
SECRETS = Secrets({"app_secret": VECTOR["app_secret"], "verify_token": "made up", "page_token": "t"})


class TestSignature:
    def test_of_the_vector_fits(self) -> None:
        META.verify(delivery(BODY, x_hub_signature_256=SIGNATURE), SECRETS)

    def test_fails_on_any_flipped_byte(self) -> None:
        for other in flipped(BODY):
            with pytest.raises(SignatureInvalid):
                META.verify(delivery(other, x_hub_signature_256=SIGNATURE), SECRETS)
        for other in flipped(SIGNATURE.encode()):
            with pytest.raises(SignatureInvalid):
                META.verify(delivery(BODY, x_hub_signature_256=other.decode("latin-1")), SECRETS)

    def test_may_be_over_the_escaped_form(self) -> None:
        body = '{"object":"page","entry":[],"x":"äöå"}'.encode()
        signature = f"sha256={hmac_hex('s3cr3t', escape_unicode(body))}"
        META.verify(delivery(body, x_hub_signature_256=signature), SECRETS)

    def test_must_be_there(self) -> None:
        with pytest.raises(SignatureMissing):
            META.verify(delivery(BODY), SECRETS)

    def test_cannot_be_checked_without_a_secret_and_is_not_refused_for_that(self) -> None:
        with pytest.raises(HookNotSetUp):
            META.verify(delivery(BODY, x_hub_signature_256=SIGNATURE), Secrets())


class TestChallenge:
    @pytest.mark.parametrize("token", [None, "", "made  up", "MADE UP"])
    def test_goes_to_nobody_who_does_not_know_the_token(self, token: str | None) -> None:
        query = {"hub.challenge": ["1"]} | ({"hub.verify_token": [token]} if token is not None else {})
        with pytest.raises((SignatureMissing, SignatureInvalid)):
            META.greet(delivery(method="GET", query=query), SECRETS)

    def test_is_no_business_of_a_delivery(self) -> None:
        assert META.greet(delivery(BODY), SECRETS) is None


class TestNotice:
    def test_keeps_every_digit_of_its_ids(self) -> None:
        found = read_notice(b'{"leadgen_id":9223372036854775807,"form_id":"9007199254740993","page_id":1}')
        assert isinstance(found, Errand)
        assert (found.external_id, found.form, found.account) == (
            "9223372036854775807",
            "9007199254740993",
            "1",
        )

    def test_without_an_id_asks_for_nothing(self) -> None:
        assert not isinstance(read_notice(b'{"form_id":"1"}'), Errand)


class TestLead:
    def read(self, **fields: object) -> HookLead:
        return read_lead(msgspec.json.encode({"id": "1", **fields}))

    @pytest.mark.parametrize(
        ("told", "moment"),
        [
            ("2026-11-21T20:30:00+0000", "2026-11-21T20:30:00Z"),
            ("2026-11-21T22:30:00+0200", "2026-11-21T20:30:00Z"),
            (1795293000, "2026-11-21T20:30:00Z"),
            ("1795293000", "2026-11-21T20:30:00Z"),
        ],
    )
    def test_happened_when_it_says(self, told: object, moment: str) -> None:
        assert self.read(created_time=told).occurred == parse_instant(moment)

    @pytest.mark.parametrize("told", ["yesterday", "2026-11-21T20:30:00", -1, 1e30, None, [], "9" * 50])
    def test_happened_when_it_came_in_where_it_does_not_say(self, told: object) -> None:
        assert self.read(created_time=told).occurred is None

    def test_keeps_all_answers_to_one_question(self) -> None:
        answers = [{"name": "which?", "values": ["a", "b"]}, {"name": "email", "values": ["x@y.test", "z"]}]
        assert self.read(field_data=answers).fields == {"email": "x@y.test", "which?": ["a", "b"]}
