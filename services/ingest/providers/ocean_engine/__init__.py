"""Ocean Engine (巨量引擎): leads that 飞鱼 pushes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from services.ingest.domain.identifiers import IdentifierKind, clean_text
from services.ingest.providers.ocean_engine.mapping import NAME, lead_id_of, message_id_of, read_lead
from services.ingest.providers.payloads import Given, take_apart
from services.ingest.providers.port import (
    Delivery,
    HookItem,
    Provider,
    Reply,
    Secrets,
    key_of,
)
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
    return key_of(phone=clean_text(given.get("telphone")), external=lead_id_of(given))


def _refuse(verdict: Verdict, status: int) -> Reply:
    return Reply(status, msgspec.json.encode({"code": status, "message": verdict.reason}))


OCEAN_ENGINE: Final = Provider(
    name=NAME,
    title="Ocean Engine (巨量引擎 飞鱼)",
    steps=(
        "Sign in to 飞鱼 CRM and open “线索管理”, “推送设置” (API 推送).",
        "Add a rule with {address} as URL and POST of JSON; secretkey and token may be anything.",
        "Leave the names of fields as they are, telphone too; call your own questions 公司, 预算 and so on.",
        "Success is code 200; the text stands in message.",
    ),
    split=_split,
    accepted=Reply(200, b'{"code":200,"message":"success"}'),
    refuse=_refuse,
    readers={NAME: read_lead},
)
