"""Seals: what is opened is what was sealed, by whom and about what it was sealed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.security.sealing import SealBroken, Sealing

PEPPER = b"a pepper for the tests, 32 bytes"
SEALING = Sealing(PEPPER, purpose="tests")


class TestSealing:
    @given(st.binary(max_size=200), st.text(max_size=20))
    def test_gives_back_what_was_sealed(self, plain: bytes, about: str) -> None:
        assert SEALING.open(SEALING.seal(plain, about=about), about=about) == plain

    def test_seals_the_same_differently_each_time(self) -> None:
        assert SEALING.seal(b"secret", about="a") != SEALING.seal(b"secret", about="a")

    def test_shows_nothing_of_it(self) -> None:
        assert b"secret" not in SEALING.seal(b"secret", about="a")

    @given(st.integers(min_value=0, max_value=33))
    def test_notices_every_flipped_byte(self, place: int) -> None:
        sealed = bytearray(SEALING.seal(b"secret", about="a"))
        sealed[place] ^= 1
        with pytest.raises(SealBroken):
            SEALING.open(bytes(sealed), about="a")

    @pytest.mark.parametrize(
        ("other", "about"),
        [
            (Sealing(b"another pepper", purpose="tests"), "a"),
            (Sealing(PEPPER, purpose="else"), "a"),
            (SEALING, "b"),
        ],
    )
    def test_opens_for_nobody_else_and_about_nothing_else(self, other: Sealing, about: str) -> None:
        with pytest.raises(SealBroken):
            other.open(SEALING.seal(b"secret", about="a"), about=about)

    @pytest.mark.parametrize("sealed", [b"", b"short", bytes(12)])
    def test_opens_nothing_that_is_no_seal(self, sealed: bytes) -> None:
        with pytest.raises(SealBroken):
            SEALING.open(sealed, about="a")
