"""Typeform: responses, signed by the webhook's secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.ingest.providers.payloads import take_apart
from services.ingest.providers.port import Delivery, HookItem, Provider, SecretName, Secrets
from services.ingest.providers.signatures import hmac_base64, require_signature
from services.ingest.providers.typeform.client import build_client
from services.ingest.providers.typeform.mapping import (
    NAME,
    key_of_response,
    message_id_of,
    read_response,
)

_SECRET: Final = "secret"  # noqa: S105 - the name of one


def _verify(delivery: Delivery, secrets: Secrets) -> None:
    expected = f"sha256={hmac_base64(secrets.need(_SECRET), delivery.body)}"
    require_signature(delivery.header("typeform-signature"), expected)


def _split(delivery: Delivery, _secrets: Secrets) -> Sequence[HookItem]:
    return take_apart(
        delivery.body,
        received=delivery.received,
        kind=lambda _given: NAME,
        message_id=message_id_of,
        key=key_of_response,
    )


TYPEFORM: Final = Provider(
    name=NAME,
    title="Typeform",
    secrets=(
        SecretName(_SECRET, "the secret that you typed where the webhook is set up"),
        SecretName(
            "access_token",
            "a personal token with responses:read and forms:read, to look for what was missed",
            is_optional=True,
        ),
        SecretName(
            "form_ids",
            "the forms whose responses are looked through, by comma",
            is_optional=True,
            is_secret=False,
        ),
        SecretName(
            "api_address",
            "Typeform's API, if it is not https://api.typeform.com",
            is_optional=True,
            is_secret=False,
        ),
    ),
    steps=(
        "Open the form at Typeform and go to “Connect”, “Webhooks”, “Add a webhook”; paste {address}.",
        "Edit the webhook, type the same secret, and turn it on.",
        "Give questions references such as company, or call them so; utm_source may be a hidden field.",
    ),
    verify=_verify,
    split=_split,
    readers={NAME: read_response},
    client=build_client,
)
