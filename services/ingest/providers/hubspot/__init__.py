"""HubSpot: an app's notifications, and whole contacts out of workflows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Final
from urllib.parse import unquote

from services.ingest.domain.identifiers import IdentifierKind
from services.ingest.providers.hubspot.client import build_client
from services.ingest.providers.hubspot.mapping import (
    CONTACT,
    NAME,
    contact_id_of,
    kind_of,
    message_id_of,
    read_contact,
    read_notification,
)
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
from services.ingest.providers.signatures import hmac_base64, require_recent, require_signature
from services.ingest.providers.values import moment_of_milliseconds

_SECRET: Final = "client_secret"  # noqa: S105 - the name of one
_FRESH: Final = timedelta(minutes=5)


def _verify(delivery: Delivery, secrets: Secrets) -> None:
    """An app's notifications bear version 3; what a workflow sends, version 2, which tells no time."""
    secret = secrets.need(_SECRET)
    signature = delivery.header("x-hubspot-signature-v3")
    if signature is None and delivery.header("x-hubspot-signature-version") == "v2":
        _verify_second(delivery, secret)
        return
    told = delivery.header("x-hubspot-request-timestamp")
    if signature is None or told is None:
        raise SignatureMissing
    start, end = delivery.method.encode(), told.encode()
    require_signature(
        signature,
        *(hmac_base64(secret, start + url.encode() + delivery.body + end) for url in _addresses(delivery)),
    )
    signed = moment_of_milliseconds(told)
    if signed is None:
        raise SignatureInvalid
    require_recent(signed, received=delivery.received, within=_FRESH)


def _verify_second(delivery: Delivery, secret: str) -> None:
    start = f"{secret}{delivery.method}".encode()
    require_signature(
        delivery.header("x-hubspot-signature"),
        *(sha256(start + url.encode() + delivery.body).hexdigest() for url in _addresses(delivery)),
    )


def _addresses(delivery: Delivery) -> Sequence[str]:
    """The public address as it was called, and with its percent signs taken back, as some sign it."""
    return tuple(dict.fromkeys((delivery.url, unquote(delivery.url))))


def _split(delivery: Delivery, _secrets: Secrets) -> Sequence[HookItem]:
    return take_apart(
        delivery.body,
        received=delivery.received,
        kind=kind_of,
        message_id=message_id_of,
        key=_key,
    )


def _key(given: Given) -> tuple[IdentifierKind, str] | None:
    return key_of(external=contact_id_of(given))


HUBSPOT: Final = Provider(
    name=NAME,
    title="HubSpot",
    secrets=(
        SecretName(_SECRET, "the client secret of your app, which signs what it sends"),
        SecretName(
            "access_token",
            "an access token with crm.objects.contacts.read; new contacts are fetched with it",
            is_optional=True,
        ),
        SecretName(
            "properties",
            "more properties that are fetched, by comma, besides the usual ones",
            is_optional=True,
            is_secret=False,
        ),
        SecretName(
            "api_address",
            "HubSpot's API, if it is not https://api.hubapi.com",
            is_optional=True,
            is_secret=False,
        ),
    ),
    steps=(
        "Make an app in your HubSpot developer account, open “Webhooks”, and paste {address} as target URL.",
        "Subscribe to contact.creation, contact.privacyDeletion, and contact.propertyChange of what counts.",
        "Install the app in your account, and give its client_secret and access_token here.",
        "A workflow's “Send a webhook” may post to the same address; choose the same app's signature.",
    ),
    verify=_verify,
    split=_split,
    readers={NAME: read_notification, CONTACT: read_contact},
    client=build_client,
)
