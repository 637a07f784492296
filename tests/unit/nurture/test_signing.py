"""Signed links: what was signed is read back, and nothing else is."""

from __future__ import annotations

from typing import get_args

from hypothesis import assume, given
from hypothesis import strategies as st

from services.nurture.domain.signing import Purpose, Signed, sign, signing_key, verify

KEY = signing_key(b"s" * 32)
messages = st.binary(min_size=16, max_size=16).map(bytes.hex)
numbers = st.integers(0, 2**16 - 1)
purposes: st.SearchStrategy[Purpose] = st.sampled_from(get_args(Purpose))
targets = st.sampled_from(
    ("", "https://www.example.com/a", "https://www.example.com/b?c=d", "https://evil.example")
)


@given(messages, numbers, purposes, targets)
def test_what_was_signed_is_read_back(message: str, number: int, purpose: Purpose, target: str) -> None:
    token = sign(KEY, purpose, message, number=number, target=target)
    assert verify(KEY, purpose, token, target=target) == Signed(message, number)


@given(messages, numbers, purposes, purposes, targets, targets)
def test_a_token_serves_one_purpose_and_leads_to_one_place(
    message: str, number: int, purpose: Purpose, other: Purpose, target: str, elsewhere: str
) -> None:
    assume((purpose, target) != (other, elsewhere))
    token = sign(KEY, purpose, message, number=number, target=target)
    assert verify(KEY, other, token, target=elsewhere) is None


@given(messages, numbers, purposes, st.integers(0, 45), st.characters(codec="ascii"))
def test_no_letter_of_a_token_can_be_changed(
    message: str, number: int, purpose: Purpose, place: int, letter: str
) -> None:
    token = sign(KEY, purpose, message, number=number)
    changed = token[:place] + letter + token[place + 1 :]
    assume(changed != token)
    assert verify(KEY, purpose, changed) is None


@given(st.text(max_size=60))
def test_no_other_text_is_a_token(text: str) -> None:
    assert verify(KEY, "open", text) is None


@given(messages)
def test_another_deployments_tokens_are_none_of_ours(message: str) -> None:
    assert verify(KEY, "open", sign(signing_key(b"t" * 32), "open", message)) is None
