"""Signatures as vendors make them; compared in constant time, over the bytes as they came."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Final

from services.ingest.providers.port import SignatureInvalid, SignatureMissing, SignatureTooOld
from shared.kernel.instants import MICROSECOND, Instant
from shared.security.credentials import equal_in_constant_time

_LONGEST: Final = 1_000


def hmac_sha256(secret: str, payload: bytes) -> bytes:
    """Return the 32 bytes of HMAC-SHA256."""
    return hmac.digest(secret.encode(), payload, "sha256")


def hmac_hex(secret: str, payload: bytes) -> str:
    """Return HMAC-SHA256 in lower-case hexadecimal."""
    return hmac_sha256(secret, payload).hex()


def hmac_base64(secret: str, payload: bytes) -> str:
    """Return HMAC-SHA256 in base64."""
    return base64.b64encode(hmac_sha256(secret, payload)).decode()


def sha1_of_sorted(*parts: str) -> str:
    """Return SHA-1 of the sorted parts, one after the other, as WeChat signs."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def require_signature(given: str | None, *expected: str) -> None:
    """Return if the signature is one of those that would be right.

    :raises SignatureMissing: if there is none.
    :raises SignatureInvalid: if it is another; the time taken tells nothing about how nearly it fits.
    """
    if not given:
        raise SignatureMissing
    fits = False
    for one in expected:
        fits |= equal_in_constant_time(one, given[:_LONGEST])
    if not fits:
        raise SignatureInvalid


def require_recent(signed: Instant, *, received: Instant, within: timedelta) -> None:
    """Return if a signature was made a short time ago, or is as little ahead of our clock.

    :raises SignatureTooOld: if not.
    """
    if abs(received - signed) > within // timedelta(microseconds=MICROSECOND):
        raise SignatureTooOld


def escape_unicode(body: bytes) -> bytes:
    r"""Return the body with everything beyond ASCII escaped as JSON may, ``\u00e4``.

    Some vendors sign this form of what they send. A body that is no UTF-8 stays as it is.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body
    if text.isascii():
        return body
    units = text.encode("utf-16-be")
    pairs = (int.from_bytes(units[place : place + 2]) for place in range(0, len(units), 2))
    return "".join(chr(unit) if unit < 0x80 else f"\\u{unit:04x}" for unit in pairs).encode("ascii")
