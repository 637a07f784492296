"""TikTok: two kinds of signatures, and a thousand leads at once."""

from __future__ import annotations

import pytest

from services.ingest.providers.port import Secrets, SignatureInvalid, SignatureMissing, SignatureTooOld
from services.ingest.providers.signatures import escape_unicode, hmac_hex
from services.ingest.providers.tiktok import TIKTOK
from services.ingest.providers.tiktok.mapping import read_lead
from shared.kernel.instants import MINUTE, SECOND
from tests.unit.ingest.hooks.vectors import delivery, flipped
from tests.unit.ingest.requests import RECEIVED

SECRETS = Secrets({"app_secret": "s3cr3t"})
BODY = '{"entry":[{"id":7126711421177430274,"changes":[{"field":"name","value":"Jörg 🙂"}]}]}'.encode()
NOW = str(RECEIVED // SECOND)


def timed(time: str, body: bytes = BODY) -> str:
    return f"t={time},s={hmac_hex('s3cr3t', time.encode() + b'.' + body)}"


class TestOpenSignature:
    @pytest.mark.parametrize("signed", [BODY, escape_unicode(BODY)])
    def test_is_over_the_body_or_its_escaped_form(self, signed: bytes) -> None:
        TIKTOK.verify(delivery(BODY, x_open_signature=hmac_hex("s3cr3t", signed)), SECRETS)

    def test_fails_on_any_flipped_byte(self) -> None:
        signature = hmac_hex("s3cr3t", BODY)
        for other in flipped(BODY):
            with pytest.raises(SignatureInvalid):
                TIKTOK.verify(delivery(other, x_open_signature=signature), SECRETS)

    def test_is_escaped_with_both_halves_of_a_surrogate_pair(self) -> None:
        assert escape_unicode('"ö🙂a"'.encode()) == rb'"\u00f6\ud83d\ude42a"'
        assert escape_unicode(b"\xff") == b"\xff"


class TestTimedSignature:
    def test_fits(self) -> None:
        TIKTOK.verify(delivery(BODY, tiktok_signature=timed(NOW)), SECRETS)

    def test_fails_on_any_flipped_byte(self) -> None:
        for other in flipped(BODY):
            with pytest.raises(SignatureInvalid):
                TIKTOK.verify(delivery(other, tiktok_signature=timed(NOW)), SECRETS)

    @pytest.mark.parametrize("distance", [-6, 6])
    def test_grows_old(self, distance: int) -> None:
        then = str((RECEIVED + distance * MINUTE) // SECOND)
        with pytest.raises(SignatureTooOld):
            TIKTOK.verify(delivery(BODY, tiktok_signature=timed(then)), SECRETS)

    @pytest.mark.parametrize("header", ["t=,s=x", "s=x", f"t={NOW},s=x", "t=٣,s=x", "t=1e9,s=x", "x"])
    def test_that_is_none_is_refused(self, header: str) -> None:
        with pytest.raises(SignatureInvalid):
            TIKTOK.verify(delivery(BODY, tiktok_signature=header), SECRETS)

    def test_without_a_signature_is_missing_one(self) -> None:
        with pytest.raises(SignatureMissing):
            TIKTOK.verify(delivery(BODY, tiktok_signature=f"t={NOW}"), SECRETS)


class TestDelivery:
    def test_needs_a_signature_only_where_a_secret_is_set(self) -> None:
        TIKTOK.verify(delivery(BODY), Secrets())
        with pytest.raises(SignatureMissing):
            TIKTOK.verify(delivery(BODY), SECRETS)

    def test_may_hold_a_thousand_leads(self) -> None:
        first = 7126711421177430274
        entries = ",".join(f'{{"id":{first + n}, "x": 1}}' for n in range(1000))
        items = TIKTOK.split(delivery(f'{{"entry":[{entries}]}}'), Secrets())
        assert [read_lead(item.body).external_id for item in items] == [str(first + n) for n in range(1000)]
        assert items[0].body == b'{"id":7126711421177430274, "x": 1}'
