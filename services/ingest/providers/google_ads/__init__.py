"""Google Ads lead forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from services.ingest.providers.google_ads.mapping import KIND, message_id_of, read_lead
from services.ingest.providers.port import (
    Delivery,
    HookItem,
    Provider,
    Reply,
    SecretName,
    Secrets,
    key_of,
)
from services.ingest.providers.signatures import require_signature
from services.ingest.providers.values import objects_of, read_object
from shared.kernel.errors import Verdict

_KEY: Final = "google_key"


def _verify(delivery: Delivery, secrets: Secrets) -> None:
    """The key is the signature: Google sends it in the body."""
    given = read_object(delivery.body).get(_KEY)
    require_signature(given if isinstance(given, str) else None, secrets.need(_KEY))


def _split(delivery: Delivery, _secrets: Secrets) -> Sequence[HookItem]:
    given = read_object(delivery.body)
    answers = {
        column.get("column_id"): column.get("string_value")
        for column in objects_of(given.get("user_column_data"))
        if isinstance(column.get("column_id"), str)
    }
    key = key_of(
        email=answers.get("EMAIL") or answers.get("WORK_EMAIL"),
        phone=answers.get("PHONE_NUMBER") or answers.get("WORK_PHONE"),
        external=given.get("lead_id"),
    )
    return [HookItem(KIND, delivery.body, message_id_of(given, delivery.body), key)]


def _refuse(verdict: Verdict, status: int) -> Reply:
    """4xx is final for Google, 5xx is tried again; either wants a message."""
    return Reply(status, msgspec.json.encode({"message": verdict.message, "code": verdict.reason}))


GOOGLE_ADS: Final = Provider(
    name="google-ads",
    title="Google Ads lead forms",
    secrets=(SecretName(_KEY, "the key that you typed under “Key” where the form's webhook is set up"),),
    steps=(
        "Open the lead form in Google Ads and go to “Export leads from Google Ads”, “Webhook integration”.",
        "Paste {address} as the webhook URL, and the same google_key as the key.",
        "Press “Send test data”: it must say success, and `leadmill quarantine list` shows intake.test_lead.",
    ),
    verify=_verify,
    split=_split,
    accepted=Reply(200, b"{}"),
    refuse=_refuse,
    readers={KIND: read_lead},
)
