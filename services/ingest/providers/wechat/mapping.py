"""What followers of a WeChat official account (公众号) do, understood. Pure.

A follower is known by their openid alone, which is an id of this one account. A code with a parameter
(渠道码) is a campaign: whoever scans it says by it where they came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.ingest.domain.dialects.hooks import HookLead
from services.ingest.domain.intake import Refusal
from services.ingest.providers.callbacks.xml import read_xml
from services.ingest.providers.moments import beijing_day, read_platform_moment
from services.ingest.providers.payloads import NOT_ABOUT_A_LEAD

NAME: Final = "wechat"

FOLLOWED: Final = "Account Followed"
SCANNED: Final = "Channel Code Scanned"
CHOSE: Final = "Menu Chosen"
CHATTED: Final = "Chat Started"

_CODE: Final = "qrscene_"
_CAME: Final = frozenset({FOLLOWED, SCANNED})


def read_message(body: bytes) -> HookLead | Refusal:
    """Return what one message of the platform, in the clear, says of the follower who sent it."""
    told = read_xml(body)
    act = _act(told)
    follower = told.get("FromUserName")
    if not follower or act is None:
        return NOT_ABOUT_A_LEAD
    return HookLead(
        personal_id=follower,
        occurred=read_platform_moment(told.get("CreateTime")),
        act=act,
        channel="social" if act[0] in _CAME else None,
        campaign=_channel_code(told) or None,
    )


def message_id_of(told: Mapping[str, str]) -> str:
    """Return what is the same whenever the platform tells it again; the openid is part of it.

    A person's first message of a day opens a conversation; their further ones on that day are part of
    it, and so the same.
    """
    follower, moment = told.get("FromUserName", ""), told.get("CreateTime", "")
    act = _act(told)
    if act is not None and act[0] == CHATTED:
        return "\x1f".join((follower, CHATTED, beijing_day(moment) or moment))
    return "\x1f".join((follower, moment, *(told.get(name, "") for name in ("Event", "EventKey", "MsgId"))))


def _channel_code(told: Mapping[str, str]) -> str:
    """Return the parameter of the code that was scanned, empty if none was."""
    key = told.get("EventKey", "")
    match told.get("Event", "").lower():
        case "subscribe" if key.startswith(_CODE):
            return key.removeprefix(_CODE)
        case "scan":
            return key
        case _:
            return ""


def _act(told: Mapping[str, str]) -> tuple[str, dict[str, object]] | None:
    kind, account, code = told.get("MsgType", "").lower(), told.get("ToUserName", ""), _channel_code(told)
    if kind != "event":
        return (CHATTED, {}) if kind else None
    match told.get("Event", "").lower():
        case "subscribe":
            return FOLLOWED, {"account": account, "channel_code": code}
        case "unsubscribe":
            return "Unsubscribed", {"delivery_channel": NAME}
        case "scan":
            return SCANNED, {"account": account, "channel_code": code}
        case "click":
            return CHOSE, {"account": account, "entry": told.get("EventKey", "")}
        case "kf_create_session":
            return CHATTED, {}
        case _:
            return None
