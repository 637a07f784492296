"""The second net under the logs: what looks like a person's address or number is blotted out.

The first net is that nobody logs personal data: fields hold identifiers, values of persons are
``Redacted``, exceptions show their type and code. This one is for what other people's packages
write. It may blot out a harmless long number; it is not to be relied on for names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from shared.kernel.errors import Verdict, code_of
from shared.kernel.redacted import Redacted

BLOT: Final = "[redacted]"
_MOST_CHARACTERS: Final = 4_000
_DEEPEST: Final = 6

_EMAIL = re.compile(r"[\w.+%'-]{1,64}(?:@|%40)[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_PHONE = re.compile(
    r"""(?<![\w./:-])                          # not inside a word, a path, a time or an id
        (?!\d{4}-\d\d-\d\d)                    # no date
        (?!\d{1,3}(?:\.\d{1,3}){3}(?!\d))      # no IPv4 address
        (?:\+|%2B|00)?\(?\d(?:[\ ().-]{0,2}\d){8,14}
        (?![\w])""",
    re.VERBOSE | re.IGNORECASE,
)

_IDENTIFIERS: Final = frozenset(
    {
        "timestamp",
        "trace_id",
        "span_id",
        "event_id",
        "lead_id",
        "code",
        "service",
        "version",
        "level",
        "logger",
    }
)


def blot_out(text: str) -> str:
    """Return ``text`` without e-mail addresses and telephone numbers, and not endlessly long."""
    if len(text) > _MOST_CHARACTERS:
        text = text[:_MOST_CHARACTERS] + "…"
    return _PHONE.sub(BLOT, _EMAIL.sub(BLOT, text))


def safe_argument(value: object) -> object:
    """Return what another package's log argument may show: an exception shows no message of its own."""
    if isinstance(value, BaseException) and not isinstance(value, Verdict):
        return type(value).__name__
    return value


def safe_value(value: object, *, depth: int = 0) -> object:
    """Return ``value`` as something that can be written as JSON and shows nothing it should not.

    Texts are blotted out; an object nobody made for the log shows the name of its type only.
    """
    if isinstance(value, str):
        return blot_out(str(value))
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Redacted):
        return BLOT
    if isinstance(value, BaseException):
        return {"type": type(value).__name__, "code": code_of(value)}
    if depth >= _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {str(key): safe_value(inner, depth=depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [safe_value(inner, depth=depth + 1) for inner in value]
    return f"<{type(value).__name__}>"


def safe_fields(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the fields of a log line, made safe; our own identifiers are left as they are."""
    return {
        key: value if key in _IDENTIFIERS and isinstance(value, str) else safe_value(value)
        for key, value in fields.items()
    }
