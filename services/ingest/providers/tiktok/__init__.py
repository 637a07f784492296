"""TikTok lead generation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from services.ingest.providers.port import (
    Delivery,
    DeliveryUnreadable,
    HookItem,
    Provider,
    SecretName,
    Secrets,
    key_of,
)
from services.ingest.providers.tiktok.mapping import KIND, message_id_of, read_lead
from services.ingest.providers.tiktok.signature import verify
from services.ingest.providers.values import id_of, objects_of, read_object


class _Delivered(msgspec.Struct):
    entry: list[msgspec.Raw] = []


_read: Final = msgspec.json.Decoder(_Delivered).decode


def _split(delivery: Delivery, _secrets: Secrets) -> Sequence[HookItem]:
    try:
        entries = _read(delivery.body).entry
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise DeliveryUnreadable from None
    return [_item_of(bytes(raw)) for raw in entries]


def _item_of(raw: bytes) -> HookItem:
    entry = read_object(raw)
    answers = {str(change.get("field")): change.get("value") for change in objects_of(entry.get("changes"))}
    external = id_of(entry.get("id"))
    key = key_of(email=answers.get("email"), phone=answers.get("phone_number"), external=external)
    return HookItem(KIND, raw, message_id_of(entry, raw), key)


TIKTOK: Final = Provider(
    name="tiktok",
    title="TikTok lead generation",
    secrets=(
        SecretName(
            "app_secret",
            "the secret of your app at TikTok; without it nothing is verified but the address",
            is_optional=True,
        ),
    ),
    steps=(
        "In TikTok's API for Business create an app with the permission to read leads, and note its secret.",
        "POST /open_api/v1.3/subscription/subscribe/ with subscribe_entity LEAD and callback_url {address}.",
        "Submit the form yourself from its preview; the lead is there a moment later.",
    ),
    verify=verify,
    split=_split,
    readers={KIND: read_lead},
)
