"""Traits: what a client says about a person, sorted into attributes, contact data and free text.

Attributes are standardised and name nobody; contact data says how to reach the person; everything
else that was said is kept as free text beside the contact data. Clients spell names of fields in
many ways; a document maps them to ours.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from services.ingest.domain.choices import SPELT, Choices, fold_spelling, read_whole_number, read_yes_no
from services.ingest.domain.identifiers import IdentityRules, clean_text, normalise_email, normalise_phone
from services.ingest.domain.scrubbing import Scalar, identifies

_LONGEST_TEXT: Final = 500
_LONGEST_NAME: Final = 64
_LONGEST_MISSED: Final = 60
_MOST_FREE_TEXTS: Final = 50
_SEPARATORS: Final = re.compile(r"[\s_\-.]+")
_CONTACT: Final = {
    *("email", "phone", "name", "first_name", "last_name", "company_name", "company"),
    *("language", "time_zone"),
}
_NAMING: Final = ("name", "company_name", "email", "phone")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")
_ZONE: Final = re.compile(r"[A-Za-z_]+(/[A-Za-z0-9_+\-]+){1,2}|UTC")

CONSENT: Final = "consent_"
"""Begins the names of fields that give or refuse consent to a delivery channel: consent_email."""

TERMS: Final = "terms_"
"""Begins the names under which the text of a consent is known: terms_email."""


class Traits(msgspec.Struct, kw_only=True):
    """What is known of a person from one message.

    ``contact`` holds name, email, phone, company_name, language and time_zone; ``consents`` says by
    delivery channel whether messages are wanted, and ``terms`` what text somebody agreed to. ``missed`` are
    the texts, folded, that stand for no value of the attribute they were given for; empty instead of those
    that look as if they named somebody. ``implied`` are attributes by a list of ours; they count where
    nobody said anything of them.
    """

    attributes: dict[str, Scalar] = {}
    contact: dict[str, str] = {}
    free_text: dict[str, str] = {}
    consents: dict[str, bool] = {}
    terms: dict[str, str] = {}
    missed: dict[str, str] = {}
    implied: dict[str, Scalar] = {}
    start_within_months: int | None = None

    @property
    def is_empty(self) -> bool:
        """True if nothing was said about the person."""
        return not (self.attributes or self.contact or self.free_text or self.consents)


def fold_name(name: str) -> str:
    """Return the name of a field as it is compared: case, blanks, ``_``, ``-`` and ``.`` do not count."""
    return _folded(name) if len(name) <= _LONGEST_NAME else _fold_name(name)


def _fold_name(name: str) -> str:
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", name).casefold())


_folded: Final = lru_cache(maxsize=8192)(_fold_name)
"""The same few names come with every message; made-up long ones fill no memory."""


class FieldNames:
    """Our names for the fields that clients send; ``aliases`` maps each of ours to other spellings."""

    def __init__(self, aliases: Mapping[str, list[str]]) -> None:
        self._names = {
            fold_name(spelling): ours
            for ours, spellings in aliases.items()
            for spelling in (ours, *spellings)
        }
        self._seen: dict[str, str] = {}

    def find(self, name: str) -> str:
        """Return our name for ``name``, or the name itself where we have none."""
        found = self._seen.get(name)
        if found is None:
            found = self._names.get(fold_name(name), name)
            if len(self._seen) < 4096 and len(name) <= _LONGEST_NAME:
                self._seen[name] = found
        return found


class TraitReader:
    """Reads traits by the documents it was made with."""

    def __init__(self, *, names: FieldNames, choices: Choices, rules: IdentityRules) -> None:
        self._names = names
        self._choices = choices
        self._rules = rules
        self._chosen = choices.attributes

    def find_name(self, name: str) -> str:
        """Return our name for a field, or the name itself where we have none."""
        return self._names.find(name)

    def read(self, traits: Mapping[str, object], *, region: str | None = None) -> Traits:
        """Sort ``traits``; ``region`` is the country of a number that does not name its own."""
        given = self._rename(traits)
        result = Traits(attributes={}, contact={}, free_text={}, consents={}, terms={}, missed={})
        country = clean_text(given.pop("country", None)) or region
        self._read_contact(given, result, country)
        self._read_attributes(given, result)
        result.start_within_months = read_start(given.pop("start_within_months", None))
        for name, value in given.items():
            if name.startswith(CONSENT) and (answer := read_yes_no(value)) is not None:
                result.consents[name.removeprefix(CONSENT)] = answer
            elif name not in _CONTACT:
                _keep(result, name, value)
        return result

    def _rename(self, traits: Mapping[str, object]) -> dict[str, object]:
        given: dict[str, object] = {}
        find = self._names.find
        for name, value in traits.items():
            if value is None or value == "":
                continue
            if isinstance(value, dict):
                for part, inner in value.items():
                    if inner is not None and inner != "" and not isinstance(inner, dict | list):
                        given.setdefault(find(f"{name}.{part}"), inner)
            else:
                given.setdefault(
                    find(name), value[0] if isinstance(value, list) and len(value) == 1 else value
                )
        return given

    def _read_contact(self, given: Mapping[str, object], result: Traits, country: str | None) -> None:
        contact = result.contact
        if (email := given.get("email")) is not None:
            address = normalise_email(email)
            if address is not None:
                contact["email"] = address
            else:
                _keep(result, "email", email)
        if (phone := given.get("phone")) is not None:
            number = normalise_phone(phone, region=country, rules=self._rules)
            if number is not None:
                contact["phone"] = number
            else:
                _keep(result, "phone", phone)
        name = clean_text(given.get("name")) or _join_names(given)
        if name:
            contact["name"] = name[:_LONGEST_TEXT]
        company = clean_text(given.get("company_name", given.get("company")))
        if company:
            contact["company_name"] = company[:_LONGEST_TEXT]
        language, zone = clean_text(given.get("language")), clean_text(given.get("time_zone"))
        if language is not None and _LANGUAGE.fullmatch(language):
            contact["language"] = language.replace("_", "-")
        if zone is not None and _ZONE.fullmatch(zone):
            contact["time_zone"] = zone

    def _read_attributes(self, given: dict[str, object], result: Traits) -> None:
        attributes = result.attributes
        title = clean_text(given.get("title"))
        for name in [name for name in given if name in self._chosen]:
            value = given.pop(name)
            standard = self._choices.standardise(name, value)
            attributes.update(standard.attributes)
            if not standard.is_plain:
                _keep(result, name, value)
            if not standard.is_known:
                self._miss(result, name, value)
        if title is not None:
            if "title_level" not in attributes:
                standard = self._choices.standardise("title_level", title)
                attributes.update(standard.attributes)
                if standard.is_known:
                    result.missed.pop("title_level", None)
                else:
                    self._miss(result, "title_level", title)
            if "student" not in attributes:
                attributes.update(self._choices.standardise("student_title", title).attributes)
        if (is_student := attributes.pop("student_title", None)) is not None:
            attributes["student"] = read_yes_no(is_student)

    def _miss(self, result: Traits, attribute: str, value: object) -> None:
        """Note a text that stands for no value, for the report, unless it looks as if it named somebody."""
        rule, text = self._choices.rule_of(attribute), clean_text(value)
        if rule is None or rule.kind not in SPELT or text is None:
            return
        folded = fold_spelling(text)
        named = (fold_spelling(result.contact[one]) for one in _NAMING if one in result.contact)
        may_be_told = not identifies(text) and not any(one in folded for one in named)
        result.missed[attribute] = folded if len(folded) <= _LONGEST_MISSED and may_be_told else ""


def read_start(value: object) -> int | None:
    """Return in how many months a project is to start, 0 to 120, or None."""
    months = read_whole_number(value)
    return months if months is not None and 0 <= months <= 120 else None


def _join_names(given: Mapping[str, object]) -> str | None:
    parts = [clean_text(given.get("first_name")), clean_text(given.get("last_name"))]
    return " ".join(part for part in parts if part) or None


def _keep(result: Traits, name: str, value: object) -> None:
    text = clean_text(value)
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, list):
        text = ", ".join(filter(None, map(clean_text, value)))
    if text and len(name) <= _LONGEST_NAME and len(result.free_text) < _MOST_FREE_TEXTS:
        result.free_text[name] = text[:_LONGEST_TEXT]
