"""How a vendor is asked: one GET or POST, its answer as bytes, its refusals as verdicts.

Whatever the vendor says is looked at for what can be done about it: ask later, ask less often, get
another token, or give up because the lead is gone. Nothing of an answer or an address enters an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, Protocol

import httpx

from services.ingest.providers.port import (
    LeadGone,
    VendorBusy,
    VendorTokenRefused,
    VendorUnavailable,
)
from shared.kernel.errors import Verdict

_LARGEST: Final = 16 * 1024 * 1024
_LONGEST_ANSWER: Final = 40.0
_LONGEST_WAIT: Final = 3_600.0
_DEFAULT_WAIT: Final = 60.0


class Diagnose(Protocol):
    """Reads a refusal in the vendor's own words; None leaves it to the status."""

    def __call__(self, status: int, body: bytes, /) -> Verdict | None:
        """Return what the refusal means."""
        ...


def leave_to_status(_status: int, _body: bytes) -> Verdict | None:
    """Know no words of the vendor's."""
    return None


async def ask_vendor(
    http: httpx.AsyncClient,
    method: str,
    address: str,
    *,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    diagnose: Diagnose = leave_to_status,
) -> bytes:
    """Return the body of a success.

    :raises LeadGone: for 404 and 410.
    :raises VendorTokenRefused: for 401 and 403.
    :raises VendorBusy: for 429, with the wait that the vendor asks for.
    :raises VendorUnavailable: for every other refusal, and where there is no answer.
    """
    try:
        async with (
            asyncio.timeout(_LONGEST_ANSWER),
            http.stream(method, address, headers=dict(headers or {}), json=json) as answer,
        ):
            body = bytearray()
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > _LARGEST:
                    raise VendorUnavailable("the vendor's answer is larger than 16 MiB")
    except (httpx.HTTPError, TimeoutError):
        raise VendorUnavailable from None
    if answer.is_success:
        return bytes(body)
    told = diagnose(answer.status_code, bytes(body))
    if told is not None:
        raise told
    match answer.status_code:
        case 401 | 403:
            raise VendorTokenRefused
        case 404 | 410:
            raise LeadGone
        case 429:
            raise VendorBusy(retry_after=_wait_of(answer.headers.get("retry-after")))
        case _:
            raise VendorUnavailable


def _wait_of(told: str | None) -> float:
    try:
        return min(max(float(told or _DEFAULT_WAIT), 1.0), _LONGEST_WAIT)
    except ValueError:
        return _DEFAULT_WAIT
