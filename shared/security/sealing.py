"""Sealing: secrets of others that we must be able to show again, kept unreadable in the database.

AES-256-GCM under a key that follows from the pepper; what a seal is about is bound into it, so that no
row can be passed off as another. Whoever has the database and not the pepper has nothing.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.kernel.errors import Unavailable

_NONCE_BYTES: Final = 12


class SealBroken(Unavailable):
    """A secret was sealed under another pepper, or was touched; put the pepper back, or set it anew."""

    code = "secrets.seal_broken"


class Sealing:
    """Seals and opens. ``purpose`` keeps the seals of one room apart from those of others."""

    def __init__(self, pepper: bytes, *, purpose: str) -> None:
        self._cipher = AESGCM(hmac.digest(pepper, f"sealing of {purpose}".encode(), "sha256"))

    def seal(self, plain: bytes, *, about: str) -> bytes:
        """Return the sealed bytes; sealed twice, the same gives other bytes."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, about.encode())

    def open(self, sealed: bytes, *, about: str) -> bytes:
        """Return what was sealed. :raises SealBroken: if it was not sealed here, or about something else."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], about.encode())
        except (InvalidTag, ValueError):
            raise SealBroken from None
