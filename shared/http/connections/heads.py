"""Heads of answers as the bytes that are sent, each checked and put together once.

Nearly all answers of a process have one of a few dozen heads. What is known here tells its length, may be
followed by a body, and leaves the connection open.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

_MOST: Final = 256
_NAME: Final = re.compile(rb"[0-9A-Za-z!#$%&'*+.^_`|~-]+")
_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
_WITHOUT_BODY: Final = frozenset({204, 304})
_OF_THE_CONNECTION: Final = frozenset({b"connection", b"transfer-encoding"})

Headers = Sequence[tuple[bytes, bytes]]


class Heads:
    """The heads that one process sends; bounded, whatever is sent."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, tuple[tuple[bytes, bytes], ...]], tuple[bytes, int] | None] = {}
        self._common: Headers = ()
        self._common_lines = b""

    def head_of(self, status: int, headers: Headers, common: Headers) -> tuple[bytes, int] | None:
        """Return the head of an answer, ``common`` included, and the length that it tells.

        None if the answer is not to be sent whole: it has no length or no body, or says something of the
        connection, or is not well formed.
        """
        key = (status, tuple(headers))
        try:
            known = self._known[key]
        except KeyError:
            known = _read(status, headers)
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = known
        if known is None:
            return None
        if common is not self._common:  # uvicorn makes a new list for each second's date
            self._common = common
            self._common_lines = _lines_of(common) + b"\r\n"
        own, length = known
        return own + self._common_lines, length


def _read(status: int, headers: Headers) -> tuple[bytes, int] | None:
    lengths = [value for name, value in headers if name.lower() == b"content-length"]
    is_whole = (
        status >= 200
        and status not in _WITHOUT_BODY
        and len(lengths) == 1
        and _LENGTH.fullmatch(lengths[0])
        and not any(name.lower() in _OF_THE_CONNECTION for name, _ in headers)
        and all(_NAME.fullmatch(name) and _VALUE.fullmatch(value) for name, value in headers)
    )
    if not is_whole:
        return None
    return STATUS_LINE[status] + _lines_of(headers), int(lengths[0])


def _lines_of(headers: Headers) -> bytes:
    return b"".join(b"%b: %b\r\n" % (name.lower(), value) for name, value in headers)
