"""Any tool that can post fields to an address, such as Gravity Forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.ingest.domain.identifiers import IdentifierKind
from services.ingest.domain.traits import fold_name
from services.ingest.providers.payloads import Given, take_apart
from services.ingest.providers.port import Delivery, HookItem, Provider, SecretName, Secrets, key_of
from services.ingest.providers.signatures import require_signature
from services.ingest.providers.webhook.mapping import NAME, message_id_of, read_fields

_TOKEN: Final = "token"  # noqa: S105 - the name of one
_EMAIL: Final = frozenset({"email", "mail", "邮箱"})
_PHONE: Final = frozenset({"phone", "mobile", "tel", "手机", "电话"})


def _verify(delivery: Delivery, secrets: Secrets) -> None:
    """A source that has a token takes deliveries that carry it; without one the address must do."""
    token = secrets.get(_TOKEN)
    if token is None:
        return
    header = delivery.header("authorization") or ""
    scheme, _, bearer = header.partition(" ")
    given = bearer.strip() if scheme.lower() == "bearer" else delivery.header("x-webhook-token")
    require_signature(given, token)


def _split(delivery: Delivery, _secrets: Secrets) -> Sequence[HookItem]:
    return take_apart(
        delivery.body,
        received=delivery.received,
        kind=lambda _given: NAME,
        message_id=message_id_of,
        key=_key,
    )


def _key(given: Given) -> tuple[IdentifierKind, str] | None:
    by_name = {fold_name(name): value for name, value in given.items()}
    return key_of(
        email=next((by_name[name] for name in by_name if name in _EMAIL), None),
        phone=next((by_name[name] for name in by_name if name in _PHONE), None),
    )


WEBHOOK: Final = Provider(
    name=NAME,
    title="Any tool that posts fields",
    secrets=(
        SecretName(
            _TOKEN,
            "a token of your own making, sent as Authorization: Bearer … or X-Webhook-Token: …",
            is_optional=True,
        ),
    ),
    steps=(
        "Where the tool sends a webhook, set POST, JSON or form, and {address}.",
        "Add the header Authorization: Bearer with the same token, if the tool can send headers.",
        "Call the fields email, phone, name, company, title, in English or Chinese; id is the entry's.",
    ),
    verify=_verify,
    split=_split,
    readers={NAME: read_fields},
)
