"""How to reach Kafka, how long to wait for it, and what its failures mean to us."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any

from aiokafka.errors import KafkaError

from shared.log.port import LogUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """How to prove who we are. ``protocol`` is Kafka's: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.

    ``mechanism`` (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512), ``username`` and ``password`` count with the
    SASL protocols, ``tls`` with the SSL ones.
    """

    protocol: str = "PLAINTEXT"
    tls: SSLContext | None = None
    mechanism: str = "PLAIN"
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What every client of one log shares. All durations are in seconds."""

    bootstrap: str
    session_timeout: float = 30.0
    metadata_max_age: float = 10.0
    answer_timeout: float = 10.0
    stop_timeout: float = 5.0
    security: Security = field(default_factory=Security)

    @property
    def request_timeout(self) -> float:
        """How long one request may take; the broker may hold a join for a whole session."""
        return self.session_timeout + self.answer_timeout

    @property
    def heartbeat_interval(self) -> float:
        """How often a member shows that it lives; often enough to notice when nobody answers."""
        return min(self.session_timeout / 10, self.answer_timeout / 4)

    def arguments(self, *, client_id: str) -> dict[str, Any]:
        """Return what aiokafka's clients take alike."""
        return {
            "bootstrap_servers": self.bootstrap,
            "client_id": client_id,
            "metadata_max_age_ms": milliseconds(self.metadata_max_age),
            "request_timeout_ms": milliseconds(self.request_timeout),
            "security_protocol": self.security.protocol,
            "ssl_context": self.security.tls,
            "sasl_mechanism": self.security.mechanism,
            "sasl_plain_username": self.security.username,
            "sasl_plain_password": self.security.password,
        }


def milliseconds(seconds: float) -> int:
    """Return whole milliseconds, as Kafka counts time."""
    return round(seconds * 1000)


@asynccontextmanager
async def answered(within: float, *, what: str) -> AsyncIterator[None]:
    """Raise LogUnavailable if Kafka fails, or does not finish ``what`` within so many seconds.

    :raises LogUnavailable: naming what was tried and the kind of failure.
    """
    try:
        async with asyncio.timeout(within):
            yield
    except TimeoutError as error:
        raise LogUnavailable(f"Kafka did not {what} within {within:g} s; check that it is up") from error
    except (KafkaError, OSError) as error:
        raise LogUnavailable(f"Kafka could not {what}: {type(error).__name__}") from error
