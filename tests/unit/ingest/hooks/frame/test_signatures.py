"""What signatures of vendors are compared with, and how."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.ingest.providers.port import SignatureInvalid, SignatureMissing, SignatureTooOld
from services.ingest.providers.signatures import (
    hmac_base64,
    hmac_hex,
    require_recent,
    require_signature,
    sha1_of_sorted,
)
from shared.kernel.instants import MINUTE
from tests.unit.ingest.hooks.vectors import VECTORS, flipped


class TestSignatures:
    def test_are_made_as_the_vectors_have_them(self) -> None:
        meta = VECTORS["meta_x_hub_signature_256"]
        assert meta["header"].endswith(f"sha256={hmac_hex(meta['app_secret'], meta['body'].encode())}")
        typeform = VECTORS["typeform_signature"]
        assert typeform["header"].endswith(
            f"sha256={hmac_base64(typeform['secret'], typeform['body'].encode())}"
        )
        wecom = VECTORS["wechat_work_verify_url_known_sample"]
        query = wecom["query"]
        made = sha1_of_sorted(wecom["token"], query["timestamp"], query["nonce"], query["echostr"])
        assert made == query["msg_signature"]

    def test_fit_one_of_those_that_would_be_right(self) -> None:
        require_signature("b", "a", "b")

    @pytest.mark.parametrize("given", [None, ""])
    def test_are_asked_for(self, given: str | None) -> None:
        with pytest.raises(SignatureMissing):
            require_signature(given, "a")

    @pytest.mark.parametrize("given", ["b", "aa", "A", "é", "a" * 100_000])
    def test_that_do_not_fit_are_refused(self, given: str) -> None:
        with pytest.raises(SignatureInvalid):
            require_signature(given, "a")

    def test_differ_for_every_byte(self) -> None:
        body = VECTORS["meta_x_hub_signature_256"]["body"].encode()
        right = hmac_hex("s3cr3t", body)
        assert all(hmac_hex("s3cr3t", other) != right for other in flipped(body))


class TestAge:
    @pytest.mark.parametrize("distance", [-3 * MINUTE, 0, 3 * MINUTE])
    def test_may_be_some_minutes_either_way(self, distance: int) -> None:
        require_recent(10 * MINUTE + distance, received=10 * MINUTE, within=timedelta(minutes=3))

    @pytest.mark.parametrize("distance", [-3 * MINUTE - 1, 3 * MINUTE + 1])
    def test_may_not_be_more(self, distance: int) -> None:
        with pytest.raises(SignatureTooOld):
            require_recent(10 * MINUTE + distance, received=10 * MINUTE, within=timedelta(minutes=3))
