"""Dates, amounts and numbers as people and spreadsheets write them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.imports.amounts import AmountOpen, find_mark, read_plain_amount
from services.ingest.domain.imports.cells import Cell, Number, digits_of, is_rounded, text_of
from services.ingest.domain.imports.dates import DateUnreadable, find_order, read_date
from tests.examples import tried
from tests.unit.ingest.imports.tables import SHANGHAI


def day(cell: Cell, order: str | None = None) -> str:
    found = read_date(cell, order=order, zone=SHANGHAI)  # type: ignore[arg-type]
    assert found is not None
    return found.isoformat()


class TestDates:
    @pytest.mark.parametrize(
        "cell",
        [
            *("2026-03-02", "2026/3/2", "2026.03.02", "20260302", "2026年3月2日", "2026 年 03 月 02 日"),
            *("2 Mar 2026", "2-Mar-26", "Mar 2, 2026", "March 2 2026", "46083", Number(46083.0)),
            *(Number(20260302.0), " 2026-03-02 "),
        ],
    )
    def test_one_day_in_every_way_of_writing_it(self, cell: Cell) -> None:
        assert day(cell) == "2026-03-02T00:00:00+08:00"

    @pytest.mark.parametrize(
        ("cell", "time"),
        [
            ("2026-03-02 15:04", "15:04:00+08:00"),
            ("2026-03-02T15:04:05Z", "15:04:05+00:00"),
            ("2026/3/2 3:04:05 PM", "15:04:05+08:00"),
            ("2026年3月2日 下午3:04", "15:04:00+08:00"),
            ("2026-03-02 12:30 AM", "00:30:00+08:00"),
            ("2026-03-02 15:04:05-0500", "15:04:05-05:00"),
            (Number(46083.5), "12:00:00+08:00"),
        ],
    )
    def test_a_time_goes_with_it(self, cell: Cell, time: str) -> None:
        assert day(cell) == f"2026-03-02T{time}"

    def test_which_comes_first_is_told_by_the_column_or_by_a_person(self) -> None:
        assert day("02/03/2026", "dmy").startswith("2026-03-02")
        assert day("02/03/2026", "mdy").startswith("2026-02-03")
        assert find_order(["02/03/2026", "13/03/2026"]) == "dmy"
        assert find_order(["02/03/2026", "03/13/2026"]) == "mdy"
        assert find_order(["02/03/2026", "05/06/2026"]) == "ambiguous"
        assert find_order(["13/03/2026", "03/13/2026"]) == "mixed"
        assert find_order(["2026-03-02", "3/3/2026", None]) == "none"

    @pytest.mark.parametrize(
        ("cell", "order", "code"),
        [
            ("02/03/2026", None, "date.ambiguous"),
            ("03/13/2026", "dmy", "date.other_order"),
            ("13/03/2026", "mdy", "date.other_order"),
            ("2026-02-30", None, "date.unreadable"),
            ("next week", None, "date.unreadable"),
            ("32/13/2026", None, "date.unreadable"),
            (Number(12.0), None, "date.unreadable"),
            ("1026-03-02", None, "date.unreadable"),
        ],
    )
    def test_what_is_no_date_or_may_be_two_says_so(self, cell: Cell, order: str | None, code: str) -> None:
        with pytest.raises(DateUnreadable) as raised:
            day(cell, order)
        assert raised.value.code == code

    def test_what_can_only_be_one_day_needs_nobody_to_say_so(self) -> None:
        assert day("13/03/2026").startswith("2026-03-13")
        assert day("03/03/2026").startswith("2026-03-03")

    @given(st.dates(min_value=date(1970, 1, 1), max_value=date(2099, 12, 31)))
    @settings(max_examples=tried(80), deadline=None)
    def test_every_day_comes_back_from_each_way(self, one: date) -> None:
        for text in (
            one.isoformat(),
            f"{one.year}年{one.month}月{one.day}日",
            f"{one.year}/{one.month}/{one.day}",
            one.strftime("%Y%m%d"),
        ):
            assert day(text)[:10] == one.isoformat()
        assert day(f"{one.day:02}/{one.month:02}/{one.year}", "dmy")[:10] == one.isoformat()
        assert day(f"{one.month}/{one.day}/{one.year}", "mdy")[:10] == one.isoformat()


class TestAmounts:
    @pytest.mark.parametrize(
        ("cell", "number"),
        [
            ("1,234.56", "1234.56"),
            ("1.234,56", "1234.56"),
            ("1 234,56", "1234.56"),
            ("1'234.50", "1234.5"),
            ("12万", "120000"),
            ("1.5万", "15000"),
            ("2亿", "200000000"),
            ("300k", "300000"),
            ("¥ 1,200", "1200"),
            ("１２００元", "1200"),
            ("CNY 288000", "288000"),
            ("(300.00)", "-300"),
            ("-5", "-5"),
            ("1,234,567", "1234567"),
            ("1.234.567", "1234567"),
            ("0.5", "0.5"),
            (Number(1200.5), "1200.5"),
            (Number(0.1 + 0.2), "0.3"),
        ],
    )
    def test_separators_words_and_signs_are_understood(self, cell: Cell, number: str) -> None:
        found = read_plain_amount(cell, mark=None)
        assert found is not None
        assert Decimal(found.number) == Decimal(number)

    def test_one_separator_before_three_digits_is_told_by_the_column_or_by_nobody(self) -> None:
        with pytest.raises(AmountOpen) as raised:
            read_plain_amount("1.234", mark=None)
        assert raised.value.code == "amount.ambiguous"
        assert read_plain_amount("1.234", mark="comma") == ("1234", "")
        assert read_plain_amount("1,234", mark=None) == ("1234", "")
        with pytest.raises(AmountOpen):
            read_plain_amount("1,234", mark="comma")
        assert find_mark(["1.234", "1.234,50"]) == "comma"
        assert find_mark(["1,234", "1,234.5"]) == "point"
        assert find_mark(["1.234", "5"]) is None
        assert find_mark(["1,5", "1.5"]) is None

    @pytest.mark.parametrize("cell", ["a lot", "1,23,4.5.6", "1..2", "(5", "1,23.4"])
    def test_what_is_no_amount_says_so(self, cell: str) -> None:
        with pytest.raises(AmountOpen):
            read_plain_amount(cell, mark="point")

    def test_the_currency_beside_it_is_told_apart(self) -> None:
        assert read_plain_amount("$1,200.50", mark=None) == ("1200.5", "$")
        assert read_plain_amount("1200 人民币", mark=None) == ("1200", "人民币")

    @given(st.decimals(min_value=0, max_value=10**9, places=2))
    @settings(max_examples=tried(80), deadline=None)
    def test_every_amount_comes_back_from_both_ways_of_writing(self, amount: Decimal) -> None:
        english = f"{amount:,.2f}"
        german = english.translate(str.maketrans(",.", ".,"))
        for text, mark in ((english, "point"), (german, "comma")):
            found = read_plain_amount(text, mark=mark)  # type: ignore[arg-type]
            assert found is not None
            assert Decimal(found.number) == amount


class TestNumbers:
    @pytest.mark.parametrize(
        ("cell", "text"),
        [
            (Number(13800138000.0), "13800138000"),
            ("13800138000.0", "13800138000"),
            ("13800138000,00", "13800138000"),
            ("+86 138 0013 8000", "+86 138 0013 8000"),
            ("LD-1.0", "LD-1.0"),
            (Number(0.5), "0.5"),
        ],
    )
    def test_a_number_that_became_a_float_is_itself_again(self, cell: Cell, text: str) -> None:
        assert digits_of(cell) == text

    @pytest.mark.parametrize("cell", ["1.38E+10", "1.38e10", "4,40106E+17", Number(4.40106199001011e17)])
    def test_a_number_that_lost_digits_is_seen(self, cell: Cell) -> None:
        assert is_rounded(cell)

    @pytest.mark.parametrize("cell", ["13800138000", Number(13800138000.0), "E10", "LD-1E5x", None])
    def test_one_that_kept_them_is_not(self, cell: Cell) -> None:
        assert not is_rounded(cell)

    def test_blanks_are_nothing(self) -> None:
        assert text_of("  ") == text_of(None) == ""
