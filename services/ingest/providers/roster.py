"""The providers there are: one line each. Nothing else names one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.ingest.domain.dialects.hooks import HookReader
from services.ingest.providers.google_ads import GOOGLE_ADS
from services.ingest.providers.port import Provider
from services.ingest.providers.tiktok import TIKTOK

PROVIDERS: Final[Mapping[str, Provider]] = {
    provider.name: provider
    for provider in (
        GOOGLE_ADS,
        TIKTOK,
    )
}  # fmt: skip


def hook_readers() -> dict[str, HookReader]:
    """Return the mapping of each kind of item that any provider delivers."""
    return {kind: read for provider in PROVIDERS.values() for kind, read in provider.readers.items()}
