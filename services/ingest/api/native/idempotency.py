"""Requests named by ``Idempotency-Key``: carried out once, and answered the same ever after.

The name belongs to the source and the address, so nobody meets another's. Messages without an id of
their own get one that follows from name and body: a second try after a crash appends the same ids, and
the resolver drops what it has seen. Only what was kept is remembered; who was refused corrects the
request and may use its key again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

from services.ingest.api.messages import UNREADABLE, Message
from services.ingest.api.stamping import Stamper
from shared.http.commands import KeyMalformed, unquote_string
from shared.kernel.errors import Rejected, Unavailable
from shared.kernel.instants import Instant
from shared.telemetry.logging import get_logger

LONGEST_KEY: Final = 255
"""The most characters a key may have."""

_HEADER: Final = b"idempotency-key"

_read_any: Final = msgspec.json.Decoder().decode

logger = get_logger(__name__)


class NameMalformed(Rejected):
    """An Idempotency-Key has 1 to 255 printable ASCII characters, in double quotes or not."""

    code = "idempotency.key_malformed"


class Once(Protocol):
    """Knows named requests; ``services.ingest.store.idempotency.NamedRequests`` does."""

    async def claim(self, name: str, *, body: str, now: Instant) -> bytes | None:
        """Return what was answered before, or None to whoever has to carry the request out.

        :raises Rejected: if the name belongs to another body, or somebody else is at it.
        :raises Unavailable: if it cannot be told now.
        """
        ...

    async def settle(self, name: str, answer: bytes) -> None:
        """Keep the answer. :raises Unavailable: if it cannot be kept."""
        ...

    async def release(self, name: str) -> None:
        """Let the request be claimed again at once. :raises Unavailable: if that cannot be written."""
        ...


def read_name(headers: Mapping[bytes, str]) -> str | None:
    """Return the key of a request: a quoted string, or as many clients send it, bare; None without one.

    :raises NameMalformed: if it is neither, or too long.
    """
    text = headers.get(_HEADER)
    if text is None:
        return None
    key = text.strip()
    try:
        key = unquote_string(key) if key.startswith('"') else key
    except KeyMalformed:
        raise NameMalformed(field="Idempotency-Key") from None
    if not key or len(key) > LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise NameMalformed(field="Idempotency-Key")
    return key


class NamedRequest(NamedTuple):
    """A request that its sender named; all but ``key`` are keyed hashes."""

    key: str
    name: str
    body: str

    def name_messages(self, messages: Sequence[Message]) -> list[Message]:
        """Give messages without an id of their own one that a second try gives them again."""
        return [
            message
            if message.message_id is not None
            else message._replace(message_id=f"request\x1f{self.name}\x1f{self.body}\x1f{index}")
            for index, message in enumerate(messages)
        ]


def name_request(
    key: str, *, source: str, route: str, messages: Sequence[Message], stamper: Stamper
) -> NamedRequest:
    """Return the request with this key: two bodies that say the same in JSON are one."""
    told = "\x1e".join(f"{message.kind}\x1f{_canonical(message.body)}" for message in messages)
    return NamedRequest(
        key,
        stamper.hash_of("request", f"{source}\x1f{route}\x1f{key}"),
        stamper.hash_of("request_body", told),
    )


def _canonical(body: bytes) -> str:
    try:
        return msgspec.json.encode(_read_any(body), order="sorted").decode()
    except UNREADABLE:
        return body.decode("latin-1")


async def answer_once(
    once: Once, request: NamedRequest, *, now: Instant, act: Callable[[], Awaitable[bytes]]
) -> tuple[bytes, bool]:
    """Return the answer to a named request, and whether it had been given before.

    :raises Rejected: if the name belongs to another body, or the first one is under way.
    :raises Unavailable: if names cannot be told apart now, or the messages cannot be kept.
    """
    before = await once.claim(request.name, body=request.body, now=now)
    if before is not None:
        return before, True
    try:
        answer = await act()
    except Exception:
        await _try(once.release(request.name), what="release")
        raise
    # what was appended is kept, whatever becomes of the answer: a second try gets the same
    await _try(once.settle(request.name, answer), what="settle")
    return answer, False


async def _try(writing: Awaitable[None], *, what: str) -> None:
    try:
        await writing
    except Unavailable as error:
        logger.warning("named_request_left_claimed", code=error.reason, step=what)
