"""Ocean Engine's leads (巨量引擎, by way of 飞鱼), understood. Pure.

The advertiser maps names of fields in the push rule; those of 飞鱼 itself are read here, and what the
advertiser called otherwise is read like a native lead's. Numbers come as texts or numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from services.ingest.domain.dialects.hooks import HookLead
from services.ingest.domain.identifiers import IdentifierKind, clean_text
from services.ingest.providers.answers import read_answers
from services.ingest.providers.moments import read_platform_moment
from services.ingest.providers.payloads import read_object
from services.ingest.providers.places import province_of
from services.ingest.providers.port import key_of
from services.ingest.providers.values import id_of
from shared.kernel.instants import Instant

NAME: Final = "ocean-engine"

_OURS: Final[Mapping[str, str]] = {
    "telphone": "phone",
    "weixin": "wechat",
    "external_url": "landing_url",
    "store_name": "store",
    "site_name": "site",
}
_BOOKKEEPING: Final = frozenset(
    {
        *(
            "id",
            "clue_id",
            "req_id",
            "adv_id",
            "adv_name",
            "advertiser_id",
            "advertiser_name",
            "location",
            "province_name",
        ),
        *("city_name", "county_name", "ad_id", "ad_name", "promotion_id", "promotion_name", "project_id"),
        *("cid", "creative_id", "site_id", "module_id", "module_name", "app_name", "clue_source"),
        *("clue_type", "clue_convert_status", "convert_status", "create_time", "create_time_detail", "date"),
        *("remark_dict", "store_id", "store_location", "flow_type", "token", "secretkey", "gender"),
        *("clue_state", "clue_state_name", "clue_owner_name", "follow_state_name", "country_name"),
        *("system_tags", "allocation_status", "intention_estimation", "store"),
    }
)
_DAY: Final = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_GENDERS: Final = {"1": "男", "2": "女"}
_PREVIEWS: Final = frozenset({"4", "广告预览"})
"""What the platform calls a lead that the advertiser made while looking at the own ad."""

_CONSULTATION: Final = frozenset({"1", "在线咨询"})
"""Kinds of lead that are conversations and no forms."""


def read_lead(body: bytes) -> HookLead:
    """Return what a pushed lead says."""
    given = read_object(body)
    fields = read_answers(given.get("remark_dict"))
    for name, value in given.items():
        if name not in _BOOKKEEPING:
            fields[_OURS.get(name, name)] = value
    place = province_of(given.get("province_name"), given.get("city_name"), given.get("location"))
    if place is not None:
        fields["region"] = place
    if (gender := _GENDERS.get(id_of(given.get("gender")) or "")) is not None:
        fields["gender"] = gender
    is_chat = clean_text(given.get("clue_type")) in _CONSULTATION
    return HookLead(
        fields=fields,
        external_id=lead_id_of(given),
        message_id=message_id_of(given),
        occurred=moment_of(given),
        is_test=any(clean_text(given.get(name)) in _PREVIEWS for name in ("clue_source", "convert_status")),
        form=None if is_chat else _form_of(given),
        act=("Chat Started", {}) if is_chat else None,
        channel="paid_social",
        campaign=id_of(given.get("promotion_id")) or id_of(given.get("ad_id")),
        ad=id_of(given.get("cid")) or id_of(given.get("creative_id")),
        region="CN",
    )


def lead_id_of(given: Mapping[str, Any]) -> str | None:
    """Return the platform's own id of the lead."""
    return id_of(given.get("id")) or id_of(given.get("clue_id"))


def message_id_of(given: Mapping[str, Any]) -> str | None:
    """Return what is the same whenever the lead is told again, pushed or pulled."""
    lead_id = lead_id_of(given)
    return None if lead_id is None else f"{NAME}-{lead_id}"


def moment_of(given: Mapping[str, Any]) -> Instant | None:
    """Return when the lead was made; None where only a day is told."""
    texts = (clean_text(given.get(name)) for name in ("create_time_detail", "create_time"))
    return next((read_platform_moment(text) for text in texts if text and not _DAY.fullmatch(text)), None)


def key_of_lead(given: Mapping[str, Any]) -> tuple[IdentifierKind, str] | None:
    """Return by what the lead is kept in order with others of the same person."""
    return key_of(phone=clean_text(given.get("telphone")), external=lead_id_of(given))


def _form_of(given: Mapping[str, Any]) -> str:
    """Return which form it was: its component, else the page it stood on."""
    return next(
        filter(None, (id_of(given.get(name)) for name in ("module_id", "module_name", "site_id"))),
        NAME,
    )
