"""Baidu's leads (基木鱼, 营销通), understood. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.ingest.domain.channels.classifying import PAID_SEARCH, PAID_SOCIAL
from services.ingest.domain.dialects.hooks import HookLead
from services.ingest.domain.identifiers import IdentifierKind, clean_text
from services.ingest.providers.answers import read_answers, read_list
from services.ingest.providers.moments import read_platform_moment
from services.ingest.providers.payloads import read_object
from services.ingest.providers.places import province_of
from services.ingest.providers.port import key_of
from services.ingest.providers.values import id_of

NAME: Final = "baidu"

_TYPES: Final[Mapping[str, str]] = {
    "name": "name",
    "phone": "phone",
    "mobile": "phone",
    "tel": "phone",
    "email": "email",
    "wechat": "wechat",
    "company": "company_name",
}
"""Types of questions that say what the answer is, whatever the question's text."""

_OURS: Final[Mapping[str, str]] = {
    "cluePhoneNumber": "phone",
    "url": "landing_url",
    "wechatAccount": "wechat",
    "flowChannelName": "flow_channel",
    "userName": "name",
}
_FEED: Final = "信息流"
_BOOKKEEPING: Final = frozenset(
    {
        *("clueId", "ucid", "pageId", "solutionType", "solutionTypeName", "commitTime", "area", "ip"),
        *("consultUrl", "imName", "clueUserMsgCount", "humanServiceMsgCount", "aiServiceMessageNum"),
        *("formDetail", "campaignId", "campaignName", "unitId", "unitName", "creativeId", "keywordId"),
        *("keyword", "searchWord", "connect", "groupName", "status"),
    }
)


def read_lead(body: bytes) -> HookLead:
    """Return what a pushed lead says."""
    given = read_object(body)
    fields = _answers(given.get("formDetail"))
    for name, value in given.items():
        if name not in _BOOKKEEPING and clean_text(value) is not None:
            fields[_OURS.get(name, name)] = value
    if (place := province_of(given.get("area"))) is not None:
        fields["region"] = place
    if (word := clean_text(given.get("keyword")) or clean_text(given.get("searchWord"))) is not None:
        fields["utm_term"] = word
    is_chat = _is_conversation(given)
    return HookLead(
        fields=fields,
        external_id=lead_id_of(given),
        message_id=message_id_of(given),
        occurred=read_platform_moment(given.get("commitTime")),
        form=None if is_chat else (id_of(given.get("pageId")) or NAME),
        act=("Chat Started", {}) if is_chat else None,
        channel=PAID_SOCIAL if _FEED in str(given.get("flowChannelName")) else PAID_SEARCH,
        campaign=id_of(given.get("campaignId")),
        ad=id_of(given.get("creativeId")) or id_of(given.get("unitId")),
        region="CN",
    )


def lead_id_of(given: Mapping[str, Any]) -> str | None:
    """Return the platform's own id of the lead."""
    return id_of(given.get("clueId"))


def message_id_of(given: Mapping[str, Any]) -> str | None:
    """Return what is the same whenever the lead is told again, pushed or listed."""
    lead_id = lead_id_of(given)
    return None if lead_id is None else f"{NAME}-{lead_id}"


def key_of_lead(given: Mapping[str, Any]) -> tuple[IdentifierKind, str] | None:
    """Return by what the lead is kept in order with others of the same person."""
    return key_of(phone=clean_text(given.get("cluePhoneNumber")), external=lead_id_of(given))


def _answers(detail: object) -> dict[str, object]:
    """Return the answers by what their type says they are, else by the question's own text."""
    items = read_list(detail)
    answers = read_answers([item for item in items if clean_text(item.get("type")) not in _TYPES])
    for item in items:
        ours, value = _TYPES.get(clean_text(item.get("type")) or ""), item.get("value")
        if ours is not None and clean_text(value) is not None:
            answers[ours] = value
    return answers


def _is_conversation(given: Mapping[str, Any]) -> bool:
    """A lead of the chat window has counted messages, or its solution is called consultation."""
    solution = {clean_text(given.get(name)) or "" for name in ("solutionType", "solutionTypeName")}
    counted = clean_text(given.get("clueUserMsgCount")) or ""
    return (
        (counted.isdecimal() and int(counted) > 0)
        or "consult" in solution
        or any("咨询" in text for text in solution)
    )
