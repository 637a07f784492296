"""Which source sends this: a write key, wherever the client could put it.

SDKs put it in Basic credentials, in the body, in each event, in the query or in a header; all are
accepted, and the first that opens the door counts. A refusal makes every SDK throw its data away for good, so
while keys cannot be checked the answer is *unavailable* and never *invalid*.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from typing import Final, Protocol
from urllib.parse import parse_qs

from starlette.types import Scope

from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant
from shared.security.write_keys import Door, Entrance


class WriteKeyInvalid(Rejected):
    """No source has this write key, or there is none in the request; `leadmill key add` makes one."""

    code = "write_key.invalid"


class WriteKeyOutOfScope(Rejected):
    """This write key opens other doors only; `leadmill key list` shows them, `key add --door` makes one."""

    code = "write_key.out_of_scope"


class Keys(Protocol):
    """Knows write keys; ``shared.security.entrances.WriteKeys`` does."""

    async def entrance_of(self, key: str, *, now: Instant) -> Entrance | None:
        """Return the entrance that a key opens, None if there is no such key.

        :raises Unavailable: if it cannot be told now.
        """
        ...


_QUERY_NAMES: Final = ("writeKey", "writekey", "write_key")


def headers_of(scope: Scope) -> dict[bytes, str]:
    """Return the request's headers; of a name that stands there twice the last."""
    return {name: value.decode("latin-1") for name, value in scope["headers"]}


def query_of(scope: Scope) -> Mapping[str, list[str]]:
    """Return the parameters of the query; nothing if there are more than two hundred."""
    raw: bytes = scope.get("query_string", b"")
    if not raw:
        return {}
    try:
        return parse_qs(raw.decode("latin-1"), max_num_fields=200)
    except ValueError:
        return {}


@lru_cache(maxsize=1_000)
def _user_of(authorization: str) -> str:
    """Return the user in Basic credentials, ``""`` if there is none; most clients send the same each time."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        plain = base64.b64decode(credentials.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return plain.partition(":")[0]


def _from_elsewhere(headers: Mapping[bytes, str], query: Mapping[str, list[str]]) -> Iterator[str]:
    for name in _QUERY_NAMES:
        yield from query.get(name, ())
    yield headers.get(b"x-write-key", "")
    scheme, _, credentials = headers.get(b"authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        yield credentials.strip()


async def find_entrance(
    keys: Keys,
    *,
    headers: Mapping[bytes, str],
    query: Mapping[str, list[str]],
    in_body: Iterable[object] = (),
    door: Door | None = None,
    now: Instant,
) -> Entrance:
    """Return the entrance of the first write key that works and opens ``door``; None needs no scope.

    The order is: Basic credentials, the body, its first event, the query, ``X-Write-Key``, and last a
    bearer token.

    :raises WriteKeyInvalid: if none works.
    :raises WriteKeyOutOfScope: if those that work open other doors only.
    :raises Unavailable: if keys cannot be checked now.
    """
    written = (value for value in in_body if isinstance(value, str))
    tried: set[str] = set()
    works_elsewhere = False
    for key in chain(
        (_user_of(headers.get(b"authorization", "")),), written, _from_elsewhere(headers, query)
    ):
        if key and key not in tried:
            tried.add(key)
            entrance = await keys.entrance_of(key, now=now)
            if entrance is not None:
                if door is None or entrance.opens(door):
                    return entrance
                works_elsewhere = True
    raise WriteKeyOutOfScope if works_elsewhere else WriteKeyInvalid
