"""What looks like one person, or one company, and is not merged.

Row of docs/requirements.md: I4.
"""

from __future__ import annotations

import msgspec
import pytest

from services.ingest.domain.directory import Lead
from services.ingest.domain.evidence.likeness import company_key, mailbox_key, name_key, same_name
from services.ingest.domain.identity.companies import CompanyReader
from shared.contracts.events import leads
from tests.unit.ingest.requests import RULEBOOK
from tests.unit.ingest.shelf import Shelf
from tests.unit.ingest.test_identity import lead, resolve_all
from tests.unit.ingest.test_unmerging import HASH

READER = CompanyReader(RULEBOOK.free_mail, hash_identifier=HASH)


def company_of(shelf: Shelf, subject: str) -> str:
    return msgspec.json.decode(shelf.leads[subject], type=Lead).company


class TestNames:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("王 小明", "王小明"),
            ("王小明先生", "王小明"),
            ("ＡＤＡ Lovelace", "ada lovelace"),
            ("Lovelace, Ada", "Ada Lovelace"),
            ("Dr. José García", "jose garcia"),
        ],
    )
    def test_are_the_same(self, one: str, other: str) -> None:
        assert same_name(one, other)

    @pytest.mark.parametrize(
        ("one", "other"),
        [("王小明", "王小红"), ("Ada", "Bob"), ("John Smith", "Joan Smith"), ("李", "李先生")],
    )
    def test_are_two(self, one: str, other: str) -> None:
        assert not same_name(one, other)

    def test_of_signs_only_are_compared_as_they_are(self) -> None:
        assert name_key("???") == "???"


class TestMailboxes:
    def test_of_gmail_pass_over_dots_and_what_follows_a_plus(self) -> None:
        assert mailbox_key("a.da+news@gmail.com") == mailbox_key("ada@googlemail.com") == "ada@gmail.com"

    def test_elsewhere_are_as_many_as_their_spellings(self) -> None:
        assert mailbox_key("a.da+news@example.com") is None

    def test_are_suggested_and_not_merged(self) -> None:
        shelf, said = resolve_all(lead(email="a.da@gmail.com"), lead(email="ada+x@gmail.com", minutes=1))
        assert said[0][0].subject != said[1][0].subject
        assert shelf.reasons() == ["same_mailbox"]


class TestCompanies:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Acme Ltd.", "ACME"),
            ("The Acme Co., Ltd", "acme"),
            ("深圳市示例科技有限公司", "深圳市示例科技"),
            ("示例集团股份有限公司", "示例"),
        ],
    )
    def test_are_the_same_by_name(self, one: str, other: str) -> None:
        assert company_key(one) == company_key(other)

    @pytest.mark.parametrize(
        ("address", "domain"),
        [
            ("a@acme.example", "acme.example"),
            ("a@mail.acme.example", "acme.example"),
            ("a@sales.acme.com.cn", "acme.com.cn"),
            ("a@acme.co.uk", "acme.co.uk"),
            ("a@gmail.com", None),
            ("a@vip.qq.com", None),
            ("a@163.com", None),
            ("a@yahoo.co.uk", None),
        ],
    )
    def test_are_known_by_the_domain_that_they_registered(self, address: str, domain: str | None) -> None:
        assert READER.domain_of(address) == domain

    def test_i13_colleagues_share_one_and_free_mail_does_not(self) -> None:
        """Case I-13 of odoo: bob@mymail.com is like alice@mymail.com, and nobody is like anybody at gmail."""
        shelf, said = resolve_all(
            lead(email="bob@mymail.example", name="Bob"),
            lead(email="alice@mymail.example", name="Alice", minutes=1),
            lead(email="bob@gmail.com", name="Bob", minutes=2),
            lead(email="alice@gmail.com", name="Alice", minutes=3),
        )
        companies = [company_of(shelf, one[0].subject) for one in said]
        assert companies[0] == companies[1] != ""
        assert companies[2:] == ["", ""]
        assert len(shelf.people()) == 4, "a company never merges people"
        assert shelf.reasons() == []

    def test_i13_the_same_name_at_one_company_is_suggested(self) -> None:
        shelf, said = resolve_all(
            lead(email="bob@mymail.example", name="Bob Stone", company="My Mail Inc."),
            lead(email="bob.stone@mymail.example", name="bob stone", minutes=1),
            lead(phone="13800138000", name="Stone, Bob", company="my mail", minutes=2),
        )
        assert len({one[0].subject for one in said}) == 3
        assert shelf.reasons() == ["same_name_and_company"] * 2

    def test_by_name_is_the_one_of_the_first_domain_with_that_name(self) -> None:
        shelf, said = resolve_all(
            lead(phone="13800138000", company="Acme"),
            lead(email="a@acme.example", company="Acme Ltd", minutes=1),
            lead(email="b@acme.test", company="ACME", minutes=2),
            lead(email="c@gmail.com", company="acme", minutes=3),
        )
        by_name, first, second, free = (company_of(shelf, one[0].subject) for one in said)
        assert by_name == first == free
        assert second != first, "a second domain of one name is another firm"

    def test_of_an_address_is_not_taken_away_by_a_private_one(self) -> None:
        shelf, said = resolve_all(
            lead(external_id="7", email="a@acme.example"),
            lead(external_id="7", email="a@gmail.com", company="Other", minutes=1),
        )
        keys = READER.keys_of({"email": "a@acme.example"})
        assert keys is not None
        assert company_of(shelf, said[0][0].subject) == keys.domain

    def test_is_told_with_the_lead_and_names_nobody(self) -> None:
        _, said = resolve_all(
            lead(external_id="7", email="a@gmail.com"), lead(external_id="7", company="Acme", minutes=1)
        )
        captured, changed = said[0][0].event, said[1][0].event
        assert isinstance(captured, leads.LeadCaptured)
        assert isinstance(changed, leads.LeadChanged)
        assert captured.company is None
        assert changed.company is not None
        assert len(changed.company) == 32
