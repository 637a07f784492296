"""Tencent Ads (腾讯广告): leads that it pushes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.ingest.domain.identifiers import IdentifierKind, clean_text
from services.ingest.providers.payloads import Given, take_apart
from services.ingest.providers.port import Delivery, HookItem, Provider, Reply, Secrets, key_of
from services.ingest.providers.tencent_ads.mapping import NAME, lead_id_of, message_id_of, read_lead
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
    return key_of(
        phone=clean_text(given.get("leads_tel")) or clean_text(given.get("leads_telephone")),
        external=lead_id_of(given),
    )


def _refuse(verdict: Verdict, status: int) -> Reply:
    return Reply(status, verdict.reason.encode(), "text/plain; charset=utf-8")


TENCENT_ADS: Final = Provider(
    name=NAME,
    title="Tencent Ads (腾讯广告)",
    steps=(
        "Sign in at e.qq.com and open “线索管理”, “线索推送”, “API 推送”.",
        "Add {address} as the address.",
        "Give your own questions names such as 公司 or 预算; they come in the field bundle.",
    ),
    split=_split,
    accepted=Reply(200, b"OK", "text/plain; charset=utf-8"),
    refuse=_refuse,
    readers={NAME: read_lead},
)
