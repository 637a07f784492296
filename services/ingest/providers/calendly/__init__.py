"""Calendly: meetings that somebody booked or called off, signed with a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from services.ingest.domain.identifiers import IdentifierKind
from services.ingest.providers.calendly.mapping import NAME, message_id_of, read_booking
from services.ingest.providers.payloads import Given, take_apart
from services.ingest.providers.port import (
    Delivery,
    HookItem,
    Provider,
    SecretName,
    Secrets,
    SignatureInvalid,
    SignatureMissing,
    key_of,
)
from services.ingest.providers.signatures import hmac_hex, require_recent, require_signature
from services.ingest.providers.values import moment_of_seconds, object_of

_KEY: Final = "signing_key"
_FRESH: Final = timedelta(minutes=3)


def _verify(delivery: Delivery, secrets: Secrets) -> None:
    """The header is ``t=<seconds>,v1=<signature>``; the time is signed with the body."""
    header = delivery.header("calendly-webhook-signature")
    if header is None:
        raise SignatureMissing
    parts = dict(part.strip().partition("=")[::2] for part in header.split(","))
    told = parts.get("t", "")
    expected = hmac_hex(secrets.need(_KEY), f"{told}.".encode() + delivery.body)
    require_signature(parts.get("v1"), expected)
    signed = moment_of_seconds(told)
    if signed is None:
        raise SignatureInvalid
    require_recent(signed, received=delivery.received, within=_FRESH)


def _split(delivery: Delivery, _secrets: Secrets) -> Sequence[HookItem]:
    return take_apart(
        delivery.body,
        received=delivery.received,
        kind=lambda _given: NAME,
        message_id=message_id_of,
        key=_key,
    )


def _key(given: Given) -> tuple[IdentifierKind, str] | None:
    return key_of(email=object_of(given.get("payload")).get("email"))


CALENDLY: Final = Provider(
    name=NAME,
    title="Calendly",
    secrets=(SecretName(_KEY, "the signing_key that you gave when you made the subscription"),),
    steps=(
        "Make a personal access token at Calendly, under “Integrations”, “API and webhooks”.",
        "POST to https://api.calendly.com/webhook_subscriptions: url {address}, the same signing_key.",
        "Its events are invitee.created and invitee.canceled, its scope your organization.",
        "Ask for company and title in the event type's questions; links may carry utm_source and so on.",
    ),
    verify=_verify,
    split=_split,
    readers={NAME: read_booking},
)
