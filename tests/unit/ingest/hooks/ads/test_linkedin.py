"""LinkedIn: challenge, signature, ids in URNs."""

from __future__ import annotations

import msgspec
import pytest

from services.ingest.providers.linkedin import LINKEDIN
from services.ingest.providers.linkedin.mapping import tail_of
from services.ingest.providers.port import Secrets, SignatureInvalid, SignatureMissing
from tests.unit.ingest.hooks.vectors import VECTORS, delivery, flipped

VECTOR = VECTORS["linkedin_x_li_signature"]
BODY: bytes = VECTOR["body"].encode()
SIGNATURE: str = VECTOR["header"].partition(": ")[2]
SECRETS = Secrets({"client_secret": VECTOR["clientSecret"]})
STRICT = Secrets({"client_secret": VECTOR["clientSecret"], "require_signature": "yes"})


class TestChallenge:
    def test_of_the_vector_is_answered(self) -> None:
        vector = VECTORS["linkedin_challenge"]
        code = vector["response_body"]["challengeCode"]
        reply = LINKEDIN.greet(delivery(method="GET", query={"challengeCode": [code]}), SECRETS)
        assert reply is not None
        assert (reply.status, reply.media_type) == (200, "application/json")
        assert msgspec.json.decode(reply.body) == vector["response_body"]

    def test_is_neither_a_delivery_nor_an_empty_question(self) -> None:
        assert LINKEDIN.greet(delivery(BODY), SECRETS) is None
        assert LINKEDIN.greet(delivery(method="GET"), SECRETS) is None


class TestSignature:
    def test_of_the_vector_fits(self) -> None:
        LINKEDIN.verify(delivery(BODY, x_li_signature=SIGNATURE), STRICT)

    def test_fails_on_any_flipped_byte(self) -> None:
        for other in flipped(BODY):
            with pytest.raises(SignatureInvalid):
                LINKEDIN.verify(delivery(other, x_li_signature=SIGNATURE), SECRETS)

    def test_must_be_there_only_where_a_source_demands_it(self) -> None:
        LINKEDIN.verify(delivery(BODY), SECRETS)
        with pytest.raises(SignatureMissing):
            LINKEDIN.verify(delivery(BODY), STRICT)


class TestUrns:
    @pytest.mark.parametrize(
        ("urn", "tail"),
        [
            ("urn:li:leadGenFormResponse:1a2b3c-4", "1a2b3c-4"),
            ("urn:li:versionedLeadGenForm:(urn:li:leadGenForm:3162,1)", "3162"),
            ("urn:li:versionedLeadGenForm:(urn:li:leadGenForm:1, 1)", "1"),
            ("urn:li:sponsoredCreative:7126711421177430274", "7126711421177430274"),
            ("3162", "3162"),
            (3162, "3162"),
            ("", None),
            (None, None),
            ("urn:li:x:", None),
        ],
    )
    def test_end_with_an_id(self, urn: object, tail: str | None) -> None:
        assert tail_of(urn) == tail
