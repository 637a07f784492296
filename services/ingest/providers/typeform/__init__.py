"""Typeform: responses, signed by the webhook's secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.ingest.domain.identifiers import IdentifierKind
from services.ingest.providers.payloads import Given, take_apart
from services.ingest.providers.port import Delivery, HookItem, Provider, SecretName, Secrets, key_of
from services.ingest.providers.signatures import hmac_base64, require_signature
from services.ingest.providers.typeform.mapping import NAME, message_id_of, read_response
from services.ingest.providers.values import object_of, objects_of

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
        key=_key,
    )


def _key(given: Given) -> tuple[IdentifierKind, str] | None:
    answers = objects_of(object_of(given.get("form_response")).get("answers"))
    found = {str(answer.get("type")): answer for answer in answers}
    return key_of(
        email=found.get("email", {}).get("email"), phone=found.get("phone_number", {}).get("phone_number")
    )


TYPEFORM: Final = Provider(
    name=NAME,
    title="Typeform",
    secrets=(SecretName(_SECRET, "the secret that you typed where the webhook is set up"),),
    steps=(
        "Open the form at Typeform and go to “Connect”, “Webhooks”, “Add a webhook”; paste {address}.",
        "Edit the webhook, type the same secret, and turn it on.",
        "Give questions references such as company, or call them so; utm_source may be a hidden field.",
    ),
    verify=_verify,
    split=_split,
    readers={NAME: read_response},
)
