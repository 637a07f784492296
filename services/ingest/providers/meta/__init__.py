"""Meta Lead Ads: Facebook and Instagram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from services.ingest.providers.meta.client import build_client
from services.ingest.providers.meta.mapping import LEAD, NOTICE, notice_id_of, read_lead, read_notice
from services.ingest.providers.port import (
    Delivery,
    DeliveryUnreadable,
    HookItem,
    Provider,
    Reply,
    SecretName,
    Secrets,
    key_of,
)
from services.ingest.providers.signatures import escape_unicode, hmac_hex, require_signature
from services.ingest.providers.values import id_of, read_object

_FIELD: Final = "leadgen"


class _Change(msgspec.Struct):
    field: Any = None
    value: msgspec.Raw = msgspec.Raw()


class _Entry(msgspec.Struct):
    changes: list[_Change] = []


class _Delivered(msgspec.Struct):
    entry: list[_Entry] = []


_read: Final = msgspec.json.Decoder(_Delivered).decode


def _greet(delivery: Delivery, secrets: Secrets) -> Reply | None:
    """Give the challenge back to whoever knows the verify token."""
    if delivery.method != "GET":
        return None
    require_signature(delivery.parameter("hub.verify_token"), secrets.need("verify_token"))
    return Reply(200, (delivery.parameter("hub.challenge") or "").encode(), "text/plain")


def _verify(delivery: Delivery, secrets: Secrets) -> None:
    """Verify ``X-Hub-Signature-256``: over the body, or over it with escapes beyond ASCII, as Meta says."""
    secret = secrets.need("app_secret")
    signed = (delivery.body, escape_unicode(delivery.body))
    require_signature(
        delivery.header("x-hub-signature-256"), *(f"sha256={hmac_hex(secret, body)}" for body in signed)
    )


def _split(delivery: Delivery, _secrets: Secrets) -> Sequence[HookItem]:
    """Return the notices; what else a page tells about itself is none of ours."""
    try:
        entries = _read(delivery.body).entry
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise DeliveryUnreadable from None
    return [
        _item_of(bytes(change.value))
        for entry in entries
        for change in entry.changes
        if change.field == _FIELD and bytes(change.value)[:1] == b"{"
    ]


def _item_of(raw: bytes) -> HookItem:
    lead_id = id_of(read_object(raw).get("leadgen_id"))
    message_id = None if lead_id is None else notice_id_of(lead_id)
    return HookItem(NOTICE, raw, message_id, key_of(external=lead_id))


META: Final = Provider(
    name="meta",
    title="Meta Lead Ads (Facebook, Instagram)",
    secrets=(
        SecretName("app_secret", "the app secret, under Settings, Basic of your Meta app"),
        SecretName("verify_token", "anything you make up; you type it into Meta's form, too"),
        SecretName("page_token", "a page access token that does not expire, with leads_retrieval"),
        SecretName(
            "page_ids",
            "pages whose forms are looked through for leads that no notice told of, by comma",
            is_optional=True,
            is_secret=False,
        ),
        SecretName(
            "api_address",
            "the Graph API, if it is not https://graph.facebook.com/v24.0",
            is_optional=True,
            is_secret=False,
        ),
    ),
    steps=(
        "In your Meta app add Webhooks, choose Page, and subscribe to the field leadgen.",
        "Type {address} as the callback URL and the same verify_token; Meta checks it at once.",
        "Install the app on the page: POST /<page id>/subscribed_apps?subscribed_fields=leadgen.",
        "Send one from Meta's Lead Ads Testing Tool; `leadmill quarantine list` shows intake.test_lead.",
    ),
    greet=_greet,
    verify=_verify,
    split=_split,
    readers={NOTICE: read_notice, LEAD: read_lead},
    client=build_client,
)
