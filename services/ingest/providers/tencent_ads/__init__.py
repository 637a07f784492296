"""Tencent Ads (腾讯广告): leads that it pushes."""

from __future__ import annotations

from typing import Final

from services.ingest.providers.payloads import split_pushed
from services.ingest.providers.port import Provider, Reply, SecretName
from services.ingest.providers.tencent_ads.client import build_client
from services.ingest.providers.tencent_ads.mapping import NAME, key_of_lead, message_id_of, read_lead
from shared.kernel.errors import Verdict


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
    secrets=(
        SecretName(
            "account_id",
            "the advertiser's account, to look for what was missed",
            is_optional=True,
            is_secret=False,
        ),
        SecretName("access_token", "an access token of the marketing API", is_optional=True),
        SecretName(
            "api_address",
            "Tencent's API, if it is not https://api.e.qq.com/v3.0",
            is_optional=True,
            is_secret=False,
        ),
    ),
    split=split_pushed(NAME, message_id=message_id_of, key=key_of_lead),
    accepted=Reply(200, b"OK", "text/plain; charset=utf-8"),
    refuse=_refuse,
    readers={NAME: read_lead},
    client=build_client,
)
