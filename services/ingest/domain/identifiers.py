"""Identifiers: what a client sends that tells whose a message is, made comparable.

Two spellings of one address or number must become one identifier, and what identifies nobody (null,
"anonymous", a number of zeros, info@) must become none: a shared value would melt strangers together.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec
import phonenumbers

from shared.kernel.ids import keyed_hash


class IdentifierKind(StrEnum):
    """What kind of thing identifies, strongest first; the order decides between contradicting ones.

    A number with a name is what tells the people of one number apart. A click on a tracking link carries
    itself to the browser that it led on, and to nobody else. An opportunity only tells whose an outcome is
    that names nobody. A lead is named by our own id, which is the hash of its first identifier. The last
    three lead to nobody: a company is what colleagues share, a likeness what duplicates may, a form what
    was filled in.
    """

    EXTERNAL = "external"
    USER = "user"
    EMAIL = "email"
    PHONE = "phone"
    NUMBER_AND_NAME = "number_and_name"
    ANONYMOUS = "anonymous"
    CLICK = "click"
    OPPORTUNITY = "opportunity"
    LEAD = "lead"
    COMPANY = "company"
    LIKENESS = "likeness"
    FORM = "form"


class Identifier(NamedTuple):
    """One identifying value, as its keyed hash; the hash differs from kind to kind."""

    kind: IdentifierKind
    hash: str


HashIdentifier = Callable[[IdentifierKind, str], Identifier]
"""Turns a normalised value into its identifier under the deployment's identity key."""


def identifier_hasher(key: bytes) -> HashIdentifier:
    """Return the function that hashes identifying values under ``key``.

    :raises ValueError: if the key is too short or too long.
    """
    keyed_hash(key, "", "")

    def hash_identifier(kind: IdentifierKind, value: str) -> Identifier:
        return Identifier(kind, keyed_hash(key, kind, value))

    return hash_identifier


class IdentityRules(msgspec.Struct, frozen=True, kw_only=True):
    """What never identifies anybody, and how numbers without a country are read.

    ``blocked`` are values, ``role_names`` local parts of addresses that belong to an office and not
    a person, ``disposable_domains`` domains of throw-away addresses; ``default_region`` is an ISO
    3166 code. ``priorities`` are the kinds that name a person, the one that decides first;
    ``countries`` gives the code of each name of a country, folded.
    """

    priorities: tuple[IdentifierKind, ...] = (
        IdentifierKind.EXTERNAL,
        IdentifierKind.USER,
        IdentifierKind.EMAIL,
        IdentifierKind.PHONE,
    )
    blocked: frozenset[str] = frozenset()
    role_names: frozenset[str] = frozenset()
    disposable_domains: frozenset[str] = frozenset()
    default_region: str = "CN"
    countries: dict[str, str] = {}


def _ranges_of(characters: str) -> str:
    """Return characters as the ranges of a class in a regular expression, in escapes that JSON has too."""
    codes = {ord(character) for character in characters}
    told = ""
    for code in sorted(codes):
        if code - 1 not in codes:
            told += f"\\u{code:04x}"
        elif code + 1 not in codes:
            told += f"-\\u{code:04x}"
    return told


_INVISIBLE: Final = "".join(
    chr(code)
    for code in (
        *range(0x21),
        *range(0x7F, 0xA1),
        *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x1680, 0x17B4, 0x17B5, 0x180E),
        *range(0x2000, 0x2010),
        *range(0x2028, 0x2030),
        *range(0x205F, 0x2070),
        *(0x3000, 0x3164, 0xFEFF, 0xFFA0),
    )
)
VISIBLE: Final = f"[^{_ranges_of(_INVISIBLE)}]"
"""A regular expression that finds a character that can be seen, and so holds for texts that say something."""

_NOTHING: Final = re.compile(r"[0-]*|-1")
_EMAIL: Final = re.compile(
    r"[^\s@<>(),;:\\\"\[\]]{1,64}@([^\s@<>(),;:\\\"\[\]]+\.[^\s@<>(),;:\\\"\[\].]{2,63})"
)
_LONGEST_EMAIL: Final = 254


def clean_text(value: object) -> str | None:
    """Return a text or number as text without invisible characters at its ends, or None for nothing."""
    if isinstance(value, str):
        return value.replace("\0", "").strip(_INVISIBLE) or None
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return None


def clean_id(value: object, rules: IdentityRules) -> str | None:
    """Return an id as text, or None if it identifies nobody."""
    text = clean_text(value)
    if text is None or _NOTHING.fullmatch(text) or text.casefold() in rules.blocked:
        return None
    return text


def normalise_email(value: object) -> str | None:
    """Return the comparable form of an e-mail address, or None if it is none.

    Both parts in lower case, the domain in NFKC and IDNA; dots and +tags stay, because they are the
    mail provider's business.
    """
    text = clean_text(value)
    if text is None or "@" not in text or len(text) > _LONGEST_EMAIL:
        return None
    local, _, domain = text.removeprefix("mailto:").rpartition("@")
    if not domain.isascii():
        try:
            domain = unicodedata.normalize("NFKC", domain).encode("idna").decode("ascii")
        except UnicodeError:
            return None
    address = f"{local}@{domain}".lower()
    return address if _EMAIL.fullmatch(address) and ".." not in domain else None


def email_identifies(address: str, rules: IdentityRules) -> bool:
    """Return whether a normalised address belongs to one person, as far as it shows."""
    local, _, domain = address.rpartition("@")
    return (
        local.partition("+")[0] not in rules.role_names
        and not _is_within(domain, rules.disposable_domains)
        and address not in rules.blocked
    )


def _is_within(domain: str, domains: frozenset[str]) -> bool:
    """Return whether a domain is one of these, or below one."""
    while domain:
        if domain in domains:
            return True
        domain = domain.partition(".")[2]
    return False


def normalise_phone(value: object, *, region: str | None, rules: IdentityRules) -> str | None:
    """Return a valid number in E.164, or None.

    A number without a country is read as one of ``region``, a code or a name of the rules, else of their
    default.
    """
    text = clean_text(value)
    if text is None or len(text) > 40:
        return None
    where = _code_of(region, rules)
    try:
        number = phonenumbers.parse(unicodedata.normalize("NFKC", text), where)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _code_of(region: str | None, rules: IdentityRules) -> str:
    if not region:
        return rules.default_region
    if len(region) == 2 and region.isascii() and region.upper() in phonenumbers.SUPPORTED_REGIONS:
        return region.upper()
    return rules.countries.get(fold_country(region), rules.default_region)


def fold_country(name: str) -> str:
    """Return the name of a country as it is compared: width, case, accents and marks do not count."""
    apart = unicodedata.normalize("NFKD", name).casefold()
    return "".join(one for one in apart if one.isalnum())


def national_number(number: str) -> str:
    """Return the digits of a number in E.164 without those of its country."""
    return str(phonenumbers.parse(number).national_number)
