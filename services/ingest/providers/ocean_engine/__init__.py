"""Ocean Engine (巨量引擎): leads that 飞鱼 pushes."""

from __future__ import annotations

from typing import Final

import msgspec

from services.ingest.providers.ocean_engine.client import build_client
from services.ingest.providers.ocean_engine.mapping import NAME, key_of_lead, message_id_of, read_lead
from services.ingest.providers.payloads import split_pushed
from services.ingest.providers.port import Provider, Reply, SecretName
from shared.kernel.errors import Verdict


def _refuse(verdict: Verdict, status: int) -> Reply:
    return Reply(status, msgspec.json.encode({"code": status, "message": verdict.reason}))


OCEAN_ENGINE: Final = Provider(
    name=NAME,
    title="Ocean Engine (巨量引擎 飞鱼)",
    secrets=(
        SecretName("pull_key", "the signature key of 飞鱼's open interface", is_optional=True),
        SecretName("access_token", "the access token of 飞鱼's open interface", is_optional=True),
        SecretName(
            "api_address",
            "the open interface, if it is not https://feiyu.oceanengine.com",
            is_optional=True,
            is_secret=False,
        ),
    ),
    steps=(
        "Sign in to 飞鱼 CRM and open “线索管理”, “推送设置” (API 推送).",
        "Add a rule with {address} as URL and POST of JSON; secretkey and token may be anything.",
        "Leave the names of fields as they are, telphone too; call your own questions 公司, 预算 and so on.",
        "Success is code 200; the text stands in message.",
    ),
    split=split_pushed(NAME, message_id=message_id_of, key=key_of_lead),
    accepted=Reply(200, b'{"code":200,"message":"success"}'),
    refuse=_refuse,
    readers={NAME: read_lead},
    client=build_client,
)
