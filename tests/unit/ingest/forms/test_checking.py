"""What a form refuses its visitor, and in which words."""

from __future__ import annotations

import pytest

from services.ingest.domain.forms import checking
from services.ingest.domain.forms.checking import FieldFault, check, take_up
from services.ingest.domain.forms.definitions import Language
from services.ingest.domain.forms.wording import explain, page_of
from services.ingest.domain.traits import FieldNames
from tests.unit.ingest.forms.documents import form
from tests.unit.ingest.requests import RULEBOOK

FORM = form()
FIND_NAME = FieldNames(RULEBOOK.field_names).find
RIGHT = [("name", "Ada"), ("email", "ada@example.com"), ("consent_sms", "on")]


def faults(*fields: tuple[str, str], without: str = "") -> list[tuple[str, str]]:
    given = [pair for pair in RIGHT if pair[0] != without and pair[0] not in {name for name, _ in fields}]
    filled = take_up(FORM, [*given, *fields], find_name=FIND_NAME)
    return [tuple(fault) for fault in check(FORM, filled, rules=RULEBOOK.identity)]  # type: ignore[misc]


def test_what_is_filled_in_as_asked_is_taken() -> None:
    assert faults() == []
    assert (
        faults(
            ("phone", "138 0013 8000"),
            ("industry", "pharma"),
            ("interests", "mes"),
            ("interests", "erp"),
            ("tender", "yes"),
            ("go_live_on", "2026-09-30"),
            ("expected_amount", "30万"),
            ("message", "hello\n" * 500),
            ("btn", "Send"),
        )
        == []
    )


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ([("name", " ")], ("name", checking.MISSING)),
        ([("email", "ada@")], ("email", checking.EMAIL)),
        ([("phone", "12")], ("phone", checking.PHONE)),
        ([("industry", "magic")], ("industry", checking.CHOICE)),
        ([("industry", "pharma"), ("industry", "manufacturing")], ("industry", checking.CHOICE)),
        ([("interests", "mes"), ("interests", "x")], ("interests", checking.CHOICE)),
        ([("tender", "perhaps")], ("tender", checking.ANSWER)),
        ([("go_live_on", "2026-02-30")], ("go_live_on", checking.DATE)),
        ([("go_live_on", "soon")], ("go_live_on", checking.DATE)),
        ([("expected_amount", "a lot")], ("expected_amount", checking.NUMBER)),
        ([("name", "x" * 201)], ("name", checking.TOO_LONG)),
        ([("message", "x" * 5_001)], ("message", checking.TOO_LONG)),
        ([("consent_sms", "no")], ("consent_sms", checking.CONSENT_MISSING)),
    ],
)
def test_what_is_missing_or_cannot_be_right_is_named(
    fields: list[tuple[str, str]], fault: tuple[str, str]
) -> None:
    assert faults(*fields) == [fault]


def test_one_of_a_group_is_enough_and_none_is_named_on_each() -> None:
    assert faults(("phone", "+442079460018"), without="email") == []
    told = faults(without="email")
    assert told == [("email", checking.ONE_OF_MISSING), ("phone", checking.ONE_OF_MISSING)]


def test_a_wrong_address_is_not_called_missing_too() -> None:
    assert faults(("email", "ada@")) == [("email", checking.EMAIL)]


def test_faults_come_in_the_order_of_the_form() -> None:
    told = faults(("go_live_on", "x"), ("industry", "x"), without="name")
    assert [field for field, _ in told] == ["name", "industry", "go_live_on"]


def test_a_page_may_call_a_field_by_any_name_that_we_know() -> None:
    given = [("姓名", "Ada"), ("E-Mail", "ada@example.com"), ("sms consent", "1")]
    filled = take_up(FORM, given, find_name=FIND_NAME)
    assert check(FORM, filled, rules=RULEBOOK.identity) == []
    assert filled.agreed == {"sms"}


@pytest.mark.parametrize("code", checking.CODES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_reason_is_said_in_both_languages(code: str, language: Language) -> None:
    text = explain(FORM, FieldFault("email", code), language)
    assert len(text) > 5
    assert "{" not in text
    if code != checking.CONSENT_MISSING:
        assert FORM.fields[1].label[language] in text


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 503])
def test_every_verdict_has_a_page(status: int) -> None:
    for language in ("zh", "en"):
        title, text = page_of("form.unknown" if status == 404 else "x", status, language)
        assert title
        assert text
