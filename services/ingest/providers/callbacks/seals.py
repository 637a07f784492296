"""Messages as WeChat and WeCom seal them: AES with the account's own key.

Both platforms use one scheme. What is inside a seal is 16 random bytes, the length of the message, the
message, and whom it is for; the last must be us, or somebody passes on what was meant for another.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from shared.security.credentials import equal_in_constant_time

_BLOCK: Final = 32
_HEAD: Final = 20
_KEY_LENGTH: Final = 43


class SealBroken(ValueError):
    """What was sealed cannot be opened with this account's key, or is for another account."""


def open_seal(sealed: str, *, encoding_aes_key: str, receive_id: str) -> bytes:
    """Return the message inside.

    Check its signature first, so that the padding tells strangers nothing. ``encoding_aes_key`` has 43
    characters, as the platform shows it; ``receive_id`` is the account's own id (AppID or CorpID).

    :raises SealBroken: if it cannot be opened, or is for somebody else.
    """
    key = _read_key(encoding_aes_key)
    try:
        content = base64.b64decode(sealed, validate=True)
        decryptor = Cipher(AES256(key), CBC(key[:16])).decryptor()
        plain = decryptor.update(content) + decryptor.finalize()
    except (binascii.Error, ValueError):
        raise SealBroken("not sealed with this key") from None
    padding = plain[-1] if plain else 0
    if not 1 <= padding <= _BLOCK or len(plain) < _HEAD + padding:
        raise SealBroken("not padded")
    plain = plain[:-padding]
    end = _HEAD + int.from_bytes(plain[16:_HEAD], "big")
    if end > len(plain):
        raise SealBroken("shorter than it says")
    if not equal_in_constant_time(receive_id, plain[end:].decode("utf-8", "replace")):
        raise SealBroken("for another account")
    return plain[_HEAD:end]


def _read_key(encoded: str) -> bytes:
    if len(encoded) != _KEY_LENGTH:
        raise SealBroken("not to be opened by a key that has not 43 characters")
    try:
        return base64.b64decode(f"{encoded}=", validate=True)
    except (binascii.Error, ValueError):
        raise SealBroken("not to be opened by a key that has other signs than letters and digits") from None
