"""Credentials: how one looks, and the keyed hash under which it is stored.

``<prefix>_<43 characters><6 characters>``: 32 random bytes and a checksum, in base 62. The prefix
lets scanners find a leaked one; the checksum lets a typing error be told from an unknown one
without asking any store.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Final
from zlib import crc32

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY_LENGTH: Final = 43
_CHECKSUM_LENGTH: Final = 6


def mint_credential(prefix: str) -> str:
    """Return a new random credential; it is shown to its owner once and never stored."""
    return make_credential(prefix, secrets.token_bytes(32))


def make_credential(prefix: str, secret: bytes) -> str:
    """Return the credential that holds these 32 bytes, which must be as good as random."""
    body = _base62(int.from_bytes(secret, "big"), _BODY_LENGTH)
    return f"{prefix}_{body}{_checksum(prefix, body)}"


def is_well_formed(text: str, *, prefix: str) -> bool:
    """Say whether ``text`` could have been minted with ``prefix``: its length and checksum are right."""
    start = f"{prefix}_"
    if not text.startswith(start) or len(text) != len(start) + _BODY_LENGTH + _CHECKSUM_LENGTH:
        return False
    body, checksum = text[len(start) : -_CHECKSUM_LENGTH], text[-_CHECKSUM_LENGTH:]
    return equal_in_constant_time(_checksum(prefix, body), checksum)


def fingerprint(pepper: bytes, text: str) -> bytes:
    """Return the 32 bytes under which a credential is stored (HMAC-SHA256).

    A slow hash would add nothing: what is hashed is random, not chosen by a person.
    """
    return hmac.digest(pepper, text.encode(), "sha256")


def public_id(stored: bytes) -> str:
    """Return the short id by which people name a stored credential; it reveals nothing of it."""
    return stored.hex()[:12]


def equal_in_constant_time(left: str | bytes, right: str | bytes) -> bool:
    """Compare so that the time taken tells nothing about where the two differ."""
    return hmac.compare_digest(_bytes(left), _bytes(right))


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _checksum(prefix: str, body: str) -> str:
    return _base62(crc32(f"{prefix}_{body}".encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits: list[str] = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
