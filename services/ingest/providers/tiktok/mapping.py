"""What one entry of a TikTok lead delivery says; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from services.ingest.domain.channels.classifying import PAID_SOCIAL
from services.ingest.domain.dialects.hooks import HookLead
from services.ingest.domain.identifiers import clean_text
from services.ingest.providers.values import (
    digest_of,
    id_of,
    moment_of_seconds,
    objects_of,
    present,
    read_object,
)

KIND: Final = "tiktok"

_KEPT: Final = ("adgroup_id", "advertiser_id", "library_id", "lead_source", "page_name")
_NAMES: Final = {"phone_number": "phone", "work_email": "email", "work_phone_number": "phone"}


def message_id_of(entry: dict[str, Any], raw: bytes) -> str:
    """Return what names an entry: the lead's id, which is the same whenever TikTok sends it again."""
    return f"{KIND}-{id_of(entry.get('id')) or digest_of(raw)}"


def read_lead(body: bytes) -> HookLead:
    """Return what one entry says: the whole lead stands in it."""
    entry = read_object(body)
    fields = present(_answers(entry.get("changes")))
    for name in _KEPT:
        if (text := id_of(entry.get(name))) is not None:
            fields.setdefault(name, text)
    return HookLead(
        fields=fields,
        external_id=id_of(entry.get("id")),
        message_id=message_id_of(entry, body),
        occurred=moment_of_seconds(entry.get("create_time")),
        form=id_of(entry.get("page_id")) or "",
        channel=PAID_SOCIAL,
        campaign=id_of(entry.get("campaign_id")),
        ad=id_of(entry.get("ad_id")),
    )


def _answers(changes: object) -> Iterator[tuple[str, object]]:
    for change in objects_of(changes):
        name = clean_text(change.get("field"))
        if name is not None:
            yield _NAMES.get(name, name), change.get("value")
