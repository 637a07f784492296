"""The providers there are: one line each. Nothing else names one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.ingest.domain.dialects.hooks import HookReader
from services.ingest.providers.baidu import BAIDU
from services.ingest.providers.calendly import CALENDLY
from services.ingest.providers.google_ads import GOOGLE_ADS
from services.ingest.providers.hubspot import HUBSPOT
from services.ingest.providers.linkedin import LINKEDIN
from services.ingest.providers.meta import META
from services.ingest.providers.ocean_engine import OCEAN_ENGINE
from services.ingest.providers.port import Provider
from services.ingest.providers.tencent_ads import TENCENT_ADS
from services.ingest.providers.tiktok import TIKTOK
from services.ingest.providers.typeform import TYPEFORM
from services.ingest.providers.webhook import WEBHOOK
from services.ingest.providers.wechat import WECHAT
from services.ingest.providers.wecom import WECOM

PROVIDERS: Final[Mapping[str, Provider]] = {
    provider.name: provider
    for provider in (
        GOOGLE_ADS,
        META,
        LINKEDIN,
        TIKTOK,
        BAIDU,
        CALENDLY,
        HUBSPOT,
        OCEAN_ENGINE,
        TENCENT_ADS,
        TYPEFORM,
        WEBHOOK,
        WECHAT,
        WECOM,
    )
}  # fmt: skip


def hook_readers() -> dict[str, HookReader]:
    """Return the mapping of each kind of item that any provider delivers."""
    return {kind: read for provider in PROVIDERS.values() for kind, read in provider.readers.items()}
