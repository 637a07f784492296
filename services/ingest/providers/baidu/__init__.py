"""Baidu (百度): leads of 基木鱼 pages that 营销通 pushes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from services.ingest.domain.identifiers import IdentifierKind, clean_text
from services.ingest.providers.baidu.mapping import NAME, lead_id_of, message_id_of, read_lead
from services.ingest.providers.payloads import Given, take_apart
from services.ingest.providers.port import Delivery, HookItem, Provider, Reply, Secrets, key_of
from shared.kernel.errors import Verdict


def _split(delivery: Delivery, _secrets: Secrets) -> Sequence[HookItem]:
    return take_apart(
        delivery.body,
        received=delivery.received,
        kind=lambda _given: NAME,
        message_id=message_id_of,
        key=_key,
    )


def _key(given: Given) -> tuple[IdentifierKind, str] | None:
    return key_of(phone=clean_text(given.get("cluePhoneNumber")), external=lead_id_of(given))


def _refuse(verdict: Verdict, status: int) -> Reply:
    """Any code but 0 says that it failed."""
    return Reply(status, msgspec.json.encode({"code": status, "message": verdict.reason}))


BAIDU: Final = Provider(
    name=NAME,
    title="Baidu (百度 基木鱼, 营销通)",
    steps=(
        "Sign in to 百度营销 and open “线索管理” of 基木鱼 or 营销通, then “线索推送” (API 推送).",
        "Add {address} as the address; JSON and forms are both read.",
        "Press the test there: it must show that the answer's code is 0.",
    ),
    split=_split,
    accepted=Reply(200, b'{"code":0,"message":"success"}'),
    refuse=_refuse,
    readers={NAME: read_lead},
)
