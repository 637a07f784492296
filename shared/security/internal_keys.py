"""Keys with which one service of the platform sends data in at the front door of another.

Each is derived from the deployment's pepper, so that every process has it, none stores it, and the
front door knows it while its database is away. Who has one is the platform itself, and may name leads
by our own ids.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final

from shared.kernel.redacted import Redacted
from shared.security.credentials import equal_in_constant_time, make_credential

PREFIX: Final = "lmi"


def internal_key(pepper: bytes, service: str) -> Redacted[str]:
    """Return the key of a service of this deployment; the same pepper gives the same key."""
    secret = hmac.digest(pepper, f"internal key of {service}".encode(), "sha256")
    return Redacted(make_credential(PREFIX, secret))


def service_of(pepper: bytes, key: str, *, services: Iterable[str]) -> str | None:
    """Return whose internal key this is, None if it is nobody's among ``services``.

    The time taken tells nothing about how nearly it is one.
    """
    found = None
    for service in services:
        if equal_in_constant_time(internal_key(pepper, service).reveal(), key):
            found = service
    return found
