"""The environment of nurture: ``LEADMILL_NURTURE_…``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.runtime.settings.durations import Duration
from shared.runtime.settings.environment import Fault, Settings

_STEPS: Final = 6
"""Steps of a conversation: connect, greet, secure, log in, name sender and recipient, hand over."""

_PLAIN: Final = re.compile("[!-~]{1,200}")


class NurtureSettings(Settings):
    """What can be set per process; sequences and contents are documents in ``config/nurture``."""

    model_config = SettingsConfigDict(env_prefix="LEADMILL_NURTURE_")

    calendar: str = Field("china", description="the calendar to send by, one of config/calendars")
    smtp_host: str = Field("", description="the mail server; without one, messages wait and are not sent")
    smtp_port: int = Field(587, ge=1, le=65535, description="its port")
    smtp_security: Literal["none", "starttls", "tls"] = Field(
        "starttls", description="how the connection is secured: none, starttls or tls"
    )
    smtp_username: str = Field("", description="the name to log in with, if there is one")
    smtp_password: SecretStr = Field(SecretStr(""), description="the password to log in with")
    smtp_timeout: Duration = Field(timedelta(seconds=20), description="how long each step may take")
    sender_address: str = Field("", description="the address that mails come from")
    sender_name: str = Field("", description="the name that mails come from")
    organisation: str = Field("", description="who writes, as it stands below each mail")
    postal_address: str = Field("", description="the organisation's address, below each mail")
    public_url: str = Field(
        "",
        description="how recipients reach /t/, for example https://news.example.com; default: the front door",
    )
    front_door: str = Field(
        "",
        description="where ingest takes data in, for example http://ingest:8080; default: this process",
    )
    connections: int = Field(2, ge=1, le=20, description="conversations with the mail server at a time")
    batch: int = Field(20, ge=1, le=500, description="messages that one conversation claims at a time")
    lease: Duration = Field(
        timedelta(minutes=5), description="after this long without a word a message counts as unconfirmed"
    )

    spill: bool = Field(
        default=True,
        description="keep opens and clicks on this machine's disk while the database is away; where the"
        " data folder does not last, say no: readers then get 503 instead",
    )
    spill_bytes: int = Field(
        64 * 1024**2, ge=1024**2, description="bytes of opens and clicks that may wait on disk per process"
    )

    @property
    def sends(self) -> bool:
        """True if there is a mail server."""
        return bool(self.smtp_host)

    @property
    def longest_send(self) -> timedelta:
        """How long a whole conversation about one message may take."""
        return _STEPS * self.smtp_timeout

    def find_faults(self) -> Iterable[Fault]:
        """Return what does not fit together."""
        if self.sends:
            if not _is_address(self.sender_address):
                yield Fault("LEADMILL_NURTURE_SENDER_ADDRESS", "is the address that mails come from; set it")
            for name in ("organisation", "postal_address"):
                if not getattr(self, name):
                    yield Fault(
                        f"LEADMILL_NURTURE_{name.upper()}", "stands below each mail, as the law asks; set it"
                    )
        if self.lease < 2 * self.longest_send:
            problem = f"is at least {2 * _STEPS} times LEADMILL_NURTURE_SMTP_TIMEOUT; raise it"
            yield Fault("LEADMILL_NURTURE_LEASE", problem)
        for name in ("public_url", "front_door"):
            address = getattr(self, name)
            parts = urlsplit(address)
            is_whole = parts.scheme in {"http", "https"} and parts.netloc and _PLAIN.fullmatch(address)
            if address and not is_whole:
                yield Fault(f"LEADMILL_NURTURE_{name.upper()}", "is written https://news.example.com")


def _is_address(text: str) -> bool:
    try:
        address = Address(addr_spec=text)
    except (MessageError, ValueError, IndexError):  # the parser's own ways to say that it is none
        return False
    return bool(address.username and address.domain) and text.isascii()
