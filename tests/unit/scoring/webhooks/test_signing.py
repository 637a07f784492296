"""Signatures, by the vectors of the Standard Webhooks and by our own."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.webhooks.signing import KEY_BYTES, key_of, secret_of, sign
from shared.kernel.instants import SECOND


def test_the_vector_that_the_standards_own_libraries_are_tested_with() -> None:
    """From the tests of the reference libraries (`standardwebhooks`, Python, JavaScript, Go and others)."""
    headers = sign(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        message="msg_p5jXN8AQM9LWM0D4loKWxJek",
        at=1_614_265_330 * SECOND,
        body=b'{"test": 2432232314}',
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_vector_made_with_standardwebhooks_1_1_0() -> None:
    headers = sign(
        ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
        message="msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
        at=1_795_291_200 * SECOND,
        body=b'{"type":"lead.tier_changed","timestamp":"2026-11-21T20:00:00Z",'
        b'"data":{"lead_id":"ld_1","from":"warm","to":"hot"}}',
    )
    assert headers["webhook-signature"] == "v1,l5kP09HJjaAR+W87leqZhpeC0LsbxiW17/pOqhPgKMY="


def test_each_live_secret_signs_and_any_one_of_them_will_do() -> None:
    old, new = secret_of(b"o" * KEY_BYTES), secret_of(b"n" * KEY_BYTES)

    def signature(*secrets: str) -> str:
        return sign(secrets, message="msg", at=SECOND, body=b"{}")["webhook-signature"]

    assert signature(new, old).split(" ") == [signature(new), signature(old)]
    assert signature(new) != signature(old)


@given(st.binary(min_size=24, max_size=64))
def test_a_secret_is_its_key_in_base64(key: bytes) -> None:
    secret = secret_of(key)
    assert key_of(secret) == key
    assert base64.b64decode(secret.removeprefix("whsec_")) == key


@pytest.mark.parametrize("text", ["", "c2VjcmV0", "whsec_not base64!", "sk_c2VjcmV0"])
def test_what_is_no_secret_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        key_of(text)


@pytest.mark.parametrize("other", [{"message": "m2"}, {"at": 2 * SECOND}, {"body": b"[]"}])
def test_id_time_and_body_are_all_signed(other: dict[str, object]) -> None:
    given_: dict[str, object] = {"message": "m", "at": SECOND, "body": b"{}"}
    secrets = [secret_of(b"k" * KEY_BYTES)]
    first = sign(secrets, **given_)  # type: ignore[arg-type]
    second = sign(secrets, **{**given_, **other})  # type: ignore[arg-type]
    assert first["webhook-signature"] != second["webhook-signature"]
