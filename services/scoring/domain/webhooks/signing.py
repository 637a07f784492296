"""The signature of the Standard Webhooks: who has the secret knows that the words are ours, and how old.

``webhook-signature`` holds one ``v1,<signature>`` for each secret that is live, so that a receiver that
knows one of them is content while secrets are changed.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Final

from shared.kernel.instants import SECOND, Instant

PREFIX: Final = "whsec_"
KEY_BYTES: Final = 32
"""How long the keys are that we make; the standard allows 24 to 64 bytes."""


def secret_of(key: bytes) -> str:
    """Return a key as receivers keep it."""
    return PREFIX + b64encode(key).decode("ascii")


def key_of(secret: str) -> bytes:
    """Return the key within a secret. :raises ValueError: if it is none."""
    if not secret.startswith(PREFIX):
        raise ValueError("a secret begins with whsec_")
    try:
        return b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a secret is base64 after whsec_") from error


def sign(secrets: Sequence[str], *, message: str, at: Instant, body: bytes) -> dict[str, str]:
    """Return the three headers of a message; ``message`` is the same for each attempt and holds no dot."""
    seconds = str(at // SECOND)
    signed = b".".join((message.encode("ascii"), seconds.encode("ascii"), body))
    signatures = [
        "v1," + b64encode(hmac.digest(key_of(secret), signed, "sha256")).decode("ascii") for secret in secrets
    ]
    return {
        "webhook-id": message,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(signatures),
    }
