"""What WeCom (企业微信) tells of customers, understood. Pure.

A customer is known by their external_userid, which is an id of this one company. The ``state`` of a
contact code (渠道活码) is a campaign, and so is the scene of a link to 微信客服. Messages between staff
are about no lead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from services.ingest.domain.dialects.hooks import Errand, HookLead
from services.ingest.domain.intake import Refusal
from services.ingest.providers.callbacks.xml import read_xml
from services.ingest.providers.moments import beijing_day, read_platform_moment
from services.ingest.providers.payloads import NOT_ABOUT_A_LEAD, read_object
from services.ingest.providers.values import id_of, object_of, objects_of, present

NAME: Final = "wecom"
FETCH: Final = "wecom.fetch"
"""The kind of a callback that asks for what is known of the customer."""

CONTACT: Final = "wecom.contact"
"""The kind of what was fetched about a customer."""

MESSAGE: Final = "wecom.message"
"""The kind of what passed in a conversation of 微信客服."""

ADDED: Final = "Contact Added"
CHATTED: Final = "Chat Started"

_CHANGE: Final = "change_external_contact"
_COMES: Final = frozenset({"add_external_contact", "add_half_external_contact"})
_GOES: Final = frozenset({"del_follow_user"})
_CUSTOMER: Final = re.compile("w[mo][A-Za-z0-9_-]{30}")
"""How an id of a customer looks, beside which staff have ids that a company chose."""

_BY_CUSTOMER: Final = "3"
_GENDERS: Final = {"1": "male", "2": "female"}


def read_change(body: bytes) -> HookLead | Refusal:
    """Return what one callback, in the clear, says of a customer."""
    told = read_xml(body)
    customer, change = customer_of(told), told.get("ChangeType")
    if customer is None:
        return NOT_ABOUT_A_LEAD
    if told.get("MsgType") != "event":
        return _conversation(customer, told.get("CreateTime"))
    if change in _COMES:
        state = told.get("State", "")
        return HookLead(
            fields=present({"wecom_contact": told.get("UserID")}),
            personal_id=customer,
            occurred=read_platform_moment(told.get("CreateTime")),
            act=(ADDED, {"channel_code": state}),
            channel="social",
            campaign=state or None,
        )
    if change in _GOES:
        return HookLead(
            personal_id=customer,
            occurred=read_platform_moment(told.get("CreateTime")),
            act=("Unsubscribed", {"delivery_channel": NAME}),
        )
    return NOT_ABOUT_A_LEAD


def read_errand(body: bytes) -> Errand | Refusal:
    """Return the errand to ask WeCom what is known of the customer whom a callback names."""
    told = read_xml(body)
    customer = customer_of(told)
    if customer is None:
        return NOT_ABOUT_A_LEAD
    return Errand(
        provider=NAME,
        what="fetch_lead",
        external_id=customer,
        occurred=read_platform_moment(told.get("CreateTime")),
    )


def read_contact(body: bytes) -> HookLead | Refusal:
    """Return what was answered about a customer: who they are, and what staff noted."""
    given = read_object(body)
    contact = object_of(given.get("external_contact"))
    customer = id_of(contact.get("external_userid"))
    if customer is None:
        return NOT_ABOUT_A_LEAD
    noted: dict[str, object] = {}
    for follower in objects_of(given.get("follow_user")):
        phones = follower.get("remark_mobiles")
        for name, value in (
            ("phone", phones[0] if isinstance(phones, list) and phones else None),
            ("company_name", follower.get("remark_corp_name")),
        ):
            if value:
                noted.setdefault(name, value)
    fields: dict[str, object] = {
        "name": contact.get("name"),
        "title": contact.get("position"),
        "company_name": contact.get("corp_full_name") or contact.get("corp_name"),
        "gender": _GENDERS.get(id_of(contact.get("gender")) or ""),
    }
    return HookLead(fields={**noted, **present(fields)}, personal_id=customer, region="CN")


def read_message(body: bytes) -> HookLead | Refusal:
    """Return what one message of 微信客服 says of the customer: that they wrote, or came by a link."""
    given = read_object(body)
    event = object_of(given.get("event"))
    customer = writer_of(given)
    if customer is None:
        return NOT_ABOUT_A_LEAD
    scene = id_of(event.get("scene_param")) or id_of(event.get("scene"))
    return _conversation(customer, given.get("send_time"), scene=scene)


def writer_of(given: Mapping[str, Any]) -> str | None:
    """Return the customer who wrote a message of 微信客服 or opened it, None if it was anybody else."""
    event = object_of(given.get("event"))
    if event.get("event_type") == "enter_session":
        return id_of(event.get("external_userid"))
    return id_of(given.get("external_userid")) if id_of(given.get("origin")) == _BY_CUSTOMER else None


def conversation_id_of(customer: str, moment: object) -> str:
    """Return what names a conversation: whatever a customer writes on one day is one."""
    return "\x1f".join((customer, CHATTED, beijing_day(moment) or str(moment)))


def customer_of(told: Mapping[str, str]) -> str | None:
    """Return the customer whom a callback is about, None if it is about none."""
    if told.get("MsgType") == "event":
        return told.get("ExternalUserID") or None if told.get("Event") == _CHANGE else None
    sender = told.get("FromUserName", "")
    return sender if _CUSTOMER.fullmatch(sender) else None


def has_come(told: Mapping[str, str]) -> bool:
    """Return whether a callback tells of a customer who is new or back."""
    return customer_of(told) is not None and told.get("ChangeType") in _COMES


def is_only_a_bell(told: Mapping[str, str]) -> bool:
    """Return whether a callback says no more than that there are messages of 微信客服 to be listed."""
    return told.get("Event") == "kf_msg_or_event"


def message_id_of(told: Mapping[str, str]) -> str:
    """Return what is the same whenever the platform tells it again; the customer's id is part of it."""
    customer = customer_of(told)
    if customer is not None and told.get("MsgType") != "event":
        return conversation_id_of(customer, told.get("CreateTime"))
    names = ("ExternalUserID", "FromUserName", "UserID", "Event", "ChangeType", "CreateTime", "MsgId")
    return "\x1f".join(told.get(name, "") for name in names)


def _conversation(customer: str, moment: object, *, scene: str | None = None) -> HookLead:
    return HookLead(
        personal_id=customer,
        occurred=read_platform_moment(moment),
        act=(CHATTED, {}),
        channel="social" if scene is not None else None,
        campaign=scene,
    )
