"""Tencent's leads (腾讯广告), understood. Pure. The names of the push and of the marketing API both count."""

from __future__ import annotations

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

NAME: Final = "tencent-ads"

_OURS: Final[Mapping[str, str]] = {
    "leads_name": "name",
    "leads_tel": "phone",
    "leads_telephone": "phone",
    "leads_email": "email",
    "leads_qq": "qq",
    "leads_wechat": "wechat",
    "leads_address": "address",
    "leads_age": "age",
    "leads_profession": "profession",
    "shop_name": "store",
    "leads_tags": "tags",
    "page_url": "landing_url",
}
_CREATIVES: Final = ("adcreative_id", "dynamic_creative_id", "creative_id")
_GENDERS: Final = {"GENDER_TYPE_MALE": "男", "GENDER_TYPE_FEMALE": "女"}
_BOOKKEEPING: Final = frozenset(
    {
        *("account_id", "leads_id", "click_id", "campaign_id", "campaign_name", "adgroup_id"),
        *("adgroup_name", "adcreative_id", "adcreative_name", "creative_id", "creative_name", "page_id"),
        *("page_name", "leads_type", "tel_location", "telephone_location", "leads_area", "bundle"),
        *("leads_create_time", "leads_action_time", "leads_source", "agency_id", "agency_name"),
        *("component_id", "component_name", "wechat_appid", "leads_follow_tag", "leads_potential_score"),
        *("pos_type", "leads_gender", "leads_sub_type", "outer_leads_id", "outer_leads_convert_type"),
        *("outer_leads_ineffect_reason", "dynamic_creative_id", "dynamic_creative_name", "chat_id"),
        *("ad_id", "ad_name", "page_tools", "leads_come_from", "leads_touch_tag", "custom_qa"),
        *("layer_form_content", "is_broad_cast_leads", "owner_name", "owner_id", "all_follow_records"),
        *("correlation_factor_rank", "claim_account_id", "claim_advertiser_id", "leads_response_duration"),
        *("call_middle_num", "call_consumer_hotline", "call_touch_tag", "call_duration", "call_record_url"),
        *("id_number", "leads_id_number", "shop_address"),
    }
)


def read_lead(body: bytes) -> HookLead:
    """Return what a pushed lead says; ``bundle`` holds the answers to the advertiser's own questions."""
    given = read_object(body)
    fields = read_answers(given.get("bundle"))
    for name, value in given.items():
        if name not in _BOOKKEEPING and value not in (None, ""):
            fields[_OURS.get(name, name)] = value
    place = province_of(
        *(given.get("leads_area"), given.get("tel_location"), given.get("telephone_location"))
    )
    if place is not None:
        fields["region"] = place
    gender = clean_text(given.get("leads_gender")) or ""
    fields["gender"] = _GENDERS.get(gender, "" if gender.startswith("GENDER_") else gender)
    is_chat = "CONSULT" in (clean_text(given.get("leads_type")) or "").upper()
    return HookLead(
        fields=fields,
        external_id=lead_id_of(given),
        message_id=message_id_of(given),
        occurred=read_platform_moment(given.get("leads_action_time"))
        or read_platform_moment(given.get("leads_create_time")),
        form=None if is_chat else (id_of(given.get("page_id")) or NAME),
        act=("Chat Started", {}) if is_chat else None,
        channel="paid_social",
        campaign=id_of(given.get("campaign_id")) or id_of(given.get("adgroup_id")),
        ad=next(filter(None, (id_of(given.get(name)) for name in _CREATIVES)), None),
        region="CN",
    )


def lead_id_of(given: Mapping[str, Any]) -> str | None:
    """Return the platform's own id of the lead."""
    return id_of(given.get("leads_id"))


def message_id_of(given: Mapping[str, Any]) -> str | None:
    """Return what is the same whenever the lead is told again."""
    lead_id = lead_id_of(given)
    return None if lead_id is None else f"{NAME}-{lead_id}"


def key_of_lead(given: Mapping[str, Any]) -> tuple[IdentifierKind, str] | None:
    """Return by what the lead is kept in order with others of the same person."""
    phone = clean_text(given.get("leads_tel")) or clean_text(given.get("leads_telephone"))
    return key_of(phone=phone, external=lead_id_of(given))
