"""How a credential looks and how it is stored."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from shared.security.credentials import (
    equal_in_constant_time,
    fingerprint,
    is_well_formed,
    mint_credential,
    public_id,
)

PEPPER = b"p" * 32


class TestACredential:
    def test_has_a_prefix_that_scanners_recognise_and_one_length(self) -> None:
        for _ in range(200):
            assert re.fullmatch(r"lmw_[0-9A-Za-z]{49}", mint_credential("lmw"))

    def test_is_never_the_same_twice(self) -> None:
        assert len({mint_credential("lmw") for _ in range(1_000)}) == 1_000

    def test_is_recognised_by_its_checksum(self) -> None:
        minted = mint_credential("lmw")
        assert is_well_formed(minted, prefix="lmw")
        assert not is_well_formed(minted, prefix="lmt")
        assert not is_well_formed(minted[:-1], prefix="lmw")
        assert not is_well_formed(minted + "0", prefix="lmw")

    @given(place=st.integers(4, 52), other=st.sampled_from("0aZ9"))
    def test_with_one_character_changed_is_not(self, place: int, other: str) -> None:
        minted = mint_credential("lmw")
        changed = minted[:place] + other + minted[place + 1 :]
        assert is_well_formed(changed, prefix="lmw") == (changed == minted)

    @given(st.text())
    def test_that_is_any_text_is_judged_without_an_error(self, text: str) -> None:
        assert not is_well_formed(text, prefix="lmw")

    def test_is_stored_under_a_hash_that_needs_the_pepper(self) -> None:
        minted = mint_credential("lmw")
        assert fingerprint(PEPPER, minted) == fingerprint(PEPPER, minted)
        assert fingerprint(PEPPER, minted) != fingerprint(b"q" * 32, minted)
        assert len(fingerprint(PEPPER, minted)) == 32
        assert re.fullmatch(r"[0-9a-f]{12}", public_id(fingerprint(PEPPER, minted)))

    def test_is_compared_as_text_or_bytes(self) -> None:
        assert equal_in_constant_time("clé", "clé".encode())
        assert not equal_in_constant_time("a", "b")
