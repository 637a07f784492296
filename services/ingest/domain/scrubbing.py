"""Taking out what identifies a person from texts that go to topics kept for good.

Only ``contacts`` may name anybody. Addresses, telephone numbers and whatever looks like one are
replaced in paths and names, and properties that hold one are left out. Too much is taken rather than
too little: a document called after eleven digits loses them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import unquote, urlsplit

Scalar = str | int | float | bool | None

_EMAIL: Final = re.compile(r"[^\s@/?&=<>,;:]+@[^\s@/?&=<>,;:]+\.\w{2,}")
_PHONE: Final = re.compile(r"(?:\+|\b)\(?\d(?:[\s().\-]{0,2}\d){8,}")
_ID: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{32}")
"""128 bits in hexadecimal, as UUIDs and our own ids are written; some begin with nine digits or more."""
_DIGITS: Final = re.compile(r"[0-9]{1,20}")
_SHORTEST_ID: Final = 15
_IDENTITY_CARD: Final = 18
_JWT: Final = re.compile(r"eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?")
"""A signed token as it stands in links; the first letters are those of every JSON object in Base64."""
_TOKEN: Final = re.compile(
    r"(?=[\w~.-]*[0-9])(?=[\w~.-]*[a-z])(?=[\w~.-]*[A-Z])(?![\w~.]*-[\w~.]*-)[\w~.-]{20,}"
)
"""What nobody writes by hand: twenty characters or more of figures and letters of both cases."""
_BEFORE_NAMES: Final = frozenset(
    {
        *("user", "users", "u", "profile", "profiles", "member", "members", "people", "person"),
        *("reset", "verify", "confirm", "unsubscribe", "invite", "invitation", "token"),
    }
)
"""Segments of a path that a name or a token follows."""
_ESCAPED_ZERO: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_SPLITS: Final = re.compile(r"[^a-z]+")
_SPELT: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAMING: Final = frozenset(
    {
        *("address", "avatar", "birthday", "email", "fax", "firstname", "fullname", "ip", "lastname"),
        *("mail", "mobile", "msisdn", "openid", "passport", "password", "phone", "ssn", "tel", "telephone"),
        *("token", "unionid", "userid", "username", "wechat", "whatsapp"),
        *("name", "contact", "contactname", "displayname", "familyname", "givenname", "nickname", "surname"),
    }
)
_NAMING_PARTS: Final = frozenset(
    {"email", "mail", "mobile", "phone", "telephone", "wechat", "password", "token"}
)
_IDS_OF_THINGS: Final = frozenset(
    {
        *("adid", "adgroupid", "adsetid", "assetgroupid", "campaignid", "creativeid", "formid"),
        *("groupid", "pageid", "placementid", "promotionid", "siteid"),
    }
)
"""Properties that hold the number of something on a platform, in any spelling."""
_LONGEST_TEXT: Final = 200
_LONGEST_NAME: Final = 64
"""What is longer is looked at anew each time, so that nobody fills the memory with made-up names."""

_LONGEST_CACHED: Final = 200
_MOST_PROPERTIES: Final = 50
_LARGEST_NUMBER: Final = 10**9

REMOVED: Final = "-"
"""What stands where something identifying stood."""


def drop_zeros(text: str) -> str:
    """Return a text without the character zero, written out or as JSON escapes it; no database keeps it.

    An escaped backslash before ``u0000`` is a backslash, and stays.
    """
    if "\\u0000" in text:
        text = _ESCAPED_ZERO.sub(r"\1", text)
    return text.replace("\0", "") if "\0" in text else text


def scrub_text(text: str) -> str:
    """Return ``text`` without addresses and telephone numbers, at most 200 characters of it."""
    if "%" in text:
        text = unquote(text)
    if "\0" in text:
        text = text.replace("\0", "")
    if "@" in text:
        text = _EMAIL.sub(REMOVED, text)
    if "eyJ" in text:
        text = _JWT.sub(REMOVED, text)
    if _ID.fullmatch(text) is None:
        text = _PHONE.sub(REMOVED, text)
    return text[:_LONGEST_TEXT]


def without(text: str, values: Iterable[str]) -> str:
    """Return a text in which nothing stands of these values, whatever their case, nor of their words.

    Words of one letter stay: they name nobody.
    """
    parts = {part for value in values for part in (value.strip(), *value.split()) if len(part) > 1}
    for part in sorted(parts, key=len, reverse=True):
        text = re.sub(re.escape(part), REMOVED, text, flags=re.IGNORECASE)
    return text


def scrub_label(text: str) -> str:
    """Return the name or id of a campaign, an ad or a form; digits alone are an id, and stay (rule 12).

    Ad platforms number what they have with eight bytes. Such a number looks like a telephone number, but
    not in a field where nobody puts one.
    """
    return text if _DIGITS.fullmatch(text) else scrub_text(text)


def is_platform_id(text: str) -> bool:
    """Return whether digits are too many for a telephone number, and not those of an identity card."""
    return _DIGITS.fullmatch(text) is not None and len(text) >= _SHORTEST_ID and len(text) != _IDENTITY_CARD


def identifies(text: str) -> bool:
    """Return whether a text holds something that looks like an address or a telephone number."""
    plain = unquote(text) if "%" in text else text
    if "@" in plain and _EMAIL.search(plain):
        return True
    return _PHONE.search(plain) is not None and _ID.fullmatch(plain) is None


def scrub_path(address: str) -> str:
    """Return the path of a URL or path, without query, fragment, and identifying segments."""
    try:
        path = urlsplit(address).path if "?" in address or "#" in address or "//" in address else address
    except ValueError:
        return ""
    if len(path) > _LONGEST_CACHED:
        return "/".join(_scrub_segments(path))[:_LONGEST_TEXT]
    return _scrub_short(path)


@lru_cache(maxsize=8192)
def _scrub_short(path: str) -> str:
    return "/".join(_scrub_segments(path))[:_LONGEST_TEXT]


def _scrub_segments(path: str) -> Iterator[str]:
    before = ""
    for segment in path.split("/"):
        if segment and (before in _BEFORE_NAMES or _TOKEN.fullmatch(segment)):
            yield REMOVED
        else:
            yield scrub_text(segment)
        before = segment.lower()


def scrub_properties(properties: Mapping[str, object]) -> dict[str, Scalar]:
    """Return the scalar properties that cannot name a person, fifty at most, in order of name."""
    kept: dict[str, Scalar] = {}
    for name in sorted(properties):
        value = properties[name]
        if len(kept) >= _MOST_PROPERTIES or len(name) > _LONGEST_NAME or _names_somebody(name):
            continue
        if isinstance(value, bool):
            kept[name] = value
        elif isinstance(value, int | str) and _names_a_thing(name) and _DIGITS.fullmatch(str(value)):
            kept[name] = str(value)
        elif isinstance(value, str):
            if value and "://" not in value and len(value) <= _LONGEST_TEXT and not identifies(value):
                kept[name] = value
        elif isinstance(value, int | float) and abs(value) < _LARGEST_NUMBER:
            kept[name] = value
    return kept


@lru_cache(maxsize=4096)
def _names_a_thing(name: str) -> bool:
    return "".join(_words_of(name)) in _IDS_OF_THINGS


@lru_cache(maxsize=4096)
def _names_somebody(name: str) -> bool:
    if identifies(name):
        return True
    words = _words_of(name)
    return "".join(words) in _NAMING or not _NAMING_PARTS.isdisjoint(words)


def _words_of(name: str) -> list[str]:
    return [word for word in _SPLITS.split(_SPELT.sub("_", name).lower()) if word]
