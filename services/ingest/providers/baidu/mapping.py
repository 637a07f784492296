"""Baidu's leads (基木鱼, 营销通), understood. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.ingest.domain.dialects.hooks import HookLead
from services.ingest.domain.identifiers import clean_text
from services.ingest.providers.answers import read_answers, read_list
from services.ingest.providers.moments import read_platform_moment
from services.ingest.providers.payloads import read_object
from services.ingest.providers.places import province_of
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
}
_BOOKKEEPING: Final = frozenset(
    {
        *("clueId", "ucid", "pageId", "solutionType", "solutionTypeName", "commitTime", "area", "ip"),
        *("consultUrl", "imName", "clueUserMsgCount", "humanServiceMsgCount", "aiServiceMessageNum"),
        "formDetail",
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
    is_chat = _is_conversation(given)
    return HookLead(
        fields=fields,
        external_id=lead_id_of(given),
        message_id=message_id_of(given),
        occurred=read_platform_moment(given.get("commitTime")),
        form=None if is_chat else (id_of(given.get("pageId")) or NAME),
        act=("Chat Started", {}) if is_chat else None,
        channel="paid_search",
        region="CN",
    )


def lead_id_of(given: Mapping[str, Any]) -> str | None:
    """Return the platform's own id of the lead."""
    return id_of(given.get("clueId"))


def message_id_of(given: Mapping[str, Any]) -> str | None:
    """Return what is the same whenever the lead is told again, pushed or listed."""
    lead_id = lead_id_of(given)
    return None if lead_id is None else f"{NAME}-{lead_id}"


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
    counted = clean_text(given.get("clueUserMsgCount")) or ""
    return (counted.isdecimal() and int(counted) > 0) or "咨询" in (
        clean_text(given.get("solutionTypeName")) or ""
    )
