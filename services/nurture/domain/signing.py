"""Signed links: what a tracking address says can only have been said by this deployment.

A token names a message, a link's number and a purpose; a click's token also covers the address that
it leads to, so the redirect needs no look-up and leads nowhere that was not in the mail.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final, Literal, NamedTuple

Purpose = Literal["open", "click", "unsubscribe"]

_MARK_BYTES: Final = 16
_MESSAGE_BYTES: Final = 16
_NUMBER_BYTES: Final = 2
_TOKEN: Final = re.compile("[A-Za-z0-9_-]{46}")
_PADDING: Final = "=="


class Signed(NamedTuple):
    """What a token says."""

    message: str
    number: int


def signing_key(secret: bytes) -> bytes:
    """Return the key of links, derived from a secret of the deployment that is never changed."""
    return hmac.digest(secret, b"links of nurture, 1", "sha256")


def sign(key: bytes, purpose: Purpose, message: str, *, number: int = 0, target: str = "") -> str:
    """Return the token of a message's link: 46 letters, digits, - and _.

    ``message`` is a message's id, 32 hexadecimal digits; ``target`` the address a click leads to.
    """
    body = bytes.fromhex(message) + number.to_bytes(_NUMBER_BYTES, "big")
    return urlsafe_b64encode(body + _mark(key, purpose, body, target)).decode().rstrip("=")


def verify(key: bytes, purpose: Purpose, token: str, *, target: str = "") -> Signed | None:
    """Return what a token says, None if it was not signed with this key for this purpose and target.

    The time taken tells nothing about how nearly it was right.
    """
    if _TOKEN.fullmatch(token) is None:
        return None
    raw = urlsafe_b64decode(token + _PADDING)
    body, mark = raw[: _MESSAGE_BYTES + _NUMBER_BYTES], raw[_MESSAGE_BYTES + _NUMBER_BYTES :]
    if not hmac.compare_digest(mark, _mark(key, purpose, body, target)):
        return None
    if urlsafe_b64encode(raw).decode().rstrip("=") != token:  # bits beyond the last byte: another spelling
        return None
    number = int.from_bytes(body[_MESSAGE_BYTES:], "big")
    return Signed(body[:_MESSAGE_BYTES].hex(), number)


def _mark(key: bytes, purpose: str, body: bytes, target: str) -> bytes:
    said = purpose.encode() + b"\0" + body + target.encode()
    return hmac.digest(key, said, "sha256")[:_MARK_BYTES]
