"""Numbers and spans of numbers fall into their bands; a bound belongs to the upper one (I9)."""

from __future__ import annotations

from bisect import bisect_right

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.choices.amounts import find_band, read_span
from services.ingest.domain.choices.folding import fold_spelling
from services.ingest.domain.choices.numerals import read_numeral
from tests.examples import tried
from tests.unit.ingest.choices.judging import shipped

CHOICES = shipped()
BOUNDS = [50, 200, 500]
NAMES = ["under_50", "50_to_199", "200_to_499", "500_plus"]

_DIGITS = "零一二三四五六七八九"


def in_chinese(number: int) -> str:
    """Return a number below 10,000 as people say it."""
    if number == 0:
        return "零"
    told, was_gap = "", False
    for unit, name in ((1_000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // unit % 10
        if digit:
            told += ("零" if was_gap and told else "") + _DIGITS[digit] + name
        was_gap = digit == 0
    return told.removeprefix("一") if told.startswith("一十") else told


@settings(max_examples=tried(120), deadline=None)
@given(st.integers(0, 9_999))
def test_a_numeral_says_the_number_that_it_was_made_of(number: int) -> None:
    assert read_numeral(in_chinese(number)) == number
    assert read_numeral(f"{in_chinese(number)}万") == (number * 10_000 if number else None)


@settings(max_examples=tried(80), deadline=None)
@given(st.text("一二三十百千万亿两〇零壹拾", max_size=10))
def test_no_numeral_breaks_the_reading(text: str) -> None:
    found = read_numeral(text)
    assert found is None or found >= 0


@settings(max_examples=tried(120), deadline=None)
@given(st.integers(0, 100_000), st.sampled_from(["{}", "{}人", "{} employees", "{:,}", "共 {}"]))
def test_a_plain_number_falls_into_its_band_and_is_kept(number: int, form: str) -> None:
    attributes = CHOICES.standardise("size", form.format(number)).attributes
    if form.startswith("共"):
        assert attributes == {}
    else:
        assert attributes == {"size": NAMES[bisect_right(BOUNDS, number)], "employees": number}


@settings(max_examples=tried(120), deadline=None)
@given(st.integers(0, 2_000), st.integers(0, 2_000))
def test_a_range_has_a_band_only_if_both_its_ends_lie_in_it(first: int, second: int) -> None:
    found = CHOICES.standardise("size", f"{first}-{second}人").attributes.get("size")
    if first >= second:
        assert found is None
        return
    low, high = bisect_right(BOUNDS, first), bisect_right(BOUNDS, second - (second in BOUNDS))
    assert found == (NAMES[low] if low == high else None)


@settings(max_examples=tried(120), deadline=None)
@given(st.text("0123456789,.~-+ 万亿千百k$¥元人多以上下约至to", max_size=14))
def test_whatever_looks_like_a_number_is_read_or_left(text: str) -> None:
    span = read_span(fold_spelling(text))
    assert span is None or 0 <= span.least <= span.most
    assert span is None or find_band(BOUNDS, span) in {None, 0, 1, 2, 3}


@pytest.mark.parametrize("text", ["$50k", "5万美元", "50000 usd", "€ 20,000", "10万港币", "10万日元"])
def test_an_amount_in_another_currency_says_nothing(text: str) -> None:
    assert read_span(fold_spelling(text)) is None
    assert read_span(fold_spelling("¥50,000")) is not None


def test_an_amount_in_the_organisations_own_currency_is_read() -> None:
    span = read_span(fold_spelling("$50k"), currency="USD")
    assert span is not None
    assert span.exact == 50_000
