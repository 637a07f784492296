"""Certificates of erasures: what was removed where, sealed; nothing in them names anybody."""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel

from services.ingest.queries.erasures import Certificate
from shared.http.access import require
from shared.kernel.instants import to_datetime
from shared.security.credentials import fingerprint

KEPT: Final = (
    "keyed hashes of the identifiers, so that the person stays suppressed",
    "opaque ids, scores, sums and credits, and what they are made of",
)
"""What stays, in words."""

_SEALED: Final = "certificate of erasure\n"


class RemovedOut(BaseModel):
    """How many rows a service scrubbed in a table, or of `table.column` where the row stays without it."""

    service: str
    place: str
    count: int


class AgesOutOut(BaseModel):
    """Where bytes lie as they came, restricted, and by when nothing of the person is left there.

    As the deployment's own topics and settings have it now; `null` where it keeps them for good.
    """

    where: str
    by: datetime | None


class CertificateOut(BaseModel):
    """What became of a wish to be forgotten.

    `complete` once every service has answered and quarantine and dead letters were looked through; until
    then `waiting_for` names who has not. `seal` is an HMAC over everything else under the deployment's
    key: `POST /v1/erasures/check` and `leadmill erasure check` tell whether a copy is unchanged.
    """

    id: str
    asked_at: datetime
    asked_by: str
    profiles: int
    state: Literal["complete", "waiting"]
    waiting_for: list[str]
    removed: list[RemovedOut]
    ages_out: list[AgesOutOut]
    kept: list[str]
    seal: str


class CheckedOut(BaseModel):
    """Whether a certificate is as it was sealed here."""

    unchanged: bool


class Sealing:
    """Seals certificates and tells whether one is unchanged."""

    def __init__(self, pepper: bytes) -> None:
        self._pepper = pepper

    def seal(self, certificate: dict[str, Any]) -> str:
        """Return the seal of a certificate, as JSON has it; a seal that it bears is left out."""
        content = {name: value for name, value in certificate.items() if name != "seal"}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return fingerprint(self._pepper, _SEALED + text).hex()

    def is_unchanged(self, certificate: dict[str, Any]) -> bool:
        """Return whether the seal that a certificate bears is its own."""
        given = certificate.get("seal")
        return isinstance(given, str) and hmac.compare_digest(given.encode(), self.seal(certificate).encode())


def show_certificate(certificate: Certificate, sealing: Sealing) -> CertificateOut:
    """Return a certificate as it is shown, sealed."""
    erasure = certificate.erasure
    shown = CertificateOut(
        id=erasure.lead,
        asked_at=to_datetime(erasure.asked),
        asked_by=erasure.by,
        profiles=len(erasure.profiles),
        state="waiting" if certificate.waiting_for else "complete",
        waiting_for=certificate.waiting_for,
        removed=[
            RemovedOut(service=one.service, place=one.place, count=one.rows) for one in certificate.removed
        ],
        ages_out=[
            AgesOutOut(where=one.where, by=None if one.by is None else to_datetime(one.by))
            for one in certificate.ages_out
        ],
        kept=list(KEPT),
        seal="",
    )
    return shown.model_copy(update={"seal": sealing.seal(shown.model_dump(mode="json"))})


FindCertificate = Callable[[str], Awaitable[Certificate]]
"""Finds one; ``services.ingest.queries.erasures`` does."""


def build_certificate_router(find_certificate: FindCertificate, sealing: Sealing) -> APIRouter:
    """Return the routes of certificates."""
    router = APIRouter(prefix="/v1/erasures", tags=["ingest"])
    readers = require("manager", "service", "read")

    @router.get("/{lead}", dependencies=[readers], summary="What was removed where, and what ages out when")
    async def show_erasure(lead: str) -> CertificateOut:
        """Show the certificate of an erasure; it names nobody."""
        return show_certificate(await find_certificate(lead), sealing)

    @router.post("/check", dependencies=[readers], summary="Whether a certificate is as it was sealed here")
    async def check_certificate(certificate: dict[str, Any]) -> CheckedOut:
        """Tell whether a copy of a certificate is unchanged."""
        return CheckedOut(unchanged=sealing.is_unchanged(certificate))

    return router
