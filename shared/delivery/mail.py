"""Mail over SMTP, one step at a time, so that a refusal is told from an answer that was lost.

What the server says before it has seen the recipient is about us or about itself, and never the
message's fault: it is tried again later. From the end of the data on, silence means *unknown*.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal

import aiosmtplib
from aiosmtplib import SMTP, SMTPResponseException

from shared.delivery.outcomes import Accepted, Deferred, Outcome, Refused, Unknown
from shared.kernel.redacted import Redacted

Security = Literal["none", "starttls", "tls"]

_QUIT_SECONDS: Final = 2.0
_FOR_GOOD: Final = 500
_BROKEN: Final = (aiosmtplib.SMTPException, OSError, EOFError, TimeoutError)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail is handed over, and how. ``timeout`` is for each step of the conversation."""

    host: str
    port: int
    security: Security = "starttls"
    username: str = ""
    password: Redacted[str] = field(default_factory=lambda: Redacted(""))
    timeout: timedelta = timedelta(seconds=20)
    name: str = ""
    """How we introduce ourselves; empty: the machine's name."""


class MailLine:
    """A connection that is opened when it is needed and kept for as long as it works.

    One conversation at a time. :meth:`close` it in the end.
    """

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._smtp: SMTP | None = None

    async def send(self, message: bytes, *, sender: str, recipient: str) -> Outcome:
        """Hand over a whole message (RFC 5322, lines ending in CRLF) to one recipient."""
        try:
            smtp = await self._open()
            await smtp.mail(sender)
        except SMTPResponseException as error:
            await self.close()
            return Deferred(f"mail.{error.code}")
        except _BROKEN:
            self._drop()
            return Deferred("mail.unreachable")
        try:
            await smtp.rcpt(recipient)
        except SMTPResponseException as error:
            await self._start_over(smtp)
            return _by_code(error.code)
        except _BROKEN:
            self._drop()
            return Deferred("mail.unreachable")
        return await self._hand_over(smtp, message)

    async def close(self) -> None:
        """Say good-bye, if anybody listens."""
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        try:
            async with asyncio.timeout(_QUIT_SECONDS):
                await smtp.quit()
        except _BROKEN:
            smtp.close()

    async def _hand_over(self, smtp: SMTP, message: bytes) -> Outcome:
        try:
            await smtp.data(message)
        except SMTPResponseException as error:
            await self._start_over(smtp)
            return _by_code(error.code)
        except _BROKEN:
            self._drop()
            return Unknown("mail.answer_lost")
        except asyncio.CancelledError:
            self._drop()
            raise
        return Accepted()

    async def _open(self) -> SMTP:
        if self._smtp is not None and self._smtp.is_connected:
            return self._smtp
        self._drop()
        server = self._server
        smtp = SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            username=server.username or None,
            password=server.password.reveal() or None,
            timeout=server.timeout.total_seconds(),
            local_hostname=server.name or None,
        )
        self._smtp = smtp
        await smtp.connect()
        return smtp

    async def _start_over(self, smtp: SMTP) -> None:
        """Make the connection good for the next message."""
        try:
            await smtp.rset()
        except _BROKEN:
            self._drop()

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()


def _by_code(code: int) -> Outcome:
    return Refused(f"mail.{code}") if code >= _FOR_GOOD else Deferred(f"mail.{code}")
