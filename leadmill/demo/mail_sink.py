"""A mail server that keeps what it gets and delivers nothing, for the demo and for tests.

It speaks as much SMTP as a sender needs. Tests tell it how to treat recipients: refuse them now or for
good, stay silent, or take a message and lose the answer, which is when nobody knows whether it was sent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import Enum
from types import TracebackType
from typing import Final, NamedTuple, Self

_LONGEST_LINE: Final = 64 * 1024
_LARGEST_MESSAGE: Final = 10 * 1024 * 1024


class Treatment(Enum):
    """What becomes of a message to a recipient."""

    TAKE = "take"
    DEFER_RECIPIENT = "451 4.7.1 try again later"
    REFUSE_RECIPIENT = "550 5.1.1 no such person here"
    DEFER_DATA = "452 4.3.1 no room now"
    REFUSE_DATA = "554 5.7.1 not wanted here"
    HANG_UP_EARLY = "hang up before the data"
    LOSE_ANSWER = "take it and hang up"
    NEVER_ANSWER = "take it and stay silent"


class Received(NamedTuple):
    """A message that was taken, from whom and to whom by the envelope, and whether we were to say so."""

    sender: str
    recipient: str
    content: bytes
    is_answered: bool = True

    @property
    def message(self) -> EmailMessage:
        """The message, taken apart."""
        parsed = message_from_bytes(self.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def message_id(self) -> str:
        """The part of Message-ID before the @: the id in the sender's ledger."""
        return str(self.message["Message-ID"]).strip("<>").partition("@")[0]


def take_all(_recipient: str) -> Treatment:
    """Take whatever comes."""
    return Treatment.TAKE


class MailSink:
    """Listens on loopback while it is entered; ``received`` is everything that was taken, in order.

    ``treat`` is asked once per recipient and may be changed at any time.
    """

    def __init__(self, *, treat: Callable[[str], Treatment] = take_all, port: int = 0) -> None:
        self.treat = treat
        self.received: list[Received] = []
        self.conversations = 0
        self.port = port
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", self.port, limit=_LONGEST_LINE)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._talks):
            writer.close()
        await self._server.wait_closed()

    def count(self, message_id: str) -> int:
        """Return how often a message arrived."""
        return sum(received.message_id == message_id for received in self.received)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.conversations += 1
        self._talks.add(writer)
        try:
            await _Conversation(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            pass  # the other side went away, or said what no mail server understands
        finally:
            self._talks.discard(writer)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


class _HungUp(ConnectionError):
    """We hung up, as we were told to."""


class _Conversation:
    """One connection, which may carry several messages."""

    def __init__(self, sink: MailSink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._sink = sink
        self._reader = reader
        self._writer = writer
        self._sender: str | None = None
        self._recipient: str | None = None
        self._treatment = Treatment.TAKE

    async def run(self) -> None:
        await self._say("220 sink.leadmill.invalid ESMTP")
        while line := await self._reader.readline():
            verb = line[:4].upper().strip().decode("ascii", "replace")
            if verb == "QUIT":
                await self._say("221 2.0.0 bye")
                return
            await self._obey(verb, line.decode("utf-8", "replace").strip())

    async def _obey(self, verb: str, line: str) -> None:
        match verb:
            case "EHLO":
                await self._say("250-sink.leadmill.invalid\r\n250-8BITMIME\r\n250 SIZE 10485760")
            case "HELO" | "NOOP":
                await self._say("250 2.0.0 ok")
            case "RSET":
                self._sender = self._recipient = None
                await self._say("250 2.0.0 ok")
            case "MAIL":
                self._sender, self._recipient = _address(line), None
                await self._say("250 2.1.0 ok")
            case "RCPT" if self._sender is not None:
                await self._take_recipient(_address(line))
            case "DATA" if self._recipient is not None:
                await self._take_data()
            case "RCPT" | "DATA":
                await self._say("503 5.5.1 not now")
            case _:
                await self._say("502 5.5.2 not understood")

    async def _take_recipient(self, recipient: str) -> None:
        self._treatment = self._sink.treat(recipient)
        if self._treatment is Treatment.HANG_UP_EARLY:
            self._hang_up()
        if self._treatment in {Treatment.DEFER_RECIPIENT, Treatment.REFUSE_RECIPIENT}:
            # as servers do, with the address in what they say
            code, _, text = self._treatment.value.partition(" ")
            await self._say(f"{code} <{recipient}>: {text}")
            return
        self._recipient = recipient
        await self._say("250 2.1.5 ok")

    async def _take_data(self) -> None:
        await self._say("354 go on, and end with a dot")
        content = await self._read_message()
        if self._treatment in {Treatment.DEFER_DATA, Treatment.REFUSE_DATA}:
            await self._say(self._treatment.value)
            return
        assert self._sender is not None
        assert self._recipient is not None
        is_answered = self._treatment not in {Treatment.LOSE_ANSWER, Treatment.NEVER_ANSWER}
        self._sink.received.append(Received(self._sender, self._recipient, content, is_answered))
        self._sender = self._recipient = None
        if self._treatment is Treatment.LOSE_ANSWER:
            self._hang_up()
        if self._treatment is Treatment.NEVER_ANSWER:
            await self._reader.read()  # until the other side has had enough
            raise _HungUp
        await self._say("250 2.0.0 taken")

    async def _read_message(self) -> bytes:
        lines: list[bytes] = []
        size = 0
        while (line := await self._reader.readline()) != b".\r\n":
            if not line or (size := size + len(line)) > _LARGEST_MESSAGE:
                raise _HungUp
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def _hang_up(self) -> None:
        self._writer.transport.abort()
        raise _HungUp

    async def _say(self, line: str) -> None:
        self._writer.write(line.encode() + b"\r\n")
        await self._writer.drain()


def _address(line: str) -> str:
    """Return what stands between < and > in MAIL FROM:<…> and RCPT TO:<…>."""
    return line.partition("<")[2].partition(">")[0]
