"""Baidu (百度): leads of 基木鱼 pages that 营销通 pushes."""

from __future__ import annotations

from typing import Final

import msgspec

from services.ingest.providers.baidu.client import build_client
from services.ingest.providers.baidu.mapping import NAME, key_of_lead, message_id_of, read_lead
from services.ingest.providers.payloads import split_pushed
from services.ingest.providers.port import Provider, Reply, SecretName
from shared.kernel.errors import Verdict


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
    secrets=(
        SecretName("user_name", "the account's user name, to look for what was missed", is_optional=True),
        SecretName("access_token", "an access token of the marketing API", is_optional=True),
        SecretName(
            "api_address",
            "Baidu's API, if it is not https://api.baidu.com",
            is_optional=True,
            is_secret=False,
        ),
    ),
    split=split_pushed(NAME, message_id=message_id_of, key=key_of_lead),
    accepted=Reply(200, b'{"code":0,"message":"success"}'),
    refuse=_refuse,
    readers={NAME: read_lead},
    client=build_client,
)
