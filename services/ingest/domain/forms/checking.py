"""What a visitor filled in, held against the form: what is missing, what cannot be right, and why.

Only a form's own visitor is ever refused for it; what other sources leave out is marked on the lead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from services.ingest.domain.choices import read_number, read_yes_no
from services.ingest.domain.forms.definitions import Consent, FormDocument, FormField
from services.ingest.domain.identifiers import IdentityRules, clean_text, normalise_email, normalise_phone

MISSING: Final = "form.field_missing"
ONE_OF_MISSING: Final = "form.one_of_missing"
CONSENT_MISSING: Final = "form.consent_missing"
EMAIL: Final = "form.email_malformed"
PHONE: Final = "form.phone_malformed"
NUMBER: Final = "form.number_malformed"
DATE: Final = "form.date_malformed"
CHOICE: Final = "form.choice_unknown"
ANSWER: Final = "form.answer_unclear"
TOO_LONG: Final = "form.too_long"

CODES: Final = (
    *(MISSING, ONE_OF_MISSING, CONSENT_MISSING, EMAIL, PHONE, NUMBER, DATE, CHOICE, ANSWER, TOO_LONG),
)
"""Why a submission is refused."""

LONGEST_LINE: Final = 200
LONGEST_TEXT: Final = 5_000
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")

FindName = Callable[[str], str]
"""Returns our name for a field, or the name itself where we have none."""


class FieldFault(NamedTuple):
    """What is wrong with one field; never says what was filled in."""

    field: str
    code: str


class Filled(NamedTuple):
    """What was filled in, by the form's own names of its fields; ``values`` as they were typed."""

    values: Mapping[str, Sequence[str]]
    agreed: frozenset[str]

    def text(self, field: str) -> str:
        """Return what was typed into a field, empty if nothing was."""
        return ", ".join(self.values.get(field, ()))


def take_up(form: FormDocument, fields: Sequence[tuple[str, str]], *, find_name: FindName) -> Filled:
    """Return what the fields of a submission answer; ``agreed`` names the consents whose box was ticked.

    A page may call a field by any name that we know for it.
    """
    own = {find_name(asked.field): asked.field for asked in form.fields}
    boxes = {one.field: one.name for one in form.consents}
    values: dict[str, list[str]] = {}
    agreed = set()
    for name, value in fields:
        found = find_name(name)
        if found in boxes and read_yes_no(value):
            agreed.add(boxes[found])
        elif found in own and clean_text(value) is not None:
            values.setdefault(own[found], []).append(value)
    return Filled(values, frozenset(agreed))


def check(form: FormDocument, filled: Filled, *, rules: IdentityRules) -> list[FieldFault]:
    """Return what a visitor has to put right, in the order of the form."""
    faults = [fault for asked in form.fields for fault in _check_field(asked, filled, rules)]
    at_fault = {fault.field for fault in faults}
    for group in form.one_of:
        if not any(filled.values.get(field) for field in group) and at_fault.isdisjoint(group):
            faults += [FieldFault(field, ONE_OF_MISSING) for field in group]
    order = {asked.field: place for place, asked in enumerate(form.fields)}
    faults.sort(key=lambda fault: order[fault.field])
    return faults + [FieldFault(one.field, CONSENT_MISSING) for one in _refused(form.consents, filled)]


def _refused(consents: Sequence[Consent], filled: Filled) -> list[Consent]:
    return [one for one in consents if one.required and one.name not in filled.agreed]


def _check_field(asked: FormField, filled: Filled, rules: IdentityRules) -> Iterator[FieldFault]:
    values = filled.values.get(asked.field, ())
    if not values:
        if asked.required:
            yield FieldFault(asked.field, MISSING)
        return
    longest = LONGEST_TEXT if asked.kind == "long_text" else LONGEST_LINE
    if any(len(value) > longest for value in values):
        yield FieldFault(asked.field, TOO_LONG)
    elif (code := _judge(asked, values, rules)) is not None:
        yield FieldFault(asked.field, code)


def _judge(asked: FormField, values: Sequence[str], rules: IdentityRules) -> str | None:
    first = values[0].strip()
    match asked.kind:
        case "email":
            return EMAIL if len(values) > 1 or normalise_email(first) is None else None
        case "phone":
            is_one = len(values) == 1 and normalise_phone(first, region=None, rules=rules) is not None
            return None if is_one else PHONE
        case "number":
            return NUMBER if read_number(first) is None else None
        case "date":
            return None if _is_date(first) else DATE
        case "yes_no":
            return ANSWER if read_yes_no(first) is None else None
        case "choice" | "choices":
            offered = {option.value for option in asked.choices}
            is_offered = offered.issuperset(value.strip() for value in values)
            is_one = asked.kind == "choices" or len(values) == 1
            return None if is_offered and is_one else CHOICE
    return None


def _is_date(text: str) -> bool:
    if _DATE.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
