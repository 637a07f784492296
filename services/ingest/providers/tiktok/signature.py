"""TikTok's signatures: two public accounts contradict each other, so either is taken."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from services.ingest.providers.port import Delivery, Secrets, SignatureInvalid, SignatureMissing
from services.ingest.providers.signatures import escape_unicode, hmac_hex, require_recent, require_signature
from shared.kernel.instants import SECOND

_WITHIN: Final = timedelta(minutes=5)


def verify(delivery: Delivery, secrets: Secrets) -> None:
    """Verify ``X-Open-Signature``, or ``TikTok-Signature`` with its time, where an app secret is set.

    :raises SignatureMissing: if neither is there.
    :raises SignatureInvalid: if it does not fit.
    :raises SignatureTooOld: if its time is more than five minutes off.
    """
    secret = secrets.get("app_secret")
    if secret is None:
        return
    plain = delivery.header("x-open-signature")
    if plain is not None:
        escaped = escape_unicode(delivery.body)
        require_signature(plain, hmac_hex(secret, delivery.body), hmac_hex(secret, escaped))
        return
    timed = delivery.header("tiktok-signature")
    if timed is None:
        raise SignatureMissing
    parts = [part.strip().partition("=") for part in timed.split(",")]
    told = {name: value for name, _, value in parts}
    time = told.get("t", "")
    if not (time.isascii() and time.isdecimal()) or len(time) > 12:
        raise SignatureInvalid
    require_signature(told.get("s"), hmac_hex(secret, time.encode() + b"." + delivery.body))
    require_recent(int(time) * SECOND, received=delivery.received, within=_WITHIN)
