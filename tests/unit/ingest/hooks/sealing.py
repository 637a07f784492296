"""How WeChat and WeCom seal a message; the other half of what the product opens."""

from __future__ import annotations

import base64
from hashlib import sha1

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
"""The key of Tencent's published sample."""


def seal(message: bytes, *, owner: str, key: str = AES_KEY, salt: bytes = b"0123456789abcdef") -> str:
    plain = salt + len(message).to_bytes(4, "big") + message + owner.encode()
    padding = 32 - len(plain) % 32
    return seal_plain(plain + bytes([padding]) * padding, key=key)


def seal_plain(plain: bytes, *, key: str = AES_KEY) -> str:
    """Seal blocks as they are, to make what no platform would."""
    raw = base64.b64decode(f"{key}=")
    encryptor = Cipher(AES256(raw), CBC(raw[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()


def sign(*texts: str) -> str:
    return sha1("".join(sorted(texts)).encode()).hexdigest()
