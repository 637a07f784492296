"""Ids that can be computed again: the same cause gives the same id, so a repeat is recognised.

Personal data enters an id only through :func:`keyed_hash`, whose key never leaves the deployment;
whoever holds an id without the key learns nothing about the person.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b

_ID_BYTES = 16


def deterministic_id(*parts: str) -> str:
    """Return 32 hexadecimal digits that depend on ``parts`` and on nothing else."""
    return blake2b("\x1f".join(parts).encode(), digest_size=_ID_BYTES).hexdigest()


def deterministic_ids(*first_parts: str) -> Callable[[str], str]:
    """Return what makes the id of these parts and one more, as :func:`deterministic_id` does."""
    begun = blake2b("\x1f".join((*first_parts, "")).encode(), digest_size=_ID_BYTES)

    def make(last_part: str) -> str:
        hasher = begun.copy()
        hasher.update(last_part.encode())
        return hasher.hexdigest()

    return make


def keyed_hash(key: bytes, kind: str, value: str) -> str:
    """Return 32 hexadecimal digits for one identifying value of one kind.

    ``key`` is the deployment's secret of at least 16 and at most 64 bytes; without it the value
    can be neither recovered nor confirmed.

    :raises ValueError: if the key is too short or too long.
    """
    hasher = _begun(key, kind).copy()
    hasher.update(value.encode())
    return hasher.hexdigest()


@lru_cache(maxsize=64)
def _begun(key: bytes, kind: str) -> blake2b:
    """Return a hash that has taken in key and kind: most of the work, and there are few of both."""
    if not 16 <= len(key) <= 64:
        raise ValueError("the identity key must have 16 to 64 bytes")
    return blake2b(f"{kind}\x1f".encode(), digest_size=_ID_BYTES, key=key)
