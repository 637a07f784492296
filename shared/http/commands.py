"""Commands over HTTP: named by ``Idempotency-Key``, so that whoever got no answer may ask again.

A route looks like this::

    @router.post("/leads/{lead}/claim")
    async def claim_lead(lead: str, body: ClaimIn, call: CommandCall) -> ClaimOut:
        return claim_out(await call.run(commands, lead, ClaimLead(rep=body.rep)))

A refused command leaves nothing behind, not even its key; one that took effect is answered the
same ever after. Answers: 422 ``command.key_reused`` for a key that named another command, 503 with
Retry-After while the database is away (ask again with the same key), else what the handler says.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Annotated, Any, Final, Protocol

from fastapi import Depends, Header, Request

from shared.kernel.clock import Clock
from shared.kernel.errors import Rejected
from shared.kernel.instants import Instant

LONGEST_KEY: Final = 200
"""The most characters an idempotency key may have."""

_HEADER: Final = "idempotency-key"
_ABOUT: Final = (
    "Names this command, at best with a UUID: sent again under the same key it takes effect once and is"
    " answered as the first time. Without it every request is a command of its own."
)


class KeyMalformed(Rejected):
    """An Idempotency-Key is one header of 1 to 200 printable ASCII characters, in double quotes or not."""

    code = "command.key_malformed"


class KeyTooLong(Rejected):
    """An Idempotency-Key has at most 200 characters; a UUID is enough."""

    code = "command.key_too_long"


class CommandRunner(Protocol):
    """Runs commands of one stage; ``shared.processor.commands.Commands`` does."""

    async def run(self, *, key: str, command: object, received: Instant, idempotency_key: str) -> Any:
        """Carry out ``command`` on ``key`` once for each ``idempotency_key`` and return its reply."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandCalled:
    """What names one command, and when it was received; its ``now``."""

    idempotency_key: str
    received: Instant

    async def run(self, commands: CommandRunner, key: str, command: object) -> Any:
        """Carry out ``command`` on the lead ``key`` and return the handler's reply, as plain data.

        :raises Rejected: if the handler refuses, or the key was used for another command.
        :raises Unavailable: if the database does not answer; the client asks again with the same key.
        """
        return await commands.run(
            key=key, command=command, received=self.received, idempotency_key=self.idempotency_key
        )


def read_command_call(
    request: Request,
    _documented: Annotated[str | None, Header(alias="Idempotency-Key", description=_ABOUT)] = None,
) -> CommandCalled:
    """Read a command's name from the request, or give it one that nobody else has.

    :raises KeyMalformed: if there are several keys, or one that is empty or not printable ASCII.
    :raises KeyTooLong: if it has more than :data:`LONGEST_KEY` characters.
    """
    clock: Clock = request.app.state.clock
    given = request.headers.getlist(_HEADER)
    if len(given) > 1:
        raise KeyMalformed
    key = read_key(given[0]) if given else secrets.token_hex(16)
    return CommandCalled(idempotency_key=key, received=clock.now())


def read_key(text: str) -> str:
    """Return the key that a header's value means: a quoted string, or as many clients send it, bare.

    :raises KeyMalformed: if it is empty, not printable ASCII, or in quotes that do not match.
    :raises KeyTooLong: if it has more than :data:`LONGEST_KEY` characters.
    """
    key = text.strip()
    if key[:1] == '"':
        key = unquote_string(key)
    if len(key) > LONGEST_KEY:
        raise KeyTooLong
    if not key or not (key.isascii() and key.isprintable()):
        raise KeyMalformed
    return key


def unquote_string(text: str) -> str:
    """Return what stands between the quotes (RFC 9651, a string); a backslash keeps what follows it.

    :raises KeyMalformed: if the quotes do not match.
    """
    plain: list[str] = []
    rest = iter(text[1:])
    for character in rest:
        if character == '"':
            if next(rest, None) is not None:
                raise KeyMalformed
            return "".join(plain)
        if character == "\\" and (character := next(rest, "")) not in {'"', "\\"}:
            raise KeyMalformed
        plain.append(character)
    raise KeyMalformed


CommandCall = Annotated[CommandCalled, Depends(read_command_call)]
"""The command's name and time, as a route's parameter."""
