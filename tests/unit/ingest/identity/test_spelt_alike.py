"""Names, firms and mailboxes compare the same however they are typed.

Row of docs/requirements.md: I3. The numbers are those of the parser's own documents and of forms as people
fill them in.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.choices.traditional import traditional_of
from services.ingest.domain.evidence.likeness import company_key, mailbox_key, name_key, same_name
from services.ingest.domain.identifiers import (
    IdentityRules,
    email_identifies,
    normalise_email,
    normalise_phone,
)
from tests.examples import tried
from tests.unit.ingest.requests import RULEBOOK

RULES = RULEBOOK.identity
NAMES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["王小明", "歐陽 娜娜女士", "Dr. José García", "O'Neil, Shaun", "张三先生", "李老师", "Ms Li"]
    ),
)
FIRMS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["示例（上海）科技股份有限公司", "Acme Co., Ltd.", "The Mill GmbH & Co. KG", "樣品集團", "公司"]
    ),
)


def wide(text: str) -> str:
    return "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text)


@settings(max_examples=tried(120), deadline=None)
@given(NAMES)
def test_a_name_that_was_made_comparable_stays_so(name: str) -> None:
    assert name_key(name_key(name)) == name_key(name)
    assert same_name(name, name)


@settings(max_examples=tried(120), deadline=None)
@given(FIRMS)
def test_a_firm_that_was_made_comparable_stays_so(name: str) -> None:
    assert company_key(company_key(name)) == company_key(name)


@settings(max_examples=tried(80), deadline=None)
@given(st.from_regex(r"Z[A-Za-z]{2,8} Q[A-Za-z]{2,8}", fullmatch=True))
def test_width_case_and_order_of_a_name_do_not_count(name: str) -> None:
    first, last = name.split()
    assert same_name(name, wide(name.upper()))
    assert same_name(name, f"{last}, {first}")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("歐陽娜娜", "欧阳 娜娜"),
        ("王小明总经理", "王小明"),
        ("王小明　先生", "王小明"),
        ("Mrs. Ada Lovelace", "ADA LOVELACE"),
        ("Ａｄａ　Ｌｏｖｅｌａｃｅ", "ada lovelace"),
    ],
)
def test_names_that_are_one(one: str, other: str) -> None:
    assert same_name(one, other)


@pytest.mark.parametrize(("one", "other"), [("王先生", "王女士"), ("王小明", "王明"), ("Ada L", "Ada M")])
def test_names_that_are_two(one: str, other: str) -> None:
    assert not same_name(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("示例（上海）科技有限公司", "示例科技"),
        ("示例(上海)科技股份有限公司", "示例科技有限责任公司"),
        ("樣品科技有限公司", "样品科技"),
        ("Ｍｉｌｌ　ＧｍｂＨ", "Mill GmbH"),
        ("Acme Co., Ltd.", "ACME CO LTD"),
        ("Acme Pte. Ltd.", "acme"),
        ("Größe AG", "grosse"),
    ],
)
def test_firms_that_are_one(one: str, other: str) -> None:
    assert company_key(one) == company_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("示例科技", "示例教育"), ("Acme", "Acme Labs"), ("公司", "集团")]
)
def test_firms_that_are_two(one: str, other: str) -> None:
    assert company_key(one) != company_key(other)


@settings(max_examples=tried(80), deadline=None)
@given(
    st.text(max_size=30), st.sampled_from(["Example.COM", "例え.jp", "ＥＸＡＭＰＬＥ.com", "bücher.example"])
)
def test_an_address_that_was_normalised_stays_so(local: str, domain: str) -> None:
    address = normalise_email(f"{local}@{domain}")
    assert address is None or normalise_email(address) == address
    assert address is None or address.rpartition("@")[2].isascii()


def test_the_provider_decides_which_mailboxes_are_one() -> None:
    assert mailbox_key("a.d.a+x@gmail.com") == mailbox_key("ada@googlemail.com")
    assert mailbox_key("a.da@qq.com") is None


@pytest.mark.parametrize(
    ("typed", "country", "number"),
    [
        ("(415) 555-0100", "US", "+14155550100"),
        ("(415) 555-0100", "USA", "+14155550100"),
        ("(415) 555-0100", "United States", "+14155550100"),
        ("(415) 555-0100", "美国", "+14155550100"),
        ("0086 138 0013 8000", "CN", "+8613800138000"),
        ("13800138000", None, "+8613800138000"),
        ("１３８００１３８０００", "中国", "+8613800138000"),
        ("138-0013-8000", "China", "+8613800138000"),
        ("+44 020 7946 0018", None, "+442079460018"),
        ("020 7946 0018", "united kingdom", "+442079460018"),
        ("+39 06 698 1234", None, "+39066981234"),
        ("0912 345 678", "台灣", "+886912345678"),
        ("555-0100", "US", None),
        ("13800138000", "美国", None),
        ("call me", None, None),
    ],
)
def test_a_number_is_read_by_the_country_of_the_form(
    typed: str, country: str | None, number: str | None
) -> None:
    assert normalise_phone(typed, region=country, rules=RULES) == number


def test_a_country_that_nobody_knows_leaves_the_default() -> None:
    assert normalise_phone("13800138000", region="Atlantis", rules=RULES) == "+8613800138000"
    assert normalise_phone("(415) 555-0100", region="Atlantis", rules=IdentityRules(default_region="US"))


@pytest.mark.parametrize(
    "domain",
    ["mailinator.com", "sub.mailinator.com", "yopmail.com", "10minutemail.com", "linshiyouxiang.net"],
)
def test_throw_away_addresses_identify_nobody(domain: str) -> None:
    assert not email_identifies(f"ada@{domain}", RULES)


def test_the_list_of_throw_away_domains_is_long_and_holds_no_provider_that_people_use() -> None:
    assert len(RULES.disposable_domains) > 8_000
    assert not RULES.disposable_domains & RULEBOOK.free_mail.domains
    assert all(one == one.strip().lower() and "." in one for one in RULES.disposable_domains)
    assert email_identifies("ada@example.com", RULES)


def test_traditional_names_are_their_simplified_ones() -> None:
    for name in ("陈国荣", "刘丽华", "张伟业"):
        assert traditional_of(name) != name
        assert same_name(name, traditional_of(name))
