"""Names that nobody has, and names that people have (I5)."""

from __future__ import annotations

import pytest

from services.ingest.domain.directory import Contact, Lead, Told
from services.ingest.domain.validity.gibberish import is_gibberish
from services.ingest.domain.validity.persons import Persons
from tests.unit.ingest.requests import RULEBOOK
from tests.unit.ingest.validity.real_names import real_names

PERSONS = Persons(RULEBOOK.validity, RULEBOOK.identity)


def named(name: str) -> Lead:
    known = {"name": Told(name, 0), "email": Told("a@example.com", 0)}
    return Lead(id="a", is_captured=True, contact=Contact(1, known))


def test_none_of_five_hundred_names_that_people_have_is_gibberish_or_a_test() -> None:
    names = list(dict.fromkeys(real_names()))
    assert len(names) >= 500
    assert [name for name in names if PERSONS.find(named(name)) is not None] == []
    assert [part for name in names for part in name.split() if is_gibberish(part)] == []


@pytest.mark.parametrize(
    "name",
    [
        *("asdf", "Asdfgh", "asdf asdf", "qwer", "zxcvb vbnm", "fdsa", "hjkl hjkl", "dfghj"),
        *("aaaa", "xxxxx", "Zzzzzz", "...", "12345", "?", "1", "啊啊啊", "哈哈哈哈", "呵呵呵"),
        *("dfgdfgdfg", "abcabcabc", "jklmnbvcx", "sdkfjh", "xcvbnm", "ｑｗｅｒ"),
    ],
)
def test_rows_of_keys_and_one_letter_over_and_over_are_no_names(name: str) -> None:
    found = PERSONS.find(named(name))
    assert found is not None
    assert found.reason in {"gibberish", "test"}


@pytest.mark.parametrize("name", ["test", "Test User", "测试", "测试账号", "TESTING", " tester "])
def test_what_calls_itself_a_test_is_one(name: str) -> None:
    found = PERSONS.find(named(name))
    assert found is not None
    assert found.reason == "test"


@pytest.mark.parametrize("name", ["n/a", "匿名", "不知道", "No Name", "null"])
def test_what_stands_for_no_name_is_none(name: str) -> None:
    found = PERSONS.find(named(name))
    assert found is not None
    assert found.rule == "gibberish_name"


def test_one_word_that_is_a_name_saves_the_others() -> None:
    assert not is_gibberish("Anna asdf")
    assert not is_gibberish("J. R. R.")
