"""Ids that can be computed again: the same cause gives the same id, so a repeat is recognised.

Personal data enters an id only through :func:`keyed_hash`, whose key never leaves the deployment;
whoever holds an id without the key learns nothing about the person.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

_ID_BYTES = 16


def deterministic_id(*parts: str) -> str:
    """Return 32 hexadecimal digits that depend on ``parts`` and on nothing else."""
    return blake2b("\x1f".join(parts).encode(), digest_size=_ID_BYTES).hexdigest()


def keyed_hash(key: bytes, kind: str, value: str) -> str:
    """Return 32 hexadecimal digits for one identifying value of one kind.

    ``key`` is the deployment's secret of at least 16 and at most 64 bytes; without it the value
    can be neither recovered nor confirmed.

    :raises ValueError: if the key is too short or too long.
    """
    hasher = _keyed(key).copy()
    hasher.update(f"{kind}\x1f{value}".encode())
    return hasher.hexdigest()


@lru_cache(maxsize=4)
def _keyed(key: bytes) -> blake2b:
    """Return a hash that has taken in the key; that is half of the work, and a deployment has one key."""
    if not 16 <= len(key) <= 64:
        raise ValueError("the identity key must have 16 to 64 bytes")
    return blake2b(digest_size=_ID_BYTES, key=key)
